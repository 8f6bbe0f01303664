"""L8 and L9: what an import returns, and what it binds in the parent."""

import importlib
import sys

import pytest

from tests.rules.places import Tree
from tests.rules.probes import Compare

TREE: Tree = {
    "holds/__init__.py": "VALUE = 'holds'\n",
    "holds/bad.py": "import holds.good\nraise ValueError('holds.bad')\n",
    "holds/good.py": "import holds\nBOUND = hasattr(holds, 'good')\n",
    "swaps.py": "import sys\nOLD = sys.modules[__name__]\nsys.modules[__name__] = 'swapped'\n",
    "holds/swaps.py": "import sys\nsys.modules[__name__] = 'swapped too'\n",
    "swaps_module.py": (
        "import sys, types\n"
        "new = types.ModuleType(__name__)\n"
        "new.VALUE = 'new'\n"
        "sys.modules[__name__] = new\n"
        "LATE = True\n"
    ),
    "vanishes.py": "import sys\ndel sys.modules[__name__]\n",
    "blanks.py": "import sys\nsys.modules[__name__] = None\n",
    "binds/__init__.py": "late = 'own'\nimport binds.early\nHAD = early.__name__\n",
    "binds/early.py": "import sys\nBOUND = hasattr(sys.modules['binds'], 'early')\n",
    "binds/late.py": "import sys\nBOUND = sys.modules['binds'].late\n",
    "binds/deep/__init__.py": "",
    "binds/deep/leaf.py": "import sys\nBOUND = hasattr(sys.modules['binds.deep'], 'leaf')\n",
    "stiff/__init__.py": (
        "import sys\n"
        "class Stiff(type(sys)):\n"
        "    def __setattr__(self, name, value):\n"
        "        raise AttributeError(name)\n"
        "stiff = Stiff(__name__)\n"
        "stiff.__dict__.update(globals())\n"
        "sys.modules[__name__] = stiff\n"
    ),
    "stiff/sub.py": "VALUE = 'sub'\n",
}


# L8, what the import returns


@pytest.mark.usefixtures("place")
def test_rule_L8_a_module_may_replace_itself() -> None:
    """The import returns what stands in `sys.modules` at the end, whatever it is."""
    assert importlib.import_module("swaps") == "swapped"  # type: ignore[comparison-overlap]
    new = importlib.import_module("swaps_module")
    assert (new.VALUE, hasattr(new, "LATE"), new.__spec__) == ("new", False, None)
    assert importlib.import_module("swaps_module") is new


@pytest.mark.usefixtures("place")
def test_rule_L8_a_submodule_that_replaced_itself_is_bound_so() -> None:
    """The parent's attribute is the replacement."""
    importlib.import_module("holds.swaps")
    assert sys.modules["holds"].swaps == "swapped too"


VANISHING = """
import traceback
for name in ("vanishes", "blanks", "blanks", "vanishes"):
    try:
        print(__import__(name))
    except BaseException:
        traceback.print_exc(file=sys.stdout)
    print(name in sys.modules)
"""


def test_rule_L8_code_that_deletes_its_own_entry_fails_the_import(compare: Compare) -> None:
    """With the error, and the traceback, that the same module in a directory gives."""
    assert "KeyError: 'vanishes'" in compare(VANISHING).stdout


# L9, binding in the parent


@pytest.mark.usefixtures("place")
def test_rule_L9_a_submodule_is_bound_after_it_is_loaded() -> None:
    """While its code runs the parent has no such name, afterwards it has."""
    package = importlib.import_module("binds")
    assert package.early is sys.modules["binds.early"]
    assert package.early.BOUND is False
    assert package.HAD == "binds.early"
    leaf = importlib.import_module("binds.deep.leaf")
    assert (leaf.BOUND, package.deep.leaf) == (False, leaf)


@pytest.mark.usefixtures("place")
def test_rule_L9_binding_replaces_a_name_of_the_parents_own() -> None:
    """A name that the parent's code had given is overwritten, after the submodule has run."""
    late = importlib.import_module("binds.late")
    assert late.BOUND == "own"
    assert sys.modules["binds"].late is late


@pytest.mark.usefixtures("place")
def test_rule_L9_a_failed_submodule_leaves_the_parent_unbound() -> None:
    """The parent stays, without the failing name, with the siblings that loaded."""
    with pytest.raises(ValueError, match="bad"):
        importlib.import_module("holds.bad")
    package = sys.modules["holds"]
    assert (package.VALUE, hasattr(package, "bad")) == ("holds", False)
    assert package.good is sys.modules["holds.good"]
    assert package.good.BOUND is False


def test_rule_L9_a_parent_that_takes_no_attributes_is_warned_about(compare: Compare) -> None:
    """The submodule is imported all the same."""
    outcome = compare("import stiff.sub\nprint(sys.modules['stiff.sub'].VALUE)\n", flags=["-Wa"])
    assert outcome.stdout == "sub\n"
    assert "ImportWarning: Cannot set an attribute on 'stiff'" in outcome.stderr
