"""I5: what modules, specs, loaders and finders look like, equal, and pickle to."""

import importlib
import importlib.util
import pickle
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from pkgutil import get_importer

import pytest

from tests.rules.modules import loader_of, spec_of
from tests.rules.places import Place, Tree

SOURCE = "VALUE = 1\n"
TREE: Tree = {
    "top.py": SOURCE,
    "other.py": SOURCE,
    "empty.py": "",
    "pkg/__init__.py": SOURCE,
    "pkg/sub.py": SOURCE,
    "space/one.py": SOURCE,
    "stuffed/__init__.py": SOURCE,
    "stuffed/sub.py": SOURCE,
    "stuffed/data.txt": "data\n",
}


@pytest.mark.parametrize("name", ["top", "empty", "pkg", "pkg.sub", "space.one"])
def test_rule_I5_a_modules_repr_names_its_location(place: Place, name: str) -> None:
    """`<module 'name' from 'location'>`."""
    module = importlib.import_module(name)
    assert repr(module) == f"<module {name!r} from {module.__file__!r}>"
    assert place.entry in repr(module)


@pytest.mark.parametrize("name", ["top", "pkg"])
def test_rule_I5_reprs_are_useful(archive: Place, name: str) -> None:
    """Those of specs, loaders and finders name the module or the entry they are for."""
    spec = spec_of(name)
    assert f"name={name!r}" in repr(spec)
    assert repr(spec.origin) in repr(spec)
    assert name in repr(spec.loader)
    assert repr(archive.at("pkg")) in repr(get_importer(archive.at("pkg")))


@pytest.mark.usefixtures("place")
def test_rule_I5_two_specs_of_one_module_are_equal() -> None:
    """Specs and loaders found twice are equal, hash alike, and differ from all others."""
    importlib.import_module("pkg")
    importlib.invalidate_caches()
    found = [PathFinder.find_spec(name) for name in ("top", "top", "empty", "other")]
    one, two, other, _ = found
    assert one is not two
    assert one == two
    assert one is not None
    assert two is not None
    assert other is not None
    assert one.loader == two.loader
    assert hash(one.loader) == hash(two.loader)
    assert one.loader != other.loader
    assert one != other
    others: list[object] = ["top", None, 3]
    assert one.loader not in others
    assert len({spec.loader for spec in found if spec}) == 3


def test_rule_I5_loaders_of_two_places_differ(place: Place, tmp_path: Path) -> None:
    """A module of the same name elsewhere has another spec and another loader."""
    one = spec_of("top")
    copy = place.copy_to(tmp_path / "copy.bundle")
    sys.path[0] = copy.entry
    two = spec_of("top")
    assert one != two
    assert one.loader != two.loader


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("name", ["pkg.sub", "stuffed", "stuffed.sub"])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_rule_I5_loaders_pickle_or_refuse(name: str, protocol: int) -> None:
    """A pickled loader comes back equal and at work, or cannot be pickled at all."""
    loader = loader_of(name)
    try:
        data = pickle.dumps(loader, protocol)
    except (TypeError, pickle.PicklingError):
        return
    again = pickle.loads(data)  # noqa: S301 - our own
    assert again == loader
    assert again.get_source(name) == SOURCE
    assert pickle.loads(pickle.dumps(spec_of(name), protocol)) == spec_of(name)  # noqa: S301
