"""L1, L2, L6 and L7: what a loader does, and what stands in `sys.modules` meanwhile."""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from typing import Any

import pytest

from tests.rules.modules import journal, loader_of
from tests.rules.places import Tree
from tests.rules.probes import Compare

# Writes down the namespace that the body finds; loader and spec by what can be compared of them.
AT_START = """
AT_START = [
    (name, type(value).__name__ if name in ("__loader__", "__spec__", "__builtins__") else value)
    for name, value in sorted(globals().items())
]
AT_START.remove(("__loader__", type(__loader__).__name__))
import sys
AT_START += [
    ("one loader", __spec__.loader is __loader__),
    ("parent", __spec__.parent == __package__),
    ("own spec", sys.modules[__name__].__spec__ is __spec__),
    ("initializing", __spec__._initializing),
]
"""

TREE: Tree = {
    # Where the trees' modules write down what happens to them.
    "journal.py": "RUNS = []\nSWITCH = set()\n",
    "plain.py": "import journal\njournal.RUNS.append(__name__)\nVALUE = 'plain'\n",
    "helper.py": "import journal\njournal.RUNS.append(__name__)\n",
    # L2
    "selfish.py": (
        "import sys, journal\n"
        "journal.RUNS.append(__name__)\n"
        "import selfish\n"
        "from selfish import journal as again\n"
        "SAME = selfish is sys.modules[__name__] and selfish.__dict__ is globals()\n"
    ),
    "ring_a.py": "import journal\njournal.RUNS.append(__name__)\nimport ring_b\nVALUE = 'a'\n",
    "ring_b.py": (
        "import journal\n"
        "journal.RUNS.append(__name__)\n"
        "import ring_a\n"
        "HAD_VALUE = hasattr(ring_a, 'VALUE')\n"
    ),
    "ring_pkg/__init__.py": "from . import first\nfrom .second import VALUE\n",
    "ring_pkg/first.py": "from . import second\nimport ring_pkg\nPARENT = ring_pkg\n",
    "ring_pkg/second.py": "from . import first\nVALUE = 'second'\nFIRST = first\n",
    "tangle_a.py": "from tangle_b import there\nhere = 1\n",
    "tangle_b.py": "from tangle_a import here\nthere = 1\n",
    "falls.py": (
        "import sys, helper, plain\n"
        "sys.modules['falls.guest'] = helper\n"
        "REACHED = True\n"
        "raise ValueError('falls')\n"
    ),
    "holds/__init__.py": "VALUE = 'holds'\n",
    "holds/good.py": "import holds\nBOUND = hasattr(holds, 'good')\n",
    "counts.py": "COUNT = globals().get('COUNT', 0) + 1\nFIRST = globals().get('FIRST', COUNT)\n",
    "counts_pkg/__init__.py": "COUNT = globals().get('COUNT', 0) + 1\n",
    "counts_pkg/sub.py": "COUNT = globals().get('COUNT', 0) + 1\n",
    "fickle.py": (
        "import journal\n"
        "START = len(journal.SWITCH)\n"
        "if 'fickle' in journal.SWITCH:\n"
        "    LAST = START\n"
        "    raise ValueError('fickle')\n"
        "END = START\n"
    ),
    "own_dict.py": (
        "import sys\n"
        "OWN = sys.modules[__name__].__dict__ is globals() is locals()\n"
        "def function():\n"
        "    global SET\n"
        "    SET = True\n"
    ),
    # L6
    "starts.py": AT_START,
    "starts_pkg/__init__.py": AT_START,
    "starts_pkg/sub.py": AT_START,
}


def runs() -> list[str]:
    """Return which modules' code has run, in order."""
    found: list[str] = journal().RUNS
    return found


# L1, the loader's two methods, and the old one


@pytest.mark.usefixtures("place")
def test_rule_L1_create_module_asks_for_default_semantics() -> None:
    """`create_module` returns None: the import system makes the module."""
    for name in ("plain", "holds", "holds.good"):
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert loader_of(name).create_module(spec) is None


@pytest.mark.usefixtures("place")
def test_rule_L1_exec_module_only_executes() -> None:
    """A module made from its spec is filled, and `sys.modules` is the caller's business."""
    spec = importlib.util.find_spec("plain")
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    assert not hasattr(module, "VALUE")
    assert spec.loader is not None
    spec.loader.exec_module(module)
    assert module.VALUE == "plain"
    assert "plain" not in sys.modules


@pytest.mark.usefixtures("place")
def test_rule_L1_exec_module_never_reuses_a_namespace() -> None:
    """Each module made from one spec has contents of its own."""
    spec = importlib.util.find_spec("counts")
    assert spec is not None
    assert spec.loader is not None
    one, two = importlib.util.module_from_spec(spec), importlib.util.module_from_spec(spec)
    for module in (one, two, two):
        spec.loader.exec_module(module)
    assert (one.COUNT, two.COUNT) == (1, 2)


needs_load_module = pytest.mark.skipif(
    not hasattr(SourceFileLoader, "load_module"), reason="this Python has no load_module any more"
)


@needs_load_module
@pytest.mark.usefixtures("place")
@pytest.mark.filterwarnings("ignore:the load_module:DeprecationWarning")
@pytest.mark.parametrize("name", ["plain", "holds", "holds.good"])
def test_rule_L1_load_module_sets_what_an_import_sets(name: str) -> None:
    """The module of `load_module` is in `sys.modules` and has every attribute of an import."""
    importlib.import_module("holds")
    sys.modules.pop(name, None)
    loaded = loader_of(name).load_module(name)
    assert sys.modules[name] is loaded
    del sys.modules[name]
    imported = importlib.import_module(name)
    assert loaded is not imported
    kept = {"__spec__", "__loader__", "__builtins__", "journal", "holds", "good"}
    assert set(vars(loaded)) == set(vars(imported))
    assert loaded.__spec__ == imported.__spec__
    assert loaded.__loader__ == imported.__loader__
    assert {k: v for k, v in vars(loaded).items() if k not in kept} == {
        k: v for k, v in vars(imported).items() if k not in kept
    }


@needs_load_module
@pytest.mark.usefixtures("place")
@pytest.mark.filterwarnings("ignore:the load_module:DeprecationWarning")
def test_rule_L1_load_module_follows_the_same_rules(appeared: Callable[[], set[str]]) -> None:
    """A failure is rolled back; a module already there is executed again, and stays if it fails."""
    with pytest.raises(ValueError, match="falls"):
        loader_of("falls").load_module("falls")
    assert appeared() == {"helper", "plain", "falls.guest"}
    module = importlib.import_module("fickle")
    journal().SWITCH.add("fickle")
    with pytest.raises(ValueError, match="fickle"):
        loader_of("fickle").load_module("fickle")
    assert sys.modules["fickle"] is module
    assert (module.END, module.LAST) == (0, 1)
    assert loader_of("counts").load_module("counts") is loader_of("counts").load_module("counts")
    assert sys.modules["counts"].COUNT == 2


@needs_load_module
@pytest.mark.usefixtures("place")
def test_rule_L1_load_module_is_deprecated_as_everywhere() -> None:
    """Calling it warns as the standard loaders' warns."""
    with pytest.warns(DeprecationWarning, match=r"use exec_module\(\) instead"):
        loader_of("plain").load_module("plain")


OTHER_NAMES = """
import importlib.util, warnings
warnings.simplefilter("ignore")
loader = importlib.util.find_spec("plain").loader
for method in ("get_code", "get_source", "get_filename", "is_package", "load_module"):
    try:
        getattr(loader, method)("other")
    except Exception as error:
        print(method, type(error).__name__, error, error.name, error.path)
print(loader.get_filename(), loader.load_module().VALUE)
"""


@needs_load_module
def test_rule_L1_a_loader_speaks_for_its_module_only(compare: Compare) -> None:
    """Asked for another name it raises the standard loaders' ImportError."""
    assert "loader for plain cannot handle other" in compare(OTHER_NAMES).stdout


# L2, in sys.modules before the code runs


@pytest.mark.usefixtures("place")
def test_rule_L2_a_module_that_imports_itself_finds_itself() -> None:
    """It is in `sys.modules` before its code runs, and the code runs once."""
    assert importlib.import_module("selfish").SAME is True
    assert runs() == ["selfish"]


@pytest.mark.fault(33)
@pytest.mark.usefixtures("place")
def test_rule_L2_modules_that_import_each_other_run_once() -> None:
    """The second of a ring finds the first one as far as it got."""
    first = importlib.import_module("ring_a")
    assert first.ring_b.ring_a is first
    assert first.ring_b.HAD_VALUE is False
    assert runs() == ["ring_a", "ring_b"]


@pytest.mark.usefixtures("place")
def test_rule_L2_submodules_that_import_each_other_run_once() -> None:
    """A ring within a package, through `from . import`, ends with everything bound."""
    package = importlib.import_module("ring_pkg")
    assert package.first.PARENT is package
    assert package.second.FIRST is package.first
    assert package.VALUE == "second"


TANGLE = """
import traceback
for name in ("tangle_a", "tangle_b"):
    try:
        __import__(name)
    except ImportError as error:
        traceback.print_exc(file=sys.stdout)
        print(error.name, error.path, [n for n in sys.modules if "tangle" in n])
"""


def test_rule_L2_a_ring_that_cannot_be_says_so(compare: Compare) -> None:
    """`from` a module that has not got there yet: the message of a circular import."""
    assert "(most likely due to a circular import)" in compare(TANGLE).stdout


# L6, the attributes are there first


PRINT_STARTS = """
import starts, starts_pkg.sub
for module in (starts, starts_pkg, starts_pkg.sub):
    print(*module.AT_START, sep="\\n")
"""


def test_rule_L6_the_code_sees_its_attributes_from_the_first_line(compare: Compare) -> None:
    """What is in the namespace before the body's first statement is what a directory puts there."""
    lines = compare(PRINT_STARTS).stdout.splitlines()
    assert "('__file__', '<root>/starts_pkg/sub.py')" in lines
    assert lines.count("('initializing', True)") == 3


# L7, the body


@pytest.mark.usefixtures("place")
def test_rule_L7_the_body_runs_once_in_the_modules_own_dict() -> None:
    """Globals of the body and of its functions are `module.__dict__`."""
    module = importlib.import_module("own_dict")
    assert module.OWN is True
    assert module.function.__globals__ is vars(module)
    module.function()
    assert module.SET is True


@pytest.mark.usefixtures("place")
def test_rule_L7_importing_again_runs_nothing() -> None:
    """However it is spelled, the second import takes what stands in `sys.modules`."""
    for _ in range(3):
        importlib.import_module("counts")
        importlib.import_module("counts_pkg.sub")
        namespace: dict[str, Any] = {}
        exec("import counts, counts_pkg.sub; from counts_pkg import sub", namespace)
    assert namespace["counts"].COUNT == 1
    assert (namespace["sub"].COUNT, namespace["counts_pkg"].COUNT) == (1, 1)
