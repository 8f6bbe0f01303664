"""The analyser: which level a package needs, by what its code does with its own location."""

import textwrap
import warnings
from pathlib import Path

import pytest

from tests.unit.place.trees import analysed, decisions, levels

DATA = {"pkg/d/x.json": "{}"}
"""What is there to be read; the code of the cases reads it or does not."""

OPENED = {
    "open": "open(os.path.join(os.path.dirname(__file__), 'd', 'x.json'))",
    "abspath": "open(os.path.abspath(os.path.join(__file__, '..', 'd/x.json')))",
    "variable": "here = os.path.dirname(__file__)\nopen(here + '/d/x.json')",
    "f-string": "here = os.path.dirname(__file__)\nopen(f'{here}/d/x.json')",
    "percent": "open('%s/d/x.json' % os.path.dirname(__file__))",
    "format": "open('{}/{}'.format(os.path.dirname(__file__), name))",
    "pathlib": "from pathlib import Path\n(Path(__file__).parent / 'd' / 'x.json').read_text()",
    "parents": "import pathlib\n(pathlib.Path(__file__).resolve().parents[0] / 'd').iterdir()",
    "joinpath": "from pathlib import Path\nPath(__file__).parent.joinpath('d', name).open()",
    "with_name": "from pathlib import Path\nPath(__file__).with_name('d').exists()",
    "split": "top, _ = os.path.split(__file__)\nopen(os.path.join(top, name))",
    "rpartition": "open(__file__.rpartition('/')[0] + '/d/x.json')",
    "path": "open(os.path.join(__path__[0], 'd', 'x.json'))",
    "spec": "open(os.path.join(os.path.dirname(__spec__.origin), 'd', 'x.json'))",
    "own name": "import sys\nopen(os.path.dirname(sys.modules[__name__].__file__) + '/d/x.json')",
    "imported": "import pkg\nopen(os.path.dirname(pkg.__file__) + '/d/x.json')",
    "find_spec": (
        "from importlib.util import find_spec\n"
        "open(os.path.join(os.path.dirname(find_spec('pkg').origin), name))"
    ),
    "frame": (
        "import inspect\n"
        "open(os.path.dirname(inspect.getfile(inspect.currentframe())) + '/d/x.json')"
    ),
    "getsourcefile": (
        "import inspect\nclass C: pass\n"
        "open(os.path.dirname(inspect.getsourcefile(C)) + '/d/x.json')"
    ),
    "function": (
        "def at(*names):\n    return os.path.join(os.path.dirname(__file__), *names)\n"
        "def use():\n    open(at('d', 'x.json'))"
    ),
    "parameter": (
        "def read(path):\n    return open(path)\n"
        "def use(name):\n    read(os.path.join(os.path.dirname(__file__), name))"
    ),
    "attribute": (
        "class Store:\n"
        "    def __init__(self):\n        self.top = os.path.dirname(__file__)\n"
        "    def get(self, name):\n        return open(os.path.join(self.top, name))"
    ),
    "class": (
        "class Store:\n    TOP = os.path.dirname(__file__)\n"
        "    def get(self, name):\n        return open(os.path.join(self.TOP, name))"
    ),
    "loop": "for one in __path__:\n    os.listdir(os.path.join(one, 'd'))",
    "with": "with open(os.path.join(os.path.dirname(__file__), 'd', 'x.json')) as f:\n    pass",
    "walk": "for _ in os.walk(os.path.join(os.path.dirname(__file__), 'd')):\n    pass",
    "glob": "import glob\nglob.glob(os.path.join(os.path.dirname(__file__), 'd', '*.json'))",
    "ctypes": (
        "import ctypes\nctypes.CDLL(os.path.join(os.path.dirname(__file__), 'd', 'x.json'))"
    ),
    "returned": "def where():\n    return os.path.join(os.path.dirname(__file__), 'd', 'x.json')",
    "kept": "DATA = os.path.join(os.path.dirname(__file__), 'd')",
    "handed on": "import somebody\nsomebody.load(os.path.dirname(__file__))",
    "pkg_resources": "import pkg_resources\npkg_resources.resource_filename(__name__, 'd/x.json')",
    "as_file": (
        "from importlib.resources import as_file, files\n"
        "context = as_file(files('pkg').joinpath('d/x.json'))"
    ),
    "as_file of a name": (
        "from importlib import resources\n"
        "def where():\n"
        "    found = resources.files('pkg') / 'd'\n"
        "    return resources.as_file(found)"
    ),
}


@pytest.mark.parametrize("how", OPENED)
def test_a_package_that_makes_paths_to_its_data_has_it_placed(tmp_path: Path, how: str) -> None:
    """However the path is put together: level data, for a reason that names file and line."""
    code = f"import os\nname = input()\n{OPENED[how]}\n"
    decision = decisions(tmp_path, {"pkg/__init__.py": code, **DATA})["pkg"]
    assert (str(decision.level), decision.by) == ("data", "analysis")
    assert decision.reasons[0].startswith("pkg/__init__.py:")
    assert decision.findings[0].line > 2


IN_PLACE = {
    "files": "from importlib.resources import files\nfiles(__package__).joinpath('d/x.json')",
    "by name": "import importlib.resources\nimportlib.resources.files('pkg') / 'd' / 'x.json'",
    "backport": "import importlib_resources\nimportlib_resources.files(__name__)",
    "old": "from importlib import resources\nresources.read_text('pkg.d', 'x.json')",
    "pkgutil": "import pkgutil\npkgutil.get_data('pkg', 'd/x.json')",
    "loader": (
        "import os\n__loader__.get_data(os.path.join(os.path.dirname(__file__), 'd', 'x.json'))"
    ),
    "pkg_resources": "import pkg_resources\npkg_resources.resource_string(__name__, 'd/x.json')",
    "fallback": (
        "try:\n    from importlib.resources import files\n"
        "except ImportError:\n"
        "    import os\n"
        "    def files(name):\n        return os.path.dirname(__file__)\n"
        "files('pkg')"
    ),
    "version": (
        "import os, sys\n"
        "if sys.version_info >= (3, 9):\n    import importlib.resources as r\n    r.files('pkg')\n"
        "else:\n    open(os.path.join(os.path.dirname(__file__), 'd/x.json'))"
    ),
    "typing": (
        "import os, pkgutil\nfrom typing import TYPE_CHECKING\npkgutil.get_data('pkg', 'x')\n"
        "if TYPE_CHECKING:\n    open(os.path.join(os.path.dirname(__file__), 'd/x.json'))"
    ),
}


@pytest.mark.parametrize("how", IN_PLACE)
def test_resources_are_read_in_place(tmp_path: Path, how: str) -> None:
    """A package that reads its data only through the resources' own functions stays at code."""
    files = {"pkg/__init__.py": IN_PLACE[how] + "\n", "pkg/d/__init__.py": "", **DATA}
    decision = decisions(tmp_path, files)["pkg"]
    assert str(decision.level) == "code"
    assert "read with" in decision.reasons[0]


def test_an_older_python_takes_the_other_branch(tmp_path: Path) -> None:
    """The branches are those of the Python that the bundle is for."""
    files = {"pkg/__init__.py": IN_PLACE["version"] + "\n", **DATA}
    evidence = analysed(tmp_path, files, (3, 8)).evidence(thorough=True)["pkg"]
    assert [str(finding.level) for finding in evidence.findings] == ["data"]


SOURCES = {
    "listdir": "os.listdir(os.path.dirname(__file__))",
    "scandir": "os.scandir(os.path.dirname(os.path.abspath(__file__)))",
    "walk": "here = os.path.dirname(__file__)\nfor _ in os.walk(here):\n    pass",
    "glob": "import glob\nglob.glob(os.path.join(os.path.dirname(__file__), '*.py'))",
    "rglob": "from pathlib import Path\nPath(__file__).parent.rglob('*.py')",
    "iterdir": "from pathlib import Path\nlist(Path(__file__).parent.iterdir())",
    "path": "os.listdir(__path__[0])",
    "exec": "exec(open(os.path.join(os.path.dirname(__file__), 'm.py')).read())",
    "itself": "open(__file__).read()",
    "run_path": "import runpy\nrunpy.run_path(os.path.join(os.path.dirname(__file__), 'm.py'))",
    "subprocess": (
        "import subprocess, sys\n"
        "def go():\n"
        "    worker = os.path.join(os.path.dirname(__file__), 'm.py')\n"
        "    subprocess.run([sys.executable, worker], check=True)"
    ),
    "itself run": (
        "import sys\nfrom subprocess import Popen\ndef go():\n    Popen([sys.executable, __file__])"
    ),
    "handed on": "def runner():\n    return os.path.join(os.path.dirname(__file__), 'm.py')",
    "unknown name": "def read(n):\n    open(os.path.join(os.path.dirname(__file__), n + '.py'))",
    "getfile": "import inspect\ndef f(): pass\nopen(inspect.getsourcefile(f))",
    "no package": "TEMPLATE = os.path.join(os.path.dirname(__file__), 'plain')\nprint2(TEMPLATE)",
}


@pytest.mark.parametrize("how", SOURCES)
def test_a_package_that_uses_its_sources_as_files_has_them_placed(tmp_path: Path, how: str) -> None:
    """Listing, opening, running or handing on its own `.py` files: level all."""
    files = {
        "pkg/__init__.py": f"import os\n{SOURCES[how]}\n",
        "pkg/m.py": "",
        "pkg/plain/skeleton.py": "",
    }
    assert levels(tmp_path, files) == {"pkg": "all"}


HARMLESS = {
    "name": "import os\nNAME = os.path.basename(__file__)",
    "iter_modules": "import pkgutil\nlist(pkgutil.iter_modules(__path__))",
    "extend": "import pkgutil\n__path__ = pkgutil.extend_path(__path__, __name__)",
    "compared": "def mine(frame):\n    return frame.f_code.co_filename == __file__",
    "handed on": "import logging\nlogging.somebody(__file__)",
    "spec": (
        "import os, importlib.util\n"
        "importlib.util.spec_from_file_location('x', os.path.dirname(__file__) + '/m.py')"
    ),
    "sys.path": "import os, sys\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), 'v'))",
    "absent": "import os\nopen(os.path.join(os.path.dirname(__file__), 'not.there'))",
    "above": "import os\nopen(os.path.join(os.path.dirname(__file__), '../../out.txt'))",
    "script": "import os\nif __name__ == '__main__':\n    os.listdir(os.path.dirname(__file__))",
    "a string": "HELP = 'open(__file__)'",
    "a comment": "# os.listdir(os.path.dirname(__file__))",
    "others": "def files(module):\n    return open(module.__file__)",
}


@pytest.mark.parametrize("how", HARMLESS)
def test_not_every_mention_is_a_reason(tmp_path: Path, how: str) -> None:
    """What looks at names only, finds modules in the bundle, or never runs, needs no file."""
    files = {"pkg/__init__.py": HARMLESS[how] + "\n", "pkg/m.py": "", "pkg/v/w.py": ""}
    assert levels(tmp_path, files) == {"pkg": "code"}


def test_names_are_followed_from_module_to_module(tmp_path: Path) -> None:
    """A path that a sibling keeps, handed on by a third, is known where it is used."""
    files = {
        "pkg/__init__.py": "from .paths import HERE\n",
        "pkg/paths.py": "import os\nHERE = os.path.dirname(os.path.abspath(__file__))\n",
        "pkg/use.py": "import os\nfrom pkg import HERE as top\nos.listdir(top)\n",
    }
    decision = decisions(tmp_path, files)["pkg"]
    assert decision.reasons == ("pkg/use.py:3: lists pkg with os.listdir, which holds sources",)


def test_functions_are_followed_from_module_to_module(tmp_path: Path) -> None:
    """So is what a sibling's function returns."""
    files = {
        "pkg/__init__.py": "",
        "pkg/paths.py": "import os\ndef here():\n    return os.path.dirname(__file__)\n",
        "pkg/use.py": "import os\nfrom .paths import here\nos.listdir(here())\n",
    }
    assert levels(tmp_path, files) == {"pkg": "all"}


def test_other_packages_may_want_the_files(tmp_path: Path) -> None:
    """It is the package whose files they are that gets them placed."""
    files = {
        "lib/__init__.py": "",
        "lib/x.json": "",
        "app/__init__.py": "import os, lib\nopen(os.path.join(lib.__path__[0], 'x.json'))\n",
    }
    found = decisions(tmp_path, files)
    assert str(found["app"].level) == "code"
    assert found["lib"].reasons == ("app/__init__.py:2: opens lib/x.json with open",)


@pytest.mark.parametrize("name", ["templates", "static", "locale", "fixtures"])
def test_some_directories_are_read_by_frameworks(tmp_path: Path, name: str) -> None:
    """Even where the package reads others of its data as resources."""
    files = {
        "app/__init__.py": "import pkgutil\npkgutil.get_data('app', 'x')\n",
        f"app/{name}/page.html": "",
    }
    assert levels(tmp_path, files) == {"app": "data"}


def test_migrations_of_alembic_are_sources(tmp_path: Path) -> None:
    """It lists the directory and executes what it finds there."""
    files = {
        "app/__init__.py": "",
        "app/migrations/env.py": "",
        "app/migrations/script.py.mako": "",
        "app/migrations/versions/1.py": "",
    }
    assert levels(tmp_path, files) == {"app": "all"}


def test_what_nobody_is_seen_to_read_is_placed(tmp_path: Path) -> None:
    """Somebody packed it: the safe side is to have it there."""
    decision = decisions(tmp_path, {"pkg/__init__.py": "", "pkg/x.json": "{}"})["pkg"]
    assert str(decision.level) == "data"
    assert decision.reasons == ("pkg/x.json is data, and nothing seen tells who reads it",)


def test_resources_account_for_their_own_directory_only(tmp_path: Path) -> None:
    """Data elsewhere in the package remains of unknown use."""
    files = {
        "pkg/__init__.py": "",
        "pkg/sub/__init__.py": "from importlib.resources import files\nfiles(__package__)\n",
        "pkg/sub/x.json": "",
        "pkg/y.json": "",
    }
    assert decisions(tmp_path, files)["pkg"].reasons == (
        "pkg/y.json is data, and nothing seen tells who reads it",
    )


MARKERS = (
    ".agents/x.md",
    "py.typed",
    "m.pyi",
    "LICENSE",
    "COPYING.txt",
    "README.md",
    "m.pyx",
    "m.c",
    ".gitkeep",
)


@pytest.mark.parametrize("name", MARKERS)
def test_markers_are_no_reason(tmp_path: Path, name: str) -> None:
    """Nothing reads typing marks, licences and what an extension was made from at run time."""
    assert levels(tmp_path, {"pkg/__init__.py": "", f"pkg/{name}": ""}) == {"pkg": "code"}


def test_markers_that_are_opened_are_a_reason(tmp_path: Path) -> None:
    """Some programs show their licence."""
    code = "import os\nopen(os.path.join(os.path.dirname(__file__), 'LICENSE'))\n"
    assert levels(tmp_path, {"pkg/__init__.py": code, "pkg/LICENSE": ""}) == {"pkg": "data"}


@pytest.mark.parametrize("name", ["m.cpython-313-x86_64-linux-gnu.so", "libx.so.1", "x.dll"])
def test_native_files_must_be_files(tmp_path: Path, name: str) -> None:
    """Extension modules and shared libraries are opened by the system's loader."""
    found = decisions(tmp_path, {"pkg/__init__.py": "", f"pkg/{name}": ""})["pkg"]
    assert str(found.level) == "data"
    assert found.reasons[0].startswith(f"pkg/{name} is native")


def test_tests_do_not_have_sources_placed(tmp_path: Path) -> None:
    """What a package's tests list or run is theirs; data they open is placed all the same."""
    code = "import os\nos.listdir(os.path.dirname(__file__))\n"
    files = {"pkg/__init__.py": "", "pkg/tests/__init__.py": "", "pkg/tests/test_m.py": code}
    assert levels(tmp_path / "without", files) == {"pkg": "code"}
    assert levels(tmp_path / "with", {**files, "pkg/tests/x.json": ""}) == {"pkg": "data"}


def test_tests_that_ask_for_markers_are_no_reason(tmp_path: Path) -> None:
    """Some make sure that they were packed."""
    code = (
        "import os, pkg\nos.path.exists(os.path.join(os.path.dirname(pkg.__file__), 'py.typed'))\n"
    )
    files = {"pkg/__init__.py": "", "pkg/py.typed": "", "pkg/tests/test_typed.py": code}
    assert levels(tmp_path, files) == {"pkg": "code"}


def test_a_test_s_data_is_no_reason_by_itself(tmp_path: Path) -> None:
    """Most of it is read by tests that nobody runs out of a bundle."""
    files = {"pkg/__init__.py": "", "pkg/tests/__init__.py": "", "pkg/tests/x.json": ""}
    assert levels(tmp_path, files) == {"pkg": "code"}


def test_code_that_is_no_python_says_nothing(tmp_path: Path) -> None:
    """It cannot run either, and is no reason for the build to fail."""
    files = {"pkg/__init__.py": "", "pkg/broken.py": "open(__file__\n"}
    assert levels(tmp_path, files) == {"pkg": "code"}


@pytest.mark.parametrize(
    "code",
    [
        "a = __file__\nfor _ in range(9):\n    a = a + a\nopen(a)",
        "def f(x):\n    return g(x)\ndef g(x):\n    return f(x)\nopen(f(__file__))",
        "a = b = __file__\na, b = b, a\nopen(a + b)",
        "x = lambda: x()\nopen(x(__file__))",
    ],
)
def test_code_that_goes_in_circles_is_followed_to_an_end(tmp_path: Path, code: str) -> None:
    """Whatever the verdict, there is one."""
    assert levels(tmp_path, {"pkg/__init__.py": code + "\n"})["pkg"] in ("code", "all")


def test_code_that_is_nested_too_deeply_says_nothing(tmp_path: Path) -> None:
    """Generated tables of thousands of terms end neither the build nor the analysis of others."""
    code = "import os\nopen(os.path.dirname(__file__)" + " + 'x'" * 2500 + ")\n"
    code += "TABLE = __file__" + " + 'x'" * 2500 + "\n"
    lists = "import os\nos.listdir(os.path.dirname(__file__))\n"
    files = {"pkg/__init__.py": "", "pkg/deep.py": code, "pkg/lists.py": lists}
    assert levels(tmp_path, files) == {"pkg": "all"}


def test_warnings_about_the_code_are_not_the_builder_s(tmp_path: Path) -> None:
    """Invalid escapes and the like: parsing alone would print them."""
    code = "import os\nos.listdir(os.path.dirname(__file__))\nX = '\\d'\n1 is 1\n"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert levels(tmp_path, {"pkg/__init__.py": code}) == {"pkg": "all"}


def test_a_module_of_its_own_gets_the_files_that_it_names(tmp_path: Path) -> None:
    """A program that is no package, with its data beside it."""
    code = textwrap.dedent("""\
        from pathlib import Path
        HERE = Path(__file__).parent
        def config():
            return (HERE / "config.toml").read_text()
        def page(name):
            return (HERE / "pages" / name).read_text()
        """)
    files = {"main.py": code, "config.toml": "", "pages/a.html": "", "other.txt": ""}
    found = decisions(tmp_path, files)["main"]
    assert str(found.level) == "data"
    reach = {path for finding in found.findings for path in finding.reach}
    assert reach == {"config.toml", "pages/a.html"}


def test_what_tells_its_own_path_is_asked_by_others_in_a_package_only(tmp_path: Path) -> None:
    """A package's data may be what they look for; what lies beside a module is anybody's."""
    code = "def where():\n    return __file__\n"
    files = {"pkg/__init__.py": code, "pkg/x.txt": "", "alone.py": code, "x.txt": ""}
    assert levels(tmp_path, files) == {"alone": "code", "pkg": "data"}


def test_only_what_says_something_of_paths_is_parsed(tmp_path: Path) -> None:
    """A module that mentions neither its location nor resources costs a search for words."""
    files = {f"pkg/m{number}.py": "VALUE = 1\n" for number in range(20)}
    files |= {"pkg/__init__.py": "import os\nos.listdir(os.path.dirname(__file__))\n"}
    analyser = analysed(tmp_path, files)
    analyser.evidence(thorough=True)
    assert list(analyser._parsed) == ["pkg/__init__.py"]
