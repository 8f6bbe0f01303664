"""Other actors: import hooks, debuggers, tracers and registries, and modules of a bundle."""

import sys
from importlib.machinery import PathFinder

import pytest

from tests.rules.places import Place, Tree
from tests.rules.probes import Compare

TREE: Tree = {
    "app/__init__.py": "VALUE = 'app'\n",
    "app/typed.py": (
        "def double(number: int) -> int:\n    return number * 2\n\n\n"
        "class Account:\n    def pay(self, amount: float) -> None:\n        self.paid = amount\n"
    ),
    "app/steps.py": (
        "def total(numbers):\n    result = 0\n    for number in numbers:\n"
        "        if number > 100:\n            result = 100\n        result += number\n"
        "    return result\n"
    ),
    "app/checks.py": "def test_it():\n    left, right = 1, 2\n    assert left == right\n",
    "app/inner/__init__.py": "raise RuntimeError('imported')\n",
    "app/inner/leaf.py": "raise RuntimeError('imported')\n",
    "stuffed/__init__.py": (
        "import os\nDATA = open(os.path.join(os.path.dirname(__file__), 'data.txt')).read()\n"
        "def double(number: int) -> int:\n    return number * 2\n"
    ),
    "stuffed/data.txt": "data\n",
    "stuffed/folder/more.txt": "more\n",
    "plugins/one.py": "VALUE = 'one'\n\n\ndef where():\n    return __file__\n",
}


# Import hooks


TYPEGUARD = """
from typeguard import TypeCheckError, install_import_hook
with install_import_hook(["app", "stuffed"]):
    import app.typed, stuffed
pay = app.typed.Account().pay
for function, argument in [(app.typed.double, "a"), (pay, []), (stuffed.double, "a")]:
    try:
        function(argument)
    except TypeCheckError as error:
        print(error)
print(app.typed.double(4), stuffed.DATA, type(app.typed.__loader__).__name__)
import inspect
print(inspect.getsource(app.typed.double))
"""


def test_rule_A1_typeguards_hook_instruments_modules(compare: Compare) -> None:
    """A hook that puts a source loader of its own in our loader's place reads the same source."""
    pytest.importorskip("typeguard")
    assert "is not an instance of int" in compare(TYPEGUARD).stdout


BEARTYPE = """
from beartype.claw import beartype_package
beartype_package("app")
import app.typed, app.steps
print(app.typed.double(4), app.steps.total([1, 2]), app.typed.__name__)
"""


def test_rule_A1_beartypes_hook_leaves_modules_working(compare: Compare) -> None:
    """A path hook for directories only, in front of ours, passes bundles on to it, as for zips."""
    pytest.importorskip("beartype")
    assert compare(BEARTYPE).stdout == "8 3 app.typed\n"


PYTEST = """
import warnings
from _pytest.assertion import install_importhook
from _pytest.config import get_config
config = get_config()
hook = install_importhook(config)
hook.mark_rewrite("app.checks")
import app.checks
try:
    app.checks.test_it()
except AssertionError as error:
    print(type(error).__name__, app.checks.__file__)
"""


def test_rule_A1_pytests_rewriting_leaves_modules_working(compare: Compare) -> None:
    """The hook of pytest, which reads files on disk only, steps aside."""
    assert "AssertionError <root>/app/checks.py" in compare(PYTEST).stdout


WRAPPED = """
import importlib.util, sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import PathFinder, SourceFileLoader

class Wrapping(MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and fullname.startswith("app"):
            spec.loader = STYLE(spec.loader)
        return spec

class Proxy(Loader):
    def __init__(self, loader):
        self.loader = loader
    def create_module(self, spec):
        return self.loader.create_module(spec)
    def exec_module(self, module):
        self.loader.exec_module(module)
        module.SEEN = True
    def __getattr__(self, name):
        return getattr(self.loader, name)

def instrumented(loader):
    class Instrumented(type(loader)):
        def source_to_code(self, data, path, **options):
            return super().source_to_code(data + b"\\nSEEN = True\\n", path)
        def get_code(self, fullname):
            return self.source_to_code(self.get_data(self.get_filename(fullname)), self.path)
    loader.__class__ = Instrumented
    return loader

def consulting(loader):
    assert loader.path_stats(loader.path)["size"] == len(loader.get_data(loader.path))
    assert loader.get_code(loader.name).co_filename == loader.path
    class Consulting(Proxy):
        def exec_module(self, module):
            source = self.loader.get_source(module.__name__) + "\\nSEEN = True\\n"
            exec(compile(source, self.loader.path, "exec"), module.__dict__)
    return Consulting(loader)

STYLE = {style}
sys.meta_path.insert(0, Wrapping())
import app.typed, app.steps
print(app.SEEN, app.typed.SEEN, app.steps.total([1, 101]), app.steps.__file__)
"""


@pytest.mark.parametrize("style", ["Proxy", "instrumented", "consulting"])
def test_rule_A1_loaders_can_be_wrapped(compare: Compare, style: str) -> None:
    """A finder in front may wrap our loader, derive from its class, or only consult it."""
    probe = WRAPPED.replace("{style}", style)
    assert compare(probe).stdout == "True True 201 <root>/app/steps.py\n"


# Loaders that programs make themselves


LOCATION = """
import importlib.util, os
from importlib.machinery import SourceFileLoader
import plugins
path = os.path.join(list(plugins.__path__)[0], "one.py")
loader = SourceFileLoader("plugin", path)
for spec in (importlib.util.spec_from_file_location("plugin", path),
             importlib.util.spec_from_loader("plugin", loader)):
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    print(module.VALUE, module.where(), spec.loader.get_source("plugin") is not None)
origin = importlib.util.find_spec("stuffed").origin
spec = importlib.util.spec_from_file_location("stuffed", origin)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print(module.DATA)
spec = importlib.util.spec_from_file_location("gone", path.replace("one.py", "gone.py"))
spec.loader.exec_module(importlib.util.module_from_spec(spec))
"""


def test_rule_I4_a_module_is_made_of_its_location(compare: Compare) -> None:
    """`spec_from_file_location` and a SourceFileLoader take paths in a bundle."""
    expected, found = compare.both(LOCATION)
    assert (
        found.stdout
        == expected.stdout
        == ("one <root>/plugins/one.py True\none <root>/plugins/one.py True\ndata\n\n")
    )
    assert (expected.status, found.status) == (1, 1)
    assert "FileNotFoundError" in expected.stderr
    assert "No such file" in found.stderr or "Not a directory" in found.stderr


@pytest.mark.usefixtures("place")
def test_rule_I4_a_submodule_is_found_without_importing(place: Place) -> None:
    """Asked by path, the import system finds submodules of packages that nobody imported."""
    spec = PathFinder.find_spec("app.inner", [place.at("app")])
    assert spec is not None
    assert spec.submodule_search_locations == [place.at("app", "inner")]
    leaf = PathFinder.find_spec("app.inner.leaf", spec.submodule_search_locations)
    assert leaf is not None
    assert leaf.origin == place.at("app", "inner", "leaf.py")
    assert not {"app", "app.inner", "app.inner.leaf"} & set(sys.modules)


LAZY = """
import importlib.util, sys
for name in ("app", "app.steps", "app.inner", "stuffed"):
    spec = importlib.util.find_spec(name)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    print(name, type(module).__name__)
print(sys.modules["app.steps"].total([1]), sys.modules["stuffed"].DATA)
for attempt in range(2):
    try:
        sys.modules["app.inner"].anything
    except (RuntimeError, AttributeError) as error:
        print(type(error).__name__, error)
import app
print(app.VALUE, type(app).__name__)
import importlib
print(importlib.reload(app).VALUE)
"""


def test_rule_I4_lazy_modules_load_and_fail_as_ever(compare: Compare) -> None:
    """LazyLoader over packages, submodules, packages with data and modules that fail."""
    assert "RuntimeError imported" in compare(LAZY).stdout


# Debuggers and tracers


BDB = """
import bdb, io, pdb, sys
import app.steps

class Tracer(bdb.Bdb):
    def user_line(self, frame):
        if self.break_here(frame):
            print(frame.f_code.co_name, frame.f_lineno, dict(frame.f_locals))
        self.set_continue()

tracer = Tracer()
print(tracer.set_break(app.steps.__file__, 5), tracer.set_break(app.steps.__file__, 99))
print(tracer.runcall(app.steps.total, [1, 101]))
for commands in ("list;break app/steps:4;break app.steps.total;c;where;longlist;c;",
                 "step;step;source total;q;"):
    out = io.StringIO()
    typed = io.StringIO(commands.replace(';', '\\n'))
    debugger = pdb.Pdb(stdin=typed, stdout=out, nosigint=True, readrc=False)
    try:
        debugger.runcall(app.steps.total, [1, 101])
    except bdb.BdbQuit:
        pass
    print(out.getvalue())
    debugger.clear_all_breaks()
"""


def test_rule_A2_debuggers_break_and_list(compare: Compare) -> None:
    """Breakpoints by file and line and by function; listings; stepping."""
    assert "Breakpoint" in compare(BDB).stdout


COVERAGE = """
import coverage
measured = coverage.Coverage(data_file=None, include=[ROOT + "/*"])
measured.start()
import app.steps
app.steps.total([1, 2])
measured.stop()
data = measured.get_data()
for name in sorted(data.measured_files()):
    print(name, sorted(data.lines(name)))
"""


def test_rule_A2_coverage_measures_lines(compare: Compare) -> None:
    """The lines that ran are counted for the files that the modules name."""
    pytest.importorskip("coverage")
    assert "<root>/app/steps.py [1, 2, 3, 4, 6, 7]" in compare(COVERAGE).stdout


# Reloading


RELOADER = """
import importlib, os
import app.steps, app.typed

def files():
    # as the reloaders of web frameworks do it: the nearest thing above that is on disk
    for name, module in sorted(sys.modules.items()):
        path = getattr(module, "__file__", None)
        while path and not os.path.isfile(path):
            path, above = os.path.dirname(path), path
            if path == above:
                path = None
        if path and name.partition(".")[0] == "app":
            assert os.stat(path).st_mtime
            yield module

before = {module.__name__: id(module) for module in files()}
print(sorted(before))
app.steps.total = None
for module in list(files()):
    assert id(importlib.reload(module)) == before[module.__name__]
print(app.steps.total([1]), app.typed.double(2), app.steps is sys.modules["app.steps"])
"""


def test_rule_L5_reloaders_see_files_and_reload(compare: Compare) -> None:
    """Watching the modules' files, or what they are in, and reloading all of them works."""
    assert "['app', 'app.steps', 'app.typed']" in compare(RELOADER).stdout
