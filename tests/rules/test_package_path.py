"""I6: packages that change, extend or replace their `__path__`."""

import importlib
import importlib.util
import pkgutil
import sys
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

from tests.rules.places import Place, Tree

TREE: Tree = {
    "pkg/__init__.py": "",
    "pkg/sub.py": "WHERE = 'first'\n",
    "spread/__init__.py": (
        "import os\n"
        "__path__.append(os.path.join(os.path.dirname(__file__), 'impl'))\n"
        "from . import hidden\n"
    ),
    "spread/impl/hidden.py": "VALUE = 'hidden'\n",
    "spread/impl/deeper/__init__.py": "",
    "spread/impl/deeper/leaf.py": "VALUE = 'leaf'\n",
    "moved/__init__.py": "import os\n__path__ = [os.path.join(os.path.dirname(__file__), 'new')]\n",
    "moved/old.py": "",
    "moved/new/sub.py": "VALUE = 'new'\n",
    "emptied/__init__.py": "__path__[:] = []\n",
    "emptied/sub.py": "",
    "joined/__init__.py": (
        "from pkgutil import extend_path\n__path__ = extend_path(__path__, __name__)\n"
    ),
    "joined/mine.py": "WHERE = 'first'\n",
    "joined/both.py": "WHERE = 'first'\n",
    "joined/inner/__init__.py": (
        "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n"
    ),
    "virtual/__init__.py": "__path__ = ['virtual:']\n",
}

OTHER: Tree = {
    "pkg_more/extra.py": "WHERE = 'other'\n",
    "pkg_more/sub.py": "WHERE = 'other'\n",
    "joined/__init__.py": TREE["joined/__init__.py"],
    "joined/yours.py": "WHERE = 'other'\n",
    "joined/both.py": "WHERE = 'other'\n",
    "joined/inner/__init__.py": TREE["joined/inner/__init__.py"],
    "joined/inner/leaf.py": "WHERE = 'other'\n",
}


def where(name: str) -> object:
    """Import `name` and return which tree it is from."""
    return importlib.import_module(name).WHERE


def test_rule_I6_an_entry_may_be_appended(place: Place, other: Place) -> None:
    """Submodules come from the package's own directory first, then from the added entry."""
    package = importlib.import_module("pkg")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("pkg.extra")
    package.__path__.append(other.at("pkg_more"))
    assert (where("pkg.extra"), where("pkg.sub")) == ("other", "first")
    assert sys.modules["pkg.extra"].__file__ == other.at("pkg_more", "extra.py")
    assert sys.modules["pkg.sub"].__file__ == place.at("pkg", "sub.py")


@pytest.mark.usefixtures("place")
def test_rule_I6_an_entry_may_go_first(other: Place) -> None:
    """The order of `__path__` is the order of the search."""
    importlib.import_module("pkg").__path__.insert(0, other.at("pkg_more"))
    assert where("pkg.sub") == "other"


@pytest.mark.usefixtures("place")
def test_rule_I6_a_directory_may_lend_its_path_to_a_bundle_and_back(other: Place) -> None:
    """`__path__` assigned anew replaces the package's own directory."""
    package = importlib.import_module("pkg")
    package.__path__ = [other.at("pkg_more")]
    assert where("pkg.sub") == "other"
    names = [info.name for info in pkgutil.iter_modules(package.__path__)]
    assert names == ["extra", "sub"]


def test_rule_I6_a_body_may_append_a_directory_of_its_own(place: Place) -> None:
    """The usual spelling, by `os.path.dirname(__file__)`, reaches directories in the bundle."""
    module = importlib.import_module("spread")
    assert module.hidden.VALUE == "hidden"
    assert module.hidden.__file__ == place.at("spread", "impl", "hidden.py")
    assert importlib.import_module("spread.deeper.leaf").VALUE == "leaf"
    assert sys.modules["spread.deeper"].__path__ == [place.at("spread", "impl", "deeper")]


@pytest.mark.usefixtures("place")
def test_rule_I6_a_body_may_assign_its_path() -> None:
    """Submodules are looked for there only, and nowhere if there is nothing."""
    assert importlib.import_module("moved.sub").VALUE == "new"
    for name in ("moved.old", "emptied.sub"):
        with pytest.raises(ModuleNotFoundError, match=name):
            importlib.import_module(name)


@pytest.mark.parametrize("last", [True, False], ids=["other last", "other first"])
def test_rule_I6_extend_path_joins_packages_of_one_name(
    place: Place, other: Place, last: bool
) -> None:
    """`pkgutil.extend_path` sees directories and bundles alike, in the order of `sys.path`."""
    sys.path.insert(1 if last else 0, other.entry)
    order = [place, other] if last else [other, place]
    package = importlib.import_module("joined")
    assert package.__path__ == [each.at("joined") for each in order]
    assert (where("joined.mine"), where("joined.yours")) == ("first", "other")
    assert where("joined.both") == ("first" if last else "other")
    assert where("joined.inner.leaf") == "other"


class VirtualFinder:
    """A path entry finder of the app's own, for entries that begin with `virtual:`."""

    def __init__(self, entry: str) -> None:
        if not entry.startswith("virtual:"):
            raise ImportError
        self.entry = entry

    def find_spec(self, fullname: str, target: object = None) -> ModuleSpec | None:
        """Find `made_up`, and nothing else."""
        assert target is None
        if not fullname.endswith(".made_up"):
            return None
        return ModuleSpec(fullname, VirtualLoader(), origin=self.entry)


class VirtualLoader(Loader):
    """Load a module out of nothing."""

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave the creation to the import system."""

    def exec_module(self, module: Any) -> None:
        """Give the module a value."""
        module.VALUE = "virtual"


@pytest.mark.usefixtures("place")
def test_rule_I6_a_package_may_be_reached_through_other_hooks() -> None:
    """An entry in `__path__` that another hook takes is that hook's."""
    sys.path_hooks.append(VirtualFinder)
    assert importlib.import_module("virtual.made_up").VALUE == "virtual"
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("virtual.missing")


def test_rule_I6_a_module_loaded_by_location_may_be_a_package(place: Place, tmp_path: Path) -> None:
    """A package of a plain directory may have a directory of the bundle in its `__path__`."""
    (tmp_path / "outside.py").write_text("VALUE = 'outside'\n")
    spec = importlib.util.spec_from_file_location(
        "outside", tmp_path / "outside.py", submodule_search_locations=[place.at("pkg")]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["outside"] = module
    spec.loader.exec_module(module)
    try:
        submodule = importlib.import_module("outside.sub")
        assert (submodule.WHERE, submodule.__package__) == ("first", "outside")
        assert submodule.__file__ == place.at("pkg", "sub.py")
    finally:
        for name in ("outside", "outside.sub"):
            sys.modules.pop(name, None)
