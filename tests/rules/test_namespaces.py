"""F5: directories without `__init__`, and how they join those of other path entries."""

import importlib
import sys
from pkgutil import get_importer
from typing import Any

import pytest

from tests.rules.modules import value_of
from tests.rules.places import Place, Tree

TREE: Tree = {
    "space/one.py": "VALUE = 'one'\n",
    "space/deep/er/leaf.py": "VALUE = 'leaf'\n",
    "assets/readme.txt": "only data\n",
    "hollow": None,
    "regular/__init__.py": "",
}


# F5, namespace portions


@pytest.mark.fault(48)
@pytest.mark.parametrize("name", ["space", "assets", "hollow"])
def test_rule_F5_a_directory_without_init_is_a_portion(place: Place, name: str) -> None:
    """Modules, data or nothing in it: the spec has no loader, and its location."""
    finder: Any = get_importer(place.entry)
    spec = finder.find_spec(name)
    assert (spec.loader, spec.origin, spec.has_location) == (None, None, False)
    assert spec.submodule_search_locations == [place.at(name)]


def test_rule_F5_portions_nest(place: Place) -> None:
    """A directory whose only sign is a file further down is a namespace package too."""
    assert value_of("space.deep.er.leaf") == "leaf"
    assert list(sys.modules["space.deep"].__path__) == [place.at("space", "deep")]
    assert sys.modules["space.deep.er"].__file__ is None
    assert get_importer(place.at("space", "deep")) is not None


OTHER: Tree = {
    "space/two.py": "VALUE = 'two'\n",
    "space/one.py": "VALUE = 'the other one'\n",
    "space/deep/more.py": "VALUE = 'more'\n",
    "assets/__init__.py": "VALUE = 'regular'\n",
}


@pytest.mark.fault(48)
@pytest.mark.parametrize("last", [True, False], ids=["other last", "other first"])
def test_rule_F5_portions_merge_in_path_order(place: Place, other: Place, last: bool) -> None:
    """Every entry contributes its portion; the first that has a module wins."""
    sys.path.insert(1 if last else 0, other.entry)
    order = [place, other] if last else [other, place]
    assert list(importlib.import_module("space").__path__) == [p.at("space") for p in order]
    assert value_of("space.one") == ("one" if last else "the other one")
    assert value_of("space.two") == "two"
    assert value_of("space.deep.more") == "more"
    assert value_of("space.deep.er.leaf") == "leaf"


def test_rule_F5_a_portion_appears_when_the_path_changes(place: Place, other: Place) -> None:
    """A namespace package already imported follows `sys.path`, down to nested portions."""
    space = importlib.import_module("space.deep")
    assert list(space.__path__) == [place.at("space", "deep")]
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("space.two")
    sys.path.append(other.entry)
    assert value_of("space.two") == "two"
    assert value_of("space.deep.more") == "more"
    assert list(space.__path__) == [place.at("space", "deep"), other.at("space", "deep")]
    sys.path.remove(other.entry)
    assert list(space.__path__) == [place.at("space", "deep")]


def test_rule_F5_a_portion_follows_its_parents_path(place: Place, other: Place) -> None:
    """A nested portion is looked for along the `__path__` of its parent, as that changes."""
    parent = importlib.import_module("regular")
    parent.__path__.append(place.at("space"))
    assert list(importlib.import_module("regular.deep").__path__) == [place.at("space", "deep")]
    parent.__path__.append(other.at("space"))
    assert value_of("regular.deep.more") == "more"


def test_rule_F5_a_regular_package_further_along_wins(place: Place, other: Place) -> None:
    """A package with `__init__` on a later entry ends the search for portions."""
    sys.path.insert(1, other.entry)
    assert value_of("assets") == "regular"
    assert importlib.import_module("assets").__path__ == [other.at("assets")]
    assert get_importer(place.at("assets")) is not None
