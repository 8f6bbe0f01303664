"""A2: what shows, counts or copies code and modules: inspect, linecache, pdb, coverage, pickle."""

import copy
import importlib
import importlib.util
import inspect
import linecache
import pickle
import sys
import traceback
import warnings
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

import pytest

from tests.rules.places import Library, Tree
from tests.rules.probes import Compare

_SHAPES = '''"""Shapes.

>>> area(2, 3)
6
>>> area(1, 1)
2
"""
import warnings

LIMIT = 10


def area(width, height):
    """Multiply.

    >>> area(4, 5)
    20
    """
    # the comment above the result
    return width * height


class Square:
    """A square.

    >>> Square(3).area()
    9
    """

    def __init__(self, side):
        self.side = side

    def area(self):
        return area(self.side, self.side)

    @staticmethod
    def fail(depth):
        if depth:
            return Square.fail(depth - 1)
        raise ValueError("too deep")

    class Inner:
        nested = True


double = lambda number: number * 2  # a lambda


def decorate(function):
    def wrapper(*args):
        return function(*args)
    return wrapper


@decorate
def decorated(one):
    return one


def generate():
    yield 1
    raise KeyError("generated")


async def wait():
    return 1


def warn(level=1):
    warnings.warn("careful", UserWarning, stacklevel=level)


def deprecated():
    warnings.warn("old", DeprecationWarning, stacklevel=2)
'''

TREE: Tree = {
    "shapes.py": _SHAPES,
    "pkg/__init__.py": "from .deep import Deep\n",
    "pkg/deep.py": "class Deep:\n    def method(self):\n        return 1 / 0\n",
    "stuffed/__init__.py": "",
    "stuffed/data.txt": "",
    "stuffed/shapes.py": _SHAPES,
    "caller.py": "import shapes\n\n\ndef call():\n    shapes.deprecated()\n    shapes.warn(2)\n",
    "chained.py": (
        "def first():\n    return {}['key']\n\n\ndef second():\n    try:\n        first()\n"
        "    except KeyError as error:\n        raise ValueError('second') from error\n\n\n"
        "def group():\n    raise ExceptionGroup('many', [ValueError(1), TypeError(2)])\n"
    ),
    "crlf.py": b"def one():\r\n    return 1\r\n\r\n\r\ndef two():\r\n    return 2\r\n",
    "latin.py": "# coding: latin-1\ndef name():\n    return 'caf\u00e9'\n".encode("latin-1"),
    "form_feed.py": "X = '\x1c\u2028'\n\x0c\ndef after():\n    return X\n",
    "doc.txt": "",
    "stuffed/doc.txt": ">>> 1 + 1\n2\n>>> 1 + 1\n3\n",
    "broken.py": "def half(:\n    pass\n",
}

# inspect

SOURCES = """
import inspect, importlib
def attempt(call, *args):
    try:
        return call(*args)
    except Exception as error:
        return type(error), str(error)
import pkg
for name in ("shapes", "stuffed.shapes"):
    shapes = importlib.import_module(name)
    for thing in (shapes, shapes.area, shapes.Square, shapes.Square.area, shapes.Square.Inner,
                  shapes.double, shapes.decorated, shapes.generate, shapes.wait, shapes.warn,
                  shapes.area.__code__, pkg.Deep, pkg.Deep.method, pkg,
                  shapes.LIMIT, shapes.Square(1)):
        for call in (inspect.getsource, inspect.getsourcelines, inspect.getsourcefile,
                     inspect.getfile, inspect.getcomments, inspect.getdoc, inspect.getmodule,
                     inspect.getabsfile):
            print(name, getattr(thing, "__name__", thing), attempt(call, thing))
import crlf, latin, form_feed
for function in (crlf.two, latin.name, form_feed.after):
    print(repr(inspect.getsource(function)), inspect.getsourcelines(function)[1])
"""


@pytest.mark.fault(54)
def test_rule_A2_inspect_shows_what_it_shows_of_a_directory(compare: Compare) -> None:
    """Source, lines, files, comments and modules of everything that has them."""
    outcome = compare(SOURCES)
    assert "    # the comment above the result\n" in outcome.stdout
    assert "'def two():\\n    return 2\\n' 5" in outcome.stdout


def test_rule_A2_without_source_inspect_says_so(library: Library, packed: str) -> None:
    """If sources were left out, OSError, as for a directory of nothing but bytecode."""
    place = library.place({"shapes.py": _SHAPES}, packed, sources=False)
    place.prepare()
    sys.path.insert(0, place.entry)
    shapes = importlib.import_module("shapes")
    for thing in (shapes.area, shapes.Square):
        with pytest.raises(OSError, match=r"could not get source|source code not available"):
            inspect.getsource(thing)


# Tracebacks

TRACES = """
import traceback, chained, shapes, pkg, importlib
stuffed = importlib.import_module("stuffed.shapes")
for call in (chained.second, chained.group, lambda: shapes.Square.fail(2), pkg.Deep().method,
             lambda: list(stuffed.generate()), lambda: shapes.decorated(1, 2),
             lambda: __import__("broken")):
    try:
        call()
    except Exception:
        traceback.print_exc(file=sys.stdout)
        for frame in traceback.extract_tb(sys.exc_info()[2]):
            print(frame.filename, frame.lineno, frame.name, frame.line)
print(traceback.format_stack()[-1])
"""


@pytest.mark.fault(54)
def test_rule_A2_tracebacks_show_the_lines(compare: Compare) -> None:
    """Chained errors, groups, generators and decorated functions, with every line of code."""
    lines = compare(TRACES).stdout
    assert '    raise ValueError("too deep")\n' in lines
    assert "    raise ValueError('second') from error\n" in lines


UNCAUGHT = [
    "chained.second()",
    "chained.group()",
    "__import__('broken')",
    "chained.missing",
    "1 / 0",
]


@pytest.mark.parametrize("call", UNCAUGHT)
def test_rule_A2_uncaught_errors_show_the_lines(compare: Compare, call: str) -> None:
    """What the interpreter prints at the end of a program, on every version."""
    outcome = compare(f"import chained; {call}", status=1)
    assert "Error" in outcome.stderr
    assert ("return {}['key']" in outcome.stderr) == (call == "chained.second()")


THREAD = """
import chained, threading
thread = threading.Thread(target=chained.second, name="worker")
thread.start()
thread.join()
print(threading.excepthook is threading.__excepthook__, sys.excepthook is sys.__excepthook__)
thread = threading.Thread(target=sys.exit)
thread.start()
thread.join()
"""


@pytest.mark.parametrize("before", ["", "import threading\n"])
def test_rule_A2_uncaught_errors_of_threads_show_the_lines(compare: Compare, before: str) -> None:
    """Whether threading was imported before the hook was installed or not."""
    outcome = compare(before + THREAD)
    assert "return {}['key']" in outcome.stderr
    assert "True True" in outcome.stdout


OLD = (
    "def fail():\n    # before\n    raise ValueError('old')\n\n\ndef warn():\n    import warnings\n"
)
OLD += "    warnings.warn('old', stacklevel=1)  # the old line\n"
NEW = "# other\n" * 20 + "def fail():\n    raise KeyError('new')\n"


@pytest.mark.parametrize("seen", ["first time", "seen before"])
@pytest.mark.parametrize(
    "situation",
    [set(), {"data"}, {"invalidated"}, {"data", "invalidated"}],
    ids=lambda situation: "-".join(sorted(situation)) or "pure",
)
def test_rule_A2_after_a_replacement_the_lines_are_of_what_runs(
    library: Library, packed: str, tmp_path: Path, seen: str, situation: set[str]
) -> None:
    """Tracebacks, source and warnings of a module imported before the bundle was replaced."""
    extra: Tree = {"moving/data.txt": "data\n"} if "data" in situation else {}
    releases = [
        library.place({"moving/__init__.py": "", "moving/sub.py": body, **extra}, packed)
        for body in (OLD, NEW)
    ]
    deployed = releases[0].copy_to(tmp_path / "app.bundle")
    deployed.prepare()
    sys.path.insert(0, deployed.entry)
    linecache.clearcache()
    module = importlib.import_module("moving.sub")

    def shown() -> str:
        with pytest.raises(ValueError, match="old") as caught:
            module.fail()
        text = "".join(traceback.format_exception(caught.value))
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            module.warn()
        linecache.clearcache()  # a warning brings no globals, by which a loader could be asked
        return text + warnings.formatwarning("old", UserWarning, found[0].filename, found[0].lineno)

    if seen == "seen before":
        shown()
    releases[1].copy_to(Path(deployed.entry))
    if "invalidated" in situation:
        importlib.invalidate_caches()
    linecache.checkcache()
    assert "    raise ValueError('old')\n" in shown()
    assert "  warnings.warn('old', stacklevel=1)  # the old line\n" in shown()
    assert inspect.getsource(module.fail) == OLD.partition("\n\n\n")[0] + "\n"


# Warnings

WARNINGS = """
import warnings, shapes, caller, importlib
stuffed = importlib.import_module("stuffed.shapes")
warnings.simplefilter("always")
shapes.warn()
caller.call()
stuffed.warn()
warnings.warn_explicit("explicit", UserWarning, shapes.__file__, 15)
warnings.warn_explicit("explicit", UserWarning, shapes.__file__, 16, module_globals=vars(shapes))
"""


def test_rule_A2_warnings_show_the_line_they_are_about(compare: Compare) -> None:
    """By file name and number alone, with a stack level, and from a package with data."""
    outcome = compare(WARNINGS)
    assert "  shapes.deprecated()\n" in outcome.stderr
    assert outcome.stderr.count('warnings.warn("careful", UserWarning, stacklevel=level)') == 2


def test_rule_A2_a_lazy_module_is_not_loaded_to_show_a_line(
    library: Library, packed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking for lines goes through what is in `sys.modules`, modules or not; disturbs none."""
    monkeypatch.setitem(sys.modules, "nothing", None)
    monkeypatch.setitem(sys.modules, "something", object())
    place = library.place({"sleeping.py": "1 / 0\n", "shapes.py": _SHAPES}, packed)
    deployed = place.copy_to(tmp_path / "app.bundle")
    deployed.prepare()
    sys.path.insert(0, deployed.entry)
    spec: Any = importlib.util.find_spec("sleeping")
    loader = importlib.util.LazyLoader(spec.loader)
    spec.loader = loader
    sys.modules["sleeping"] = module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    assert linecache.getline(deployed.at("shapes.py"), 13) == "def area(width, height):\n"
    with pytest.raises(ZeroDivisionError):
        str(module.__file__)  # only now


# doctest

DOCTEST = """
import doctest, shapes, pkg, importlib
stuffed = importlib.import_module("stuffed.shapes")
for module in (shapes, stuffed):
    print(doctest.testmod(module))
    found = doctest.DocTestFinder().find(module)
    print([(test.name, test.filename, test.lineno) for test in found])
    doctest.testmod(module, verbose=True)
print(doctest.testfile("doc.txt", package="stuffed"))
print(doctest.testsource(shapes, "shapes.Square"))
"""


def test_rule_A2_doctest_finds_and_shows_examples(compare: Compare) -> None:
    """In docstrings, with their lines, and in text files of a package."""
    outcome = compare(DOCTEST)
    assert "TestResults(failed=1, attempted=4)" in outcome.stdout
    assert "line 5, in shapes" in outcome.stdout


# pdb, profile, trace, coverage

PDB = """
import io, pdb, shapes, importlib
stuffed = importlib.import_module("stuffed.shapes")
for module in (shapes, stuffed):
    script = ["b module.area", "b %s:37" % module.__file__, "c", "list", "ll", "w"]
    script += ["source module.double", "c", "w", "list", "c", ""]
    commands = io.StringIO("\\n".join(script))
    shell = pdb.Pdb(stdin=commands, stdout=sys.stdout, nosigint=True, readrc=False)
    shell.use_rawinput = False
    shell.runcall(module.Square(3).area)
"""


@pytest.mark.fault(54)
def test_rule_A2_pdb_lists_and_stops_at_lines(compare: Compare) -> None:
    """Breakpoints on functions and lines, listings, sources and the stack."""
    lines = compare(PDB).stdout
    assert "->     return width * height" in lines or "-> return width * height" in lines


PROFILE = """
import cProfile, io, pstats, shapes
profile = cProfile.Profile()
profile.runcall(shapes.Square(3).area)
print(sorted(key for key in pstats.Stats(profile).stats if "shapes" in key[0]))
import trace
tracer = trace.Trace(count=1, trace=1)
tracer.runfunc(shapes.area, 2, 3)
print(sorted((name, line) for name, line in tracer.results().counts if "shapes" in name))
"""


@pytest.mark.fault(54)
def test_rule_A2_profiles_and_traces_name_the_lines(compare: Compare) -> None:
    """The reports of cProfile and trace are by file and line of the module."""
    lines = compare(PROFILE).stdout
    assert "('<root>/shapes.py', 13, 'area')" in lines
    assert "return width * height" in lines


COVERAGE = """
import io, os, coverage
packages = ["shapes", "stuffed", "latin"]
measured = coverage.Coverage(data_file=None, config_file=False, source_pkgs=packages, %s)
measured.start()
import shapes, stuffed.shapes, latin
shapes.Square(2).area()
stuffed.shapes.warn
measured.stop()
for module in (shapes, stuffed.shapes, latin):
    print(module.__file__, measured.analysis2(module)[1:4])
out = io.StringIO()
print(measured.report(file=out, show_missing=True))
for line in sorted(out.getvalue().splitlines(), key=lambda line: line.split("/")[-1:]):
    print([os.path.basename(column.strip("-")) for column in line.split()])
"""


@pytest.mark.fault(54)
@pytest.mark.parametrize("branch", [False, True])
def test_rule_A2_coverage_reports_lines(compare: Compare, branch: bool) -> None:
    """The `coverage` package measures modules in a bundle, and reports what was missed."""
    lines = compare(COVERAGE % f"branch={branch}").stdout
    assert "'shapes.py'" in lines
    assert "'latin.py'" in lines


# pickle and copy


@pytest.mark.fault(54)
@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))],  # noqa: S301  # its own
)
@pytest.mark.parametrize("name", ["shapes", "pkg", "pkg.deep", "stuffed", "stuffed.shapes"])
def test_rule_A2_specs_and_loaders_are_copied_and_pickled(name: str, again: Any) -> None:
    """A copy is equal, knows the source, and can load the module."""
    path = getattr(importlib.import_module(name.partition(".")[0]), "__path__", None)
    found = PathFinder.find_spec(name, path if "." in name else None)
    assert found is not None
    spec = again(found)
    assert spec == found
    assert spec.loader == found.loader
    assert spec.loader.get_source(name) == found.loader.get_source(name)  # type: ignore[union-attr]
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.__file__ == found.origin


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_rule_A2_classes_functions_and_instances_are_pickled(protocol: int) -> None:
    """By their names, as ever; instances with what is in them."""
    shapes = importlib.import_module("stuffed.shapes")
    for thing in (shapes.area, shapes.Square, shapes.Square.Inner):
        if protocol < 4 and thing is shapes.Square.Inner:
            continue
        assert pickle.loads(pickle.dumps(thing, protocol)) is thing  # noqa: S301  # its own
        assert copy.deepcopy(thing) is thing
    again = pickle.loads(pickle.dumps(shapes.Square(7), protocol))  # noqa: S301  # its own
    assert again.area() == 49


PICKLED = """
import os, pickle, subprocess, shapes, pkg
from importlib.machinery import PathFinder
things = [shapes.area, shapes.Square(5), pkg.Deep, PathFinder.find_spec("shapes"),
          PathFinder.find_spec("deep", pkg.__path__), pkg.__loader__]
code = '''
import sys; ROOT, PREPARE = sys.argv[1:]; exec(PREPARE); sys.path.insert(0, ROOT)
import pickle
for thing in pickle.load(sys.stdin.buffer):
    print(type(thing).__qualname__.replace("Bundle", "SourceFile"))
    if hasattr(thing, "loader"):
        thing = thing.loader
    if hasattr(thing, "get_source"):
        print(len(thing.get_source(thing.name)), thing.path, thing.get_code(thing.name).co_filename)
'''
print(subprocess.run([sys.executable, "-P", "-c", code, ROOT, PREPARE], input=pickle.dumps(things),
                     capture_output=True).stdout.decode())
"""


def test_rule_A2_pickles_are_read_by_another_process(compare: Compare) -> None:
    """Classes, instances, specs and loaders, where the path and the hook are the same."""
    outcome = compare(PICKLED)
    assert "Square" in outcome.stdout
    assert outcome.stdout.count("<root>") >= 4


@pytest.mark.usefixtures("place")
def test_rule_A2_a_loader_of_a_module_that_is_gone_does_not_unpickle(tmp_path: Path) -> None:
    """An ImportError that names it, not a loader of something else."""
    found = PathFinder.find_spec("shapes")
    assert found is not None
    dumped = pickle.dumps(found.loader)
    moved = dumped.replace(b"shapes", b"shapez")
    assert moved != dumped
    if type(found.loader).__module__.startswith("litebundle"):
        with pytest.raises(ImportError, match="shapez"):
            pickle.loads(moved)  # noqa: S301  # its own
    assert tmp_path.exists()
