"""Bundles that come, go and change under a running program (see test_replaced.py for updates)."""

import importlib
import importlib.util
import sys
from pathlib import Path

import pytest

from tests.rules.modules import data_beside, version_of
from tests.rules.places import Library, Place, Tree


def _release(version: int, **extra: str) -> Tree:
    """Return a release in which everything says which one it is from."""
    body = f"VERSION = {version}\n"
    names = ["lone", "pkg/__init__", "pkg/sub", "space/part", "stuffed/__init__", "stuffed/sub"]
    return {f"{name}.py": body for name in names} | {"stuffed/data.txt": f"{version}\n"} | extra


TREE: Tree = _release(1, **{"pkg/leaves.py": "", "pkg/breaks.py": "VALUE = 1\n"})
NEXT: Tree = _release(2, **{"pkg/breaks.py": "VALUE = 2\nraise ValueError('broken')\n"})
OTHER: Tree = {
    "extra.py": "WHERE = 'other'\n",
    "more/__init__.py": "",
    "more/leaf.py": "N = 1\n",
    "space/b.py": "",
}


def forget() -> None:
    """Take all modules of the tree out of `sys.modules`."""
    for name in [name for name in sys.modules if name.partition(".")[0] in _TOPS]:
        del sys.modules[name]


_TOPS = {"lone", "pkg", "space", "stuffed"}


@pytest.fixture
def deployed(place: Place, tmp_path: Path) -> Place:
    """Return the first release at a path of its own, on `sys.path`."""
    found = place.copy_to(tmp_path / "app.bundle")
    sys.path[0] = found.entry
    return found


# On and off the path


def test_rule_F2_an_entry_may_leave_the_path_and_return(place: Place) -> None:
    """Off `sys.path` only what was imported stays; packages go on finding their submodules."""
    package = importlib.import_module("pkg")
    sys.path.remove(place.entry)
    with pytest.raises(ModuleNotFoundError, match="lone"):
        importlib.import_module("lone")
    assert importlib.import_module("pkg") is package
    assert version_of("pkg.sub") == 1
    sys.path.append(place.entry)
    assert version_of("lone") == 1
    assert importlib.import_module("pkg") is package


def test_rule_F5_a_portion_leaves_with_its_entry(place: Place, other: Place) -> None:
    """A namespace package loses the portions of an entry that left `sys.path`."""
    sys.path.append(other.entry)
    space = importlib.import_module("space")
    assert list(space.__path__) == [place.at("space"), other.at("space")]
    sys.path.remove(place.entry)
    with pytest.raises(ModuleNotFoundError, match=r"space\.part"):
        importlib.import_module("space.part")
    assert list(space.__path__) == [other.at("space")]
    sys.path.insert(0, place.entry)
    assert version_of("space.part") == 1


def test_rule_F2_two_releases_stand_side_by_side(
    deployed: Place, library: Library, tmp_path: Path
) -> None:
    """The order of `sys.path` says which one is imported, and each keeps to its own files."""
    newer = library.place(NEXT, deployed.container).copy_to(tmp_path / "newer.bundle")
    sys.path.insert(0, newer.entry)
    names = ["lone", "pkg.sub", "stuffed.sub"]
    assert [version_of(name) for name in names] == [2, 2, 2]
    old = {name: sys.modules[name] for name in names}
    forget()
    sys.path[:2] = [deployed.entry, newer.entry]
    assert [version_of(name) for name in names] == [1, 1, 1]
    assert [data_beside(sys.modules["stuffed"]), sys.modules["pkg"].__path__] == [
        "1\n",
        [deployed.at("pkg")],
    ]
    # Each module of the one that is out of use still knows its own source and neighbours.
    for module in old.values():
        assert module.__spec__ is not None
        assert module.__spec__.loader.get_source(module.__name__) == "VERSION = 2\n"  # type: ignore[union-attr]
    assert list(importlib.import_module("space").__path__) == [
        deployed.at("space"),
        newer.at("space"),
    ]


# In the __path__ of packages


@pytest.mark.usefixtures("place")
def test_rule_I6_a_whole_bundle_may_be_in_a_packages_path(other: Place) -> None:
    """Its top-level modules are then submodules, and go when the entry goes."""
    package = importlib.import_module("pkg")
    package.__path__.append(other.entry)
    module = importlib.import_module("pkg.extra")
    assert (module.WHERE, module.__package__, package.extra) == ("other", "pkg", module)
    assert importlib.import_module("pkg.more.leaf").__file__ == other.at("more", "leaf.py")
    package.__path__.remove(other.entry)
    del sys.modules["pkg.extra"]
    with pytest.raises(ModuleNotFoundError, match=r"pkg\.extra"):
        importlib.import_module("pkg.extra")
    assert version_of("pkg.sub") == 1


@pytest.mark.usefixtures("place")
def test_rule_I6_what_left_a_packages_path_is_not_found() -> None:
    """Without its own directory in `__path__` a package has no submodules left to find."""
    package = importlib.import_module("pkg")
    own = package.__path__.pop()
    with pytest.raises(ModuleNotFoundError, match=r"pkg\.sub"):
        importlib.import_module("pkg.sub")
    package.__path__ = [own]
    assert version_of("pkg.sub") == 1


# Reloading


def test_rule_L5_a_module_that_left_the_release_is_not_reloaded(
    deployed: Place, library: Library
) -> None:
    """The reload fails as for a file that was deleted, and the module stays."""
    module = importlib.import_module("pkg.leaves")
    library.place(NEXT, deployed.container).copy_to(Path(deployed.entry))
    importlib.invalidate_caches()
    with pytest.raises(ModuleNotFoundError, match=r"spec not found for the module 'pkg\.leaves'"):
        importlib.reload(module)
    assert sys.modules["pkg.leaves"] is module is sys.modules["pkg"].leaves


def test_rule_L5_a_reload_that_fails_leaves_the_new_release_half_way(
    deployed: Place, library: Library
) -> None:
    """What the new code had set before it failed is there; all else is as it was."""
    module = importlib.import_module("pkg.breaks")
    library.place(NEXT, deployed.container).copy_to(Path(deployed.entry))
    importlib.invalidate_caches()
    with pytest.raises(ValueError, match="broken"):
        importlib.reload(module)
    assert sys.modules["pkg.breaks"] is module
    assert module.VALUE == 2
    assert version_of("pkg") == 1


def test_rule_L5_a_lazily_loaded_module_runs_the_release_it_was_found_in(
    archive: Place, deployed: Place, library: Library
) -> None:
    """A spec keeps to the file that it came from: what is executed late is not of another one."""
    spec = importlib.util.find_spec("lone")
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules["lone"] = module
    spec.loader.exec_module(module)
    library.place(NEXT, deployed.container).copy_to(Path(deployed.entry))
    importlib.invalidate_caches()
    assert module.VERSION == 1
    assert importlib.reload(module).VERSION == 2
    assert archive.ours


# Deleted and restored


def test_rule_F6_a_bundle_that_was_deleted_and_restored_goes_on(
    archive: Place, deployed: Place
) -> None:
    """Imports, reloads and data are served all the while, and the same file is the same release."""
    assert [version_of("pkg"), version_of("stuffed")] == [1, 1]
    module = sys.modules["pkg"]
    content = Path(deployed.entry).read_bytes()
    Path(deployed.entry).unlink()
    importlib.invalidate_caches()
    assert importlib.reload(module).VERSION == 1
    assert [version_of("pkg.sub"), version_of("stuffed.sub")] == [1, 1]
    assert data_beside(sys.modules["stuffed"]) == "1\n"
    Path(deployed.entry).write_bytes(content)
    importlib.invalidate_caches()
    assert [version_of("lone"), version_of("space.part")] == [1, 1]
    assert importlib.reload(module) is module
    assert archive.ours


def test_rule_F6_the_oldest_release_comes_back(
    archive: Place, deployed: Place, library: Library, tmp_path: Path
) -> None:
    """A roll-back is an update like any other."""
    first = archive.copy_to(tmp_path / "first.bundle")
    assert version_of("lone") == 1
    for expected, tree in ((2, NEXT), (1, None)):
        source = first if tree is None else library.place(tree, archive.container)
        source.copy_to(Path(deployed.entry))
        importlib.invalidate_caches()
        assert expected == importlib.reload(sys.modules["lone"]).VERSION
        forget()
        assert [version_of("lone"), version_of("stuffed.sub")] == [expected, expected]
        assert data_beside(sys.modules["stuffed"]) == f"{expected}\n"
