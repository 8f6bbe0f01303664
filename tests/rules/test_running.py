"""I7: programs that are run out of a bundle, in all the ways Python has."""

import importlib.util
import os
import pkgutil
import re
import runpy
import subprocess
import sys
from collections.abc import Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import pytest

import litebundle
from tests.rules.places import Library, Place, Tree
from tests.rules.probes import TIMEOUT, Compare

_SHOW = (
    "import sys\n"
    "print(__name__, __package__, __spec__ and (__spec__.name, __spec__.origin), __file__,\n"
    "      __cached__, type(__loader__).__name__.replace('Bundle', 'SourceFile'),\n"
    "      sys.argv, '__path__' in globals(), __doc__)\n"
    "print(sys.modules['__main__'].__dict__ is globals(), sys.modules.get(__name__) is not None)\n"
)

TREE: Tree = {
    "__main__.py": "'''The program.'''\n" + _SHOW + "import app.tool\n",
    "app/__init__.py": "",
    "app/__main__.py": "'''The package.'''\n"
    + _SHOW
    + "from . import tool\nfrom .sub import leaf\n",
    "app/tool.py": "'''The tool.'''\n" + _SHOW,
    "app/sub/__init__.py": "",
    "app/sub/leaf.py": _SHOW,
    "app/no_main/__init__.py": "",
    "app/fails.py": "def fail():\n    raise ValueError('as planned')\n\n\nfail()\n",
    "app/leaves.py": "import sys\nsys.exit(7)\n",
    "app/broken.py": "def half(:\n",
    "app/needs.py": "import surely_not_there\n",
    "app/checks.py": (
        "'''Documented.'''\n"
        "def documented():\n    '''Documented too.'''\n"
        "try:\n    assert False, 'asserted'\nexcept AssertionError as error:\n    print(error)\n"
        "print(__debug__, __doc__, documented.__doc__)\n"
    ),
    "app/warns.py": "import warnings\nwarnings.warn('care', DeprecationWarning, 1)\nprint('on')\n",
    "app/interactive.py": "VALUE = 6 * 7\n",
    "space/program.py": _SHOW,
    "space/pkg/__main__.py": _SHOW,
    "stuffed/__init__.py": "",
    "stuffed/__main__.py": (
        "import importlib.resources, importlib.metadata, pkgutil\n"
        "print(importlib.resources.files('stuffed').joinpath('data.txt').read_text())\n"
        "with open(__file__[:-11] + 'data.txt') as file:\n"
        "    print(pkgutil.get_data('stuffed', 'data.txt'), file.read())\n"
        "print(importlib.metadata.version('demo'))\n"
    ),
    "stuffed/data.txt": "data\n",
    "demo-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
    "suite/__init__.py": "",
    "suite/test_unit.py": (
        "import unittest\n\n\nclass Test(unittest.TestCase):\n"
        "    def test_passes(self):\n        '''It passes.'''\n"
        "        self.assertEqual(1, 1)\n\n"
        "    def test_fails(self):\n        self.assertEqual(1, 2)\n"
    ),
    "suite/documented.py": "'''\n>>> 1 + 1\n2\n'''\n",
}


@pytest.fixture
def startup(tmp_path: Path) -> Path:
    """Return a directory whose `sitecustomize` installs the hook, as an environment would."""
    (tmp_path / "sitecustomize.py").write_text("import litebundle\nlitebundle.install()\n")
    return tmp_path


class Python:
    """Start interpreters that find a place by PYTHONPATH alone."""

    def __init__(self, place: Place, startup: Path) -> None:
        home = Path(litebundle.__file__).parents[1]
        self.place = place
        kept = {name: os.environ[name] for name in os.environ if not name.startswith("PYTHON")}
        self.environment = kept | {
            "PYTHONPATH": os.pathsep.join([str(startup), place.entry, str(home)]),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LITEBUNDLE_CACHE": place.entry + ".placed",
        }
        self.directory = startup

    def __call__(self, *arguments: str, answers: str = "") -> tuple[int, str, str]:
        """Return exit status, output and errors of one run, the place's path taken out."""
        done = subprocess.run(
            [sys.executable, *arguments],
            input=answers,
            capture_output=True,
            check=False,
            text=True,
            timeout=60,
            env=self.environment,
            cwd=self.directory,
        )
        return done.returncode, self._neutral(done.stdout), self._neutral(done.stderr)

    def _neutral(self, text: str) -> str:
        text = re.sub(re.escape(self.place.entry) + r"\.placed/[0-9a-f]{64}", "<root>", text)
        text = re.sub(r"in \d\.\d+s", "in time", text)
        return text.replace(self.place.entry, "<root>")


@pytest.fixture
def both(library: Library, container: str, startup: Path) -> tuple[Python, Python]:
    """Return interpreters over the plain directory and over the container."""
    return (
        Python(library.source(TREE), startup),
        Python(library.place(TREE, container), startup),
    )


RUNS: list[tuple[int, Sequence[str]]] = [
    (0, ["-m", "app"]),
    (0, ["-m", "app", "one", "--two"]),
    (0, ["-m", "app.tool", "argument"]),
    (0, ["-m", "app.sub.leaf"]),
    (0, ["-m", "space.program"]),
    (0, ["-m", "space.pkg"]),
    (0, ["-m", "stuffed"]),
    (0, ["-P", "-m", "app"]),
    (0, ["-O", "-m", "app.checks"]),
    (0, ["-OO", "-m", "app.checks"]),
    (0, ["-m", "app.checks"]),
    (0, ["-O", "-m", "app"]),
    (0, ["-OO", "-m", "app"]),
    (0, ["-m", "app.warns"]),
    (0, ["-W", "ignore", "-m", "app.warns"]),
    (1, ["-W", "error", "-m", "app.warns"]),
    (0, ["-W", "error", "-X", "dev", "-m", "stuffed"]),
    (0, ["-X", "warn_default_encoding", "-W", "error::EncodingWarning:litebundle", "-m", "app"]),
    (0, ["-b", "-d", "-q", "-u", "-m", "app"]),
    (0, ["-X", "frozen_modules=off", "-m", "app"]),
    (1, ["-m", "app.no_main"]),
    (1, ["-m", "app.nothing"]),
    (1, ["-m", "app.tool.nothing"]),
    (1, ["-m", "app.fails"]),
    (1, ["-m", "app.broken"]),
    (1, ["-m", "app.needs"]),
    (7, ["-m", "app.leaves"]),
    (1, ["-m", "unittest", "-v", "suite.test_unit"]),
    (0, ["-m", "unittest", "suite.test_unit.Test.test_passes"]),
    (0, ["-m", "cProfile", "-m", "app.interactive"]),
    (0, ["-m", "trace", "--trace", "--module", "app.interactive"]),
    (0, ["-m", "timeit", "-n1", "-r1", "-s", "import app.interactive", "app.interactive.VALUE"]),
    (0, ["-c", "import app.tool"]),
]


@pytest.mark.parametrize(("status", "arguments"), RUNS, ids=lambda value: str(value)[:60])
def test_rule_I7_python_m_runs_what_it_runs_from_a_directory(
    both: tuple[Python, Python], library: Library, status: int, arguments: Sequence[str]
) -> None:
    """Names, arguments, output, warnings, errors and exit codes are those of the directory."""
    key = ("python", *arguments)
    if key not in library.outcomes:
        library.outcomes[key] = _without_times(both[0](*arguments))
    expected, found = library.outcomes[key], _without_times(both[1](*arguments))
    assert expected[0] == status, expected
    assert found == expected


def _without_times(outcome: tuple[int, str, str]) -> tuple[int, str, str]:
    status, output, errors = outcome
    if "cumtime" in output or "best of" in output or "loop" in output:
        # How often importlib's own functions ran, and how long: the program's own lines remain
        output = "\n".join(line[-40:] for line in output.splitlines() if "<root>" in line)
    # Nor how many of the loader's frames there are, where importlib itself leaves them in
    other = ("Ran ", '  File "<frozen importlib._bootstrap')
    lines = [line for line in errors.splitlines() if not line.startswith(other)]
    return status, output, "\n".join(lines)


@pytest.mark.fault(53, 54)
def test_rule_I7_import_times_name_the_modules(both: tuple[Python, Python]) -> None:
    """`-X importtime` lists the program's modules, each once and at the same depth."""
    own = []
    for python in both:
        status, _, errors = python("-X", "importtime", "-m", "app")
        names = [line.rpartition("|")[2] for line in errors.splitlines()]
        own.append([name for name in names if name.split(".")[0].strip() in ("app", "stuffed")])
        assert status == 0
    assert own[0] == own[1] == ["   app", "   app.tool", "     app.sub", "   app.sub.leaf"] or (
        own[0] == own[1] and own[0][0].strip() == "app"
    )


def test_rule_I7_verbose_tells_where_modules_come_from(both: tuple[Python, Python]) -> None:
    """`-v` prints a line for each module, with its loader, and fails on nothing."""
    for python in both:
        status, output, errors = python("-v", "-m", "app")
        assert status == 0
        assert output.startswith("__main__ app ")
        assert re.search(r"^import 'app\.tool' # .*Loader", errors, re.MULTILINE)


ISOLATED = """
import sys
sys.path[:0] = sys.argv[1:3]
import litebundle
litebundle.install()
sys.path.remove(sys.argv[2])
del sys.argv[1:]
import runpy
runpy.run_module("app", run_name="__main__", alter_sys=True)
"""


@pytest.mark.fault(53)
@pytest.mark.parametrize("flags", [["-I"], ["-I", "-S"], ["-E", "-s"], ["-I", "-B", "-W", "error"]])
def test_rule_I7_isolated_interpreters_run_programs(
    both: tuple[Python, Python], flags: list[str]
) -> None:
    """Without environment, user site or site, when the program itself installs the hook."""
    home = str(Path(litebundle.__file__).parents[1])
    expected, found = (python(*flags, "-c", ISOLATED, python.place.entry, home) for python in both)
    assert expected[0] == 0, expected
    assert expected[1].startswith("__main__ app ")
    assert found == expected


def test_rule_I7_interactive_mode_keeps_the_programs_names(both: tuple[Python, Python]) -> None:
    """`-i -m` goes on in the module's namespace."""
    for python in both:
        status, output, _ = python("-i", "-m", "app.interactive", answers="print(VALUE)\n")
        assert (status, output) == (0, "42\n")


def test_rule_I7_pdb_runs_a_module(both: tuple[Python, Python]) -> None:
    """`python -m pdb -m` stops at the first line, lists it and goes on."""
    expected, found = (
        python("-m", "pdb", "-m", "app.interactive", answers="list\nn\np VALUE\nq\n")
        for python in both
    )
    assert "VALUE = 6 * 7" in expected[1]
    assert "42" in expected[1]
    assert found == expected


def test_rule_I7_coverage_runs_and_reports_a_module(both: tuple[Python, Python]) -> None:
    """`coverage run -m` in one process and `coverage report` in another."""
    reports = []
    for python in both:
        status, _, errors = python(
            "-m", "coverage", "run", "--include", "*/app/*", "-m", "app.fails"
        )
        assert status == 1
        assert "as planned" in errors
        status, output, errors = python("-m", "coverage", "report", "-m")
        assert (status, errors) == (0, "")
        reports.append([line.split()[1:] for line in output.splitlines() if "app/" in line])
    assert reports[0] == reports[1]
    assert ["3", "0", "100%"] in reports[0]


# runpy, in the process

MODULES = ["app", "app.tool", "app.sub.leaf", "space.program", "space.pkg", "stuffed"]

RUN_MODULE = """
import runpy
del sys.argv[1:]
OWN = ("__main__", "app", "space", "stuffed", "nothing")
for name in %r:
    for arguments in ({}, {"run_name": "__main__"}, {"alter_sys": True}, {"init_globals": {"X": 1}},
                      {"run_name": "__main__", "alter_sys": True}):
        before = set(sys.modules)
        try:
            names = runpy.run_module(name, **arguments)
            print(name, sorted(names))
        except Exception as error:
            print(name, type(error), error)
        print(sorted(name for name in set(sys.modules) - before if name.startswith(OWN)), sys.argv)
"""


@pytest.mark.fault(54)
def test_rule_I7_run_module_sets_what_it_sets_for_a_directory(compare: Compare) -> None:
    """Globals, `sys.argv` and `sys.modules` during and after, and the errors."""
    names = [*MODULES, "app.no_main", "app.nothing", "app.needs", "nothing"]
    outcome = compare(RUN_MODULE % names)
    assert "app.__main__ app ('app.__main__', '<root>/app/__main__.py')" in outcome.stdout


RUN_PATH = """
import os, runpy
del sys.argv[1:]
sys.path.remove(ROOT)
for path, arguments in ((ROOT, {}), (ROOT, {"run_name": "other"}), (ROOT, {"run_name": "__main__"}),
                        (ROOT + "/app", {}), (ROOT + "/app/sub", {})):
    before = set(sys.modules), list(sys.path)
    try:
        names = runpy.run_path(path, **arguments)
        print(sorted(names), names["__name__"])
    except BaseException as error:
        print(type(error), error)
    print(sorted({"app", "app.tool"} & set(sys.modules)), sys.path == before[1])
    for name in [name for name in sys.modules if name.partition(".")[0] == "app"]:
        del sys.modules[name]
"""


def test_rule_I7_run_path_runs_a_bundle_as_a_directory(compare: Compare) -> None:
    """`run_path` of the bundle, of a directory in it, and of one that is no program."""
    outcome = compare(RUN_PATH)
    assert "<run_path>  ('__main__', '<root>/__main__.py') <root>/__main__.py" in outcome.stdout


def test_rule_I7_run_path_of_what_is_not_there_is_refused(place: Place) -> None:
    """No such file, nothing to run: an error, and the path is as before."""
    sys.path.remove(place.entry)
    before = sys.path[:]
    with pytest.raises((OSError, ImportError)):
        runpy.run_path(place.at("nothing"))
    assert sys.path == before


def test_rule_I7_python_of_what_is_not_there_is_refused(place: Place) -> None:
    """`python PLACE/nothing` runs nothing, least of all the program of the place itself."""
    command = [sys.executable, "-B", place.at("nothing")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert (done.returncode in (1, 2), done.stdout) == (True, "")
    assert re.search(r"can't (open file|find '__main__' module in) '.*nothing'", done.stderr)


@pytest.mark.parametrize("inside", ["nothing", "app.py", "top.py", "nothing/app"])
def test_rule_F2_nothing_is_found_in_what_is_not_there(place: Place, inside: str) -> None:
    """The hook has refused the entry; zipimport, asked next, takes it in any zip, to no effect."""
    sys.path[0] = place.at(inside)
    for name in ("app", "app.tool", "tool", "__main__", "nothing"):
        assert PathFinder.find_spec(name, [sys.path[0]]) is None
    assert importlib.util.find_spec("app") is None
    assert list(pkgutil.iter_modules([sys.path[0]])) == []


@pytest.mark.parametrize("name", ["app", "app.tool", "space.pkg"])
def test_rule_I7_run_module_runs_again(place: Place, name: str, capsys: Any) -> None:
    """Running twice in a process executes twice, and leaves no module of that name behind."""
    outputs = []
    for _ in range(2):
        names = runpy.run_module(name, run_name="__main__", alter_sys=True)
        outputs.append(capsys.readouterr().out.splitlines()[0])
        assert names["__file__"].startswith(place.entry)
    assert outputs[0] == outputs[1]


def test_rule_I7_suites_of_a_bundle_are_loaded_by_name(compare: Compare) -> None:
    """By the loader of unittest, and as doctest's for it."""
    outcome = compare(
        "import doctest, io, unittest\n"
        "suite = unittest.defaultTestLoader.loadTestsFromName('suite.test_unit')\n"
        "suite.addTests(doctest.DocTestSuite('suite.documented'))\n"
        "out = io.StringIO()\n"
        "result = unittest.TextTestRunner(out, verbosity=2).run(suite)\n"
        "print(result, out.getvalue().partition('Ran ')[0])\n"
    )
    assert "run=3 errors=0 failures=1" in outcome.stdout
