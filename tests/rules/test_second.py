"""Ours is second: another hook, finder or entry was asked before it."""

import importlib
import pkgutil
import subprocess
import sys
import zipimport
from collections.abc import Callable
from importlib.machinery import FileFinder, ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

import pytest

import litebundle
from litebundle.runtime.finder import BundleFinder
from tests.rules.places import DIRECTORY, Library, Place, Tree

TREE: Tree = {
    "lone.py": "WHERE = 'ours'\n",
    "pkg/__init__.py": "WHERE = 'ours'\n",
    "pkg/sub.py": "WHERE = 'ours'\n",
    "space/mine.py": "WHERE = 'ours'\n",
    "stuffed/__init__.py": "WHERE = 'ours'\n",
    "stuffed/data.txt": "data\n",
    "bare/deep/er/leaf.py": "WHERE = 'ours'\n",
    "pkg/parts/leaf.py": "WHERE = 'ours'\n",
    "pkg/hollow": None,
    "assets/data.txt": "data\n",
}
OTHER: Tree = {
    "pkg/__init__.py": "WHERE = 'theirs'\n",
    "pkg/only.py": "WHERE = 'theirs'\n",
    "space/yours.py": "WHERE = 'theirs'\n",
}


def where(name: str) -> object:
    """Import `name` and return which tree it is from."""
    return importlib.import_module(name).WHERE


def moved(position: int) -> None:
    """Put our hook at another position of `sys.path_hooks`."""
    sys.path_hooks.remove(litebundle.path_hook)
    sys.path_hooks.insert(position, litebundle.path_hook)
    sys.path_importer_cache.clear()


def test_rule_F1_behind_zipimport_zips_are_its_and_databases_ours(archive: Place) -> None:
    """A zip bundle is a zip that zipimport serves by its own means, and no error for it."""
    moved(len(sys.path_hooks))
    zipped = archive.container == "zip"
    finder = pkgutil.get_importer(archive.entry)
    assert isinstance(finder, zipimport.zipimporter if zipped else BundleFinder)
    names = ["lone", "pkg", "pkg.sub", "stuffed"]
    assert [where(name) for name in names] == ["ours"] * len(names)
    assert sys.modules["pkg.sub"].__file__ is not None
    assert pkgutil.get_data("stuffed", "data.txt") == b"data\n"
    assert {info.name for info in pkgutil.iter_modules([archive.entry])} >= {"lone", "pkg"}


def test_rule_F5_zipimport_finds_the_namespace_packages_of_a_zip(library: Library) -> None:
    """A Python without the hook, at whatever level, has all that are there with it."""
    bundle = library.place(TREE, "zip").entry
    script = (
        "import sys; sys.path[0] = sys.argv[1]\n"
        "import space.mine, bare.deep.er.leaf, pkg.parts.leaf, pkg.hollow, assets\n"
        "for module in space.mine, bare.deep.er.leaf, pkg.parts.leaf:\n"
        "    print(module.WHERE, type(module.__loader__).__name__)\n"
        "print(*pkg.hollow.__path__, *assets.__path__)\n"
    )
    command = [sys.executable, "-I", "-S", "-c", script, bundle]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    paths = f"{bundle}/pkg/hollow {bundle}/assets"
    assert (done.stdout, done.stderr) == ("ours zipimporter\n" * 3 + paths + "\n", "")


def test_rule_F1_installed_late_it_takes_over_what_zipimport_had(archive: Place) -> None:
    """`install` puts the hook in front, and forgets what others had answered for bundles."""
    sys.path_hooks.remove(litebundle.path_hook)
    sys.path_importer_cache.clear()
    early = [where(name) for name in ("lone", "pkg")] if archive.container == "zip" else []
    litebundle.install()
    assert sys.path_hooks[0] is litebundle.path_hook
    assert [where("pkg.sub"), where("space.mine")] == ["ours", "ours"]
    assert isinstance(pkgutil.get_importer(archive.entry), BundleFinder)
    assert set(early) <= {"ours"}


@pytest.mark.parametrize("order", ["theirs", "ours"])
def test_rule_F2_the_entry_in_front_wins(place: Place, other: Place, order: str) -> None:
    """Of two entries with a package of one name the first is imported, whatever each is."""
    entries = [other.entry, place.entry] if order == "theirs" else [place.entry, other.entry]
    sys.path[:1] = entries
    assert where("pkg") == order
    missing = "pkg.sub" if order == "theirs" else "pkg.only"
    with pytest.raises(ModuleNotFoundError, match=missing):
        importlib.import_module(missing)
    assert where("lone") == "ours"
    assert [where("space.mine"), where("space.yours")] == ["ours", "theirs"]


def test_rule_F2_a_directory_that_took_a_bundles_place_is_a_directory(
    place: Place, library: Library, tmp_path: Path
) -> None:
    """A FileFinder made for the path before the bundle was there lets go of it when told."""
    target = tmp_path / "app.bundle"
    theirs = library.place(OTHER, DIRECTORY).copy_to(target)
    sys.path[0] = theirs.entry
    assert where("pkg") == "theirs"
    assert isinstance(pkgutil.get_importer(theirs.entry), FileFinder)
    target.rename(tmp_path / "old")
    place.copy_to(target)
    del sys.path_importer_cache[theirs.entry]  # which holds FileFinders for good
    assert where("lone") == "ours"


class Claiming:
    """A path entry finder that takes every entry, and finds nothing in it."""

    def __init__(self, entry: str) -> None:
        self.entry = entry

    def find_spec(self, fullname: str, target: object = None) -> None:
        """Find nothing."""


class Refusing(Claiming):
    """A path entry finder that takes no entry."""

    def __init__(self, entry: str) -> None:
        raise ImportError(entry)


@pytest.mark.usefixtures("place")
def test_rule_F1_behind_a_hook_that_takes_all_nothing_is_found() -> None:
    """The first hook to answer has the entry, and the import fails as it does for a directory."""
    sys.path_hooks.insert(0, Claiming)
    sys.path_importer_cache.clear()
    with pytest.raises(ModuleNotFoundError, match="lone"):
        importlib.import_module("lone")


@pytest.mark.usefixtures("place")
def test_rule_F1_behind_a_hook_that_refuses_all_is_found() -> None:
    """A hook in front that raises ImportError passes the entry on."""
    sys.path_hooks.insert(0, Refusing)
    sys.path_importer_cache.clear()
    assert [where("lone"), where("pkg.sub"), where("space.mine")] == ["ours"] * 3


class Delegating:
    """A meta path finder in front that asks PathFinder itself, and marks what it gets."""

    def __init__(self, asked: list[str]) -> None:
        self.asked = asked

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return the standard spec."""
        self.asked.append(fullname)
        return PathFinder.find_spec(fullname, path, target)

    def invalidate_caches(self) -> None:
        """Invalidate nothing."""


@pytest.mark.usefixtures("place")
def test_rule_F3_a_finder_in_front_may_delegate() -> None:
    """Specs are the same through a finder that delegates, and so are failures."""
    asked: list[str] = []
    sys.meta_path.insert(0, Delegating(asked))
    assert [where("pkg.sub"), where("space.mine")] == ["ours", "ours"]
    with pytest.raises(ModuleNotFoundError, match=r"pkg\.none"):
        importlib.import_module("pkg.none")
    assert {"pkg", "pkg.sub", "space", "space.mine", "pkg.none"} <= set(asked)


@pytest.mark.parametrize("spoil", [sys.path_importer_cache.clear, importlib.invalidate_caches])
def test_rule_F2_forgotten_finders_are_made_again(place: Place, spoil: Callable[[], None]) -> None:
    """Whoever clears the caches of the import system loses nothing but time."""
    assert where("pkg") == "ours"
    spoil()
    assert [where("pkg.sub"), where("lone")] == ["ours", "ours"]
    assert sys.modules["pkg.sub"].__file__ == place.at("pkg", "sub.py")
