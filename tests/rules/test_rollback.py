"""L3 to L5 and L11: what is left in `sys.modules` after a failure, and what can be done next."""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec

import pytest

from tests.rules.modules import journal
from tests.rules.places import Place, Tree

TREE: Tree = {
    "journal.py": "RUNS = []\nSWITCH = set()\n",
    "plain.py": "import journal\njournal.RUNS.append(__name__)\nVALUE = 'plain'\n",
    "helper.py": "import journal\njournal.RUNS.append(__name__)\n",
    "falls.py": (
        "import sys, helper, plain\n"
        "sys.modules['falls.guest'] = helper\n"
        "REACHED = True\n"
        "raise ValueError('falls')\n"
    ),
    "falls_outer.py": "import helper, falls\n",
    "falls_pkg/__init__.py": "from . import good\nraise ValueError('falls_pkg')\n",
    "falls_pkg/good.py": "VALUE = 'good'\n",
    "holds/__init__.py": "VALUE = 'holds'\n",
    "holds/bad.py": "import holds.good\nraise ValueError('holds.bad')\n",
    "holds/good.py": "import holds\nBOUND = hasattr(holds, 'good')\n",
    "holds/bad_pkg/__init__.py": "from . import leaf\nraise ValueError('holds.bad_pkg')\n",
    "holds/bad_pkg/leaf.py": "",
    "half.py": "def half(:\n",
    "exits.py": "import helper\nraise SystemExit(3)\n",
    "interrupts.py": "import helper\nraise KeyboardInterrupt\n",
    "closes.py": "import helper\nraise GeneratorExit\n",
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
    "fickle_pkg/__init__.py": (
        "import journal\n"
        "journal.RUNS.append(__name__)\n"
        "from . import good\n"
        "if journal.SWITCH:\n"
        "    raise ValueError('fickle_pkg')\n"
    ),
    "fickle_pkg/good.py": "import journal\njournal.RUNS.append(__name__)\n",
    "holds/fickle.py": "import journal\nif 'fickle' in journal.SWITCH:\n    raise ValueError\n",
    "spaces/one.py": "",
}


def runs() -> list[str]:
    """Return which modules' code has run, in order."""
    found: list[str] = journal().RUNS
    return found


# L3 and L4, who leaves sys.modules


def test_rule_L3_only_the_failing_module_is_removed(appeared: Callable[[], set[str]]) -> None:
    """The failing module goes; what it had imported, and what it had put there, stays."""
    with pytest.raises(ValueError, match="falls"):
        importlib.import_module("falls")
    assert appeared() == {"helper", "plain", "falls.guest"}


def test_rule_L3_a_chain_of_failing_modules_is_removed(appeared: Callable[[], set[str]]) -> None:
    """A module that fails because its import fails is removed too, each for its own failure."""
    with pytest.raises(ValueError, match="falls"):
        importlib.import_module("falls_outer")
    assert appeared() == {"helper", "plain", "falls.guest"}


def test_rule_L3_a_module_that_does_not_compile_is_removed(
    appeared: Callable[[], set[str]],
) -> None:
    """A syntax error leaves nothing behind."""
    for _ in range(2):
        with pytest.raises(SyntaxError):
            importlib.import_module("half")
        assert appeared() == set()


@pytest.mark.fault(34)
@pytest.mark.parametrize(
    ("name", "error"),
    [("exits", SystemExit), ("interrupts", KeyboardInterrupt), ("closes", GeneratorExit)],
)
def test_rule_L3_base_exceptions_roll_back_too(
    appeared: Callable[[], set[str]], name: str, error: type[BaseException]
) -> None:
    """SystemExit, KeyboardInterrupt and GeneratorExit are failures like any other."""
    with pytest.raises(error):
        importlib.import_module(name)
    assert appeared() == {"helper"}


def test_rule_L3_a_missing_module_leaves_nothing(appeared: Callable[[], set[str]]) -> None:
    """Not even an entry of None, and the parent that was imported on the way stays."""
    for name in ("missing", "holds.missing", "holds.good.missing"):
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(name)
    assert appeared() == {"holds", "holds.good"}


def test_rule_L4_what_was_there_before_stays(appeared: Callable[[], set[str]]) -> None:
    """Modules imported before, with the names they had, are not touched by a later failure."""
    helper = importlib.import_module("helper")
    with pytest.raises(ValueError, match="falls"):
        importlib.import_module("falls")
    assert sys.modules["helper"] is helper
    assert appeared() == {"helper", "plain", "falls.guest"}
    assert runs() == ["helper", "plain"]


def test_rule_L4_submodules_of_a_failing_package_stay(appeared: Callable[[], set[str]]) -> None:
    """The package is removed; the submodule that it had loaded successfully is not."""
    with pytest.raises(ValueError, match="falls_pkg"):
        importlib.import_module("falls_pkg")
    assert appeared() == {"falls_pkg.good"}
    assert importlib.import_module("falls_pkg.good").VALUE == "good"
    assert "falls_pkg" not in sys.modules


def test_rule_L4_the_parent_of_a_failing_submodule_stays(appeared: Callable[[], set[str]]) -> None:
    """So do the siblings that it had imported."""
    with pytest.raises(ValueError, match="bad"):
        importlib.import_module("holds.bad")
    with pytest.raises(ValueError, match="bad_pkg"):
        importlib.import_module("holds.bad_pkg")
    assert appeared() == {"holds", "holds.good", "holds.bad_pkg.leaf"}


# L5, reload


@pytest.mark.usefixtures("place")
def test_rule_L5_a_module_whose_reload_fails_stays_as_far_as_it_got() -> None:
    """It keeps its place, the names it had, and those that the failed reload had set."""
    module = importlib.import_module("fickle")
    journal().SWITCH.add("fickle")
    with pytest.raises(ValueError, match="fickle"):
        importlib.reload(module)
    assert sys.modules["fickle"] is module
    assert (module.START, module.LAST, module.END) == (1, 1, 0)
    journal().SWITCH.clear()
    assert importlib.reload(module) is module
    assert (module.START, module.LAST, module.END) == (0, 1, 0)


@pytest.mark.usefixtures("place")
def test_rule_L5_a_submodule_whose_reload_fails_stays_bound() -> None:
    """Its parent goes on naming it."""
    module = importlib.import_module("holds.fickle")
    journal().SWITCH.add("fickle")
    with pytest.raises(ValueError, match=r"^$"):
        importlib.reload(module)
    assert sys.modules["holds.fickle"] is module is sys.modules["holds"].fickle


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("name", ["counts", "counts_pkg", "counts_pkg.sub"])
def test_rule_L5_a_reload_runs_the_code_again_in_the_same_module(name: str) -> None:
    """Same object, same dictionary, attributes anew and equal."""
    module = importlib.import_module(name)
    namespace, spec, loader = vars(module), module.__spec__, module.__loader__
    assert importlib.reload(module) is module
    assert vars(module) is namespace
    assert module.COUNT == 2
    assert (module.__spec__, module.__loader__) == (spec, loader)
    assert module.__spec__ is not spec
    assert sys.modules[name] is module


@pytest.mark.usefixtures("place")
def test_rule_L5_reload_takes_packages_and_namespaces() -> None:
    """A package keeps its `__path__`, a namespace package stays one."""
    for name in ("counts_pkg", "spaces"):
        module = importlib.import_module(name)
        path = list(module.__path__)
        assert list(importlib.reload(module).__path__) == path
    assert importlib.import_module("spaces.one").__package__ == "spaces"


# L11: trying again


@pytest.mark.fault(34)
@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("name", ["fickle", "holds.fickle"])
def test_rule_L11_a_failed_import_can_be_tried_again(name: str) -> None:
    """Once what made it fail is gone, the same import succeeds, with a new module."""
    journal().SWITCH.add("fickle")
    for _ in range(2):
        with pytest.raises(ValueError, match=r"^(fickle)?$"):
            importlib.import_module(name)
        assert name not in sys.modules
    journal().SWITCH.clear()
    module = importlib.import_module(name)
    assert sys.modules[name] is module
    assert not hasattr(module, "LAST")


@pytest.mark.usefixtures("place")
def test_rule_L11_a_package_tried_again_takes_its_submodules_as_they_are() -> None:
    """What the first attempt had loaded successfully is not loaded a second time."""
    journal().SWITCH.add("fickle")
    with pytest.raises(ValueError, match="fickle_pkg"):
        importlib.import_module("fickle_pkg")
    good = sys.modules["fickle_pkg.good"]
    journal().SWITCH.clear()
    assert importlib.import_module("fickle_pkg").good is good
    assert runs() == ["fickle_pkg", "fickle_pkg.good", "fickle_pkg"]


def test_rule_L11_finding_after_a_failure_gives_an_equal_spec(place: Place) -> None:
    """The finder is none the wiser for the failure."""
    before: ModuleSpec | None = importlib.util.find_spec("falls")
    with pytest.raises(ValueError, match="falls"):
        importlib.import_module("falls")
    assert importlib.util.find_spec("falls") == before
    assert before is not None
    assert before.origin == place.at("falls.py")
