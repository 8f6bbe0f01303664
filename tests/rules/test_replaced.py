"""F6: another file at the path of an open bundle.

A process serves the file it opened until `importlib.invalidate_caches()` finds another sound
bundle there; then all finders of that path change over together, and modules already imported
stay as they are.
"""

import contextlib
import importlib
import os
import pkgutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from tests.rules.modules import data_beside, version_of
from tests.rules.places import Library, Place, Tree


def _release(version: int, **extra: str) -> Tree:
    """Return a release in which everything says which one it is from."""
    body = f"VERSION = {version}\n"
    names = ["a", "b", "c", "pkg/__init__", "pkg/one", "pkg/two", "pkg/inner/__init__"]
    names += ["stuffed/__init__", "stuffed/sub", "stuffed/late"]
    files = {f"{name}.py": body for name in names}
    return files | {"stuffed/data.txt": f"data {version}\n"} | extra


TREE: Tree = _release(1, **{"only_old.py": "VERSION = 1\n", "pkg/old.py": "VERSION = 1\n"})
NEXT: Tree = _release(
    2, **{"only_new.py": "VERSION = 2\n", "pkg/new.py": "VERSION = 2\n", "fresh/__init__.py": ""}
)


@pytest.fixture
def deployed(place: Place, tmp_path: Path) -> Place:
    """Return the first release at a path of its own, on `sys.path`, in use."""
    found = place.copy_to(tmp_path / "app.bundle")
    sys.path[0] = found.entry
    assert [version_of("a"), version_of("pkg"), version_of("pkg.one")] == [1, 1, 1]
    return found


@pytest.fixture
def update(library: Library, deployed: Place) -> Callable[[], None]:
    """Return what puts the second release in the place of the first, by a rename."""
    release = library.place(NEXT, deployed.container)

    def apply() -> None:
        release.copy_to(Path(deployed.entry))

    return apply


def names_at(entry: str) -> list[str]:
    """List the modules of one entry as pkgutil does."""
    return sorted(info.name for info in pkgutil.iter_modules([entry]))


def test_rule_F6_a_module_added_later_is_seen_after_invalidate_caches(
    deployed: Place, update: Callable[[], None]
) -> None:
    """Whatever the container: new modules are there once the caches are invalidated."""
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("only_new")
    update()
    importlib.invalidate_caches()
    assert (version_of("only_new"), version_of("pkg.new")) == (2, 2)
    assert importlib.import_module("fresh").__file__ == deployed.at("fresh", "__init__.py")


def test_rule_F6_a_relative_path_entry_changes_over_too(
    place: Place, library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PathFinder only forgets the finders of these, which then are made anew."""
    found = place.copy_to(tmp_path / "app.bundle")
    monkeypatch.chdir(tmp_path)
    sys.path[0] = "app.bundle"
    assert version_of("a") == 1
    library.place(NEXT, place.container).copy_to(Path(found.entry))
    importlib.invalidate_caches()
    assert [version_of("only_new"), version_of("b")] == [2, 2]


def test_rule_F6_imported_modules_stay(deployed: Place, update: Callable[[], None]) -> None:
    """Modules imported before the change are the same objects with the same contents."""
    before = {name: sys.modules[name] for name in ("a", "pkg", "pkg.one")}
    update()
    importlib.invalidate_caches()
    version_of("b")
    assert {name: importlib.import_module(name) for name in before} == before
    assert [version_of(name) for name in before] == [1, 1, 1]
    assert before["pkg"].__path__ == [deployed.at("pkg")]


def test_rule_F6_all_finders_change_over_together(
    deployed: Place, update: Callable[[], None]
) -> None:
    """The finders of the bundle and of its directories show one release, before and after."""
    entries = [deployed.entry, deployed.at("pkg"), deployed.at("pkg", "inner")]
    assert all(pkgutil.get_importer(entry) for entry in entries)
    update()
    importlib.invalidate_caches()
    assert [version_of("c"), version_of("pkg.two"), version_of("pkg.inner")] == [2, 2, 2]
    assert "only_new" in names_at(deployed.entry)
    assert "only_old" not in names_at(deployed.entry)
    assert names_at(deployed.at("pkg")) == ["inner", "new", "one", "two"]
    for gone in ("only_old", "pkg.old"):
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module(gone)


@pytest.mark.usefixtures("deployed")
def test_rule_F6_reload_takes_the_new_file(update: Callable[[], None]) -> None:
    """A module reloaded after the change is the new release's, source and data too."""
    module, package = sys.modules["pkg.one"], sys.modules["pkg"]
    update()
    importlib.invalidate_caches()
    assert importlib.reload(module) is module
    assert importlib.reload(package) is package
    assert (module.VERSION, package.VERSION) == (2, 2)
    assert source_of(module) == "VERSION = 2\n"
    assert pkgutil.get_data("stuffed", "data.txt") == b"data 2\n"


def source_of(module: ModuleType) -> str | None:
    """Return the source that the module's own loader gives."""
    loader = module.__spec__ and module.__spec__.loader
    source: str | None = loader.get_source(module.__name__)  # type: ignore[union-attr]
    return source


@pytest.mark.usefixtures("deployed")
def test_rule_F6_a_package_with_data_changes_over_by_reload(update: Callable[[], None]) -> None:
    """After a reload its modules, `get_data` and the files beside `__file__` are of one release."""
    package, module = importlib.import_module("stuffed"), importlib.import_module("stuffed.sub")
    assert (package.VERSION, module.VERSION, data_beside(package)) == (1, 1, "data 1\n")
    update()
    importlib.invalidate_caches()
    for each in (package, module):
        importlib.reload(each)
    assert (package.VERSION, module.VERSION, version_of("stuffed.late")) == (2, 2, 2)
    assert data_beside(package) == data_beside(module) == "data 2\n"
    assert pkgutil.get_data("stuffed", "data.txt") == b"data 2\n"


def test_rule_F6_copies_of_a_bundle_are_updated_one_by_one(
    place: Place, library: Library, tmp_path: Path
) -> None:
    """The same release at several paths: updating one of them changes nothing for the others."""
    copies = [place.copy_to(tmp_path / f"{number}.bundle") for number in range(3)]

    def versions(name: str) -> list[object]:
        found = []
        for copy in copies:
            sys.path[0] = copy.entry
            for loaded in [n for n in sys.modules if n.partition(".")[0] in ("stuffed", "pkg")]:
                del sys.modules[loaded]
            found.append(version_of(name))
        return found

    assert versions("stuffed.sub") == versions("pkg.one") == [1, 1, 1]
    for updated in (0, 2):
        library.place(NEXT, place.container).copy_to(Path(copies[updated].entry))
        importlib.invalidate_caches()
        expected = [2, 1, 1] if updated == 0 else [2, 1, 2]
        assert versions("stuffed.sub") == expected
        assert versions("stuffed.late") == expected
        assert versions("pkg.two") == expected


def test_rule_F6_an_entry_that_comes_to_exist_is_seen(place: Place, tmp_path: Path) -> None:
    """No finder is remembered for a missing path until the caches are invalidated."""
    target = tmp_path / "later.bundle"
    sys.path[0] = str(target)
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("a")
    place.copy_to(target)
    importlib.invalidate_caches()
    assert version_of("a") == 1


def test_rule_F6_invalidating_an_unchanged_file_changes_nothing(deployed: Place) -> None:
    """With the same file at the path, all goes on as before."""
    importlib.invalidate_caches()
    assert [version_of("b"), version_of("pkg.two"), version_of("only_old")] == [1, 1, 1]
    assert pkgutil.get_importer(deployed.entry) is not None


# From here on: one file, which a process goes on serving


@pytest.mark.fault(6)
def test_rule_F6_the_opened_file_is_served_until_invalidate_caches(
    archive: Place, deployed: Place, update: Callable[[], None]
) -> None:
    """After a replacement by rename, imports, listings and data are still the old file's."""
    update()
    assert archive.ours
    assert [version_of("b"), version_of("pkg.two"), version_of("pkg.inner")] == [1, 1, 1]
    assert [version_of("only_old"), version_of("pkg.old")] == [1, 1]
    assert "only_old" in names_at(deployed.entry)
    assert pkgutil.get_data("stuffed", "data.txt") == b"data 1\n"
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("only_new")


def test_rule_F6_an_entry_opened_after_the_change_serves_the_same_file(
    archive: Place, deployed: Place, update: Callable[[], None]
) -> None:
    """A directory inside the bundle asked for the first time shows the release in use."""
    update()
    assert archive.ours
    assert deployed.at("pkg", "inner") not in sys.path_importer_cache
    assert names_at(deployed.at("pkg")) == ["inner", "old", "one", "two"]
    importlib.invalidate_caches()
    assert names_at(deployed.at("pkg")) == ["inner", "new", "one", "two"]


def test_rule_F6_a_package_with_data_keeps_its_data(
    archive: Place, deployed: Place, update: Callable[[], None]
) -> None:
    """Imported before the change it reads the data it came with; the next submodule is new."""
    package = importlib.import_module("stuffed")
    assert archive.ours
    update()
    importlib.invalidate_caches()
    assert (package.VERSION, data_beside(package)) == (1, "data 1\n")
    assert version_of("stuffed.late") == 2
    assert deployed.entry in sys.path_importer_cache


def _gone(path: Path) -> None:
    path.unlink()


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _renamed_over(content: bytes) -> Callable[[Path], None]:
    def replace(path: Path) -> None:
        other = path.with_name("other")
        other.write_bytes(content)
        other.replace(path)

    return replace


def _truncated(path: Path) -> None:
    content = path.read_bytes()
    _renamed_over(content[: len(content) // 2])(path)


@pytest.mark.fault(9)
@pytest.mark.parametrize(
    "spoil",
    [_gone, _folder, _truncated, _renamed_over(b""), _renamed_over(b"no bundle\n" * 999)],
    ids=["gone", "directory", "truncated", "empty", "text"],
)
def test_rule_F6_without_a_sound_bundle_the_opened_one_is_served(
    archive: Place, deployed: Place, update: Callable[[], None], spoil: Callable[[Path], None]
) -> None:
    """A path that is gone or no sound bundle changes nothing, until one stands there again."""
    path = Path(deployed.entry)
    spoil(path)
    assert archive.ours
    assert version_of("b") == 1
    importlib.invalidate_caches()
    assert [version_of("c"), version_of("pkg.two"), version_of("pkg.old")] == [1, 1, 1]
    assert "only_old" in names_at(deployed.entry)
    assert pkgutil.get_data("stuffed", "data.txt") == b"data 1\n"
    if path.is_dir():
        path.rmdir()
    update()
    importlib.invalidate_caches()
    assert [version_of("only_new"), version_of("pkg.new"), version_of("pkg.inner")] == [2, 2, 2]


@pytest.mark.fault(7)
def test_rule_F6_a_file_rewritten_in_place_is_never_mixed(
    archive: Place, deployed: Place, library: Library
) -> None:
    """Overwritten under the process: an error or one whole release, and the new one afterwards."""
    from litebundle import BundleError

    release = library.place(NEXT, archive.container)
    with Path(deployed.entry).open("r+b") as file:
        file.truncate(0)
        file.write(Path(release.entry).read_bytes())
        os.utime(file.fileno(), (1, 1))
    seen = []
    for name in ("b", "c", "pkg.two", "pkg.inner"):
        with contextlib.suppress(BundleError):
            seen.append(version_of(name))
    assert 2 not in seen
    importlib.invalidate_caches()
    assert [version_of("only_new"), version_of("pkg.new")] == [2, 2]
    assert "only_old" not in names_at(deployed.entry)


def test_rule_F6_the_same_release_copied_over_itself_goes_on(
    archive: Place, deployed: Place
) -> None:
    """The same bytes under another inode are no other release."""
    archive.copy_to(Path(deployed.entry))
    assert version_of("b") == 1
    importlib.invalidate_caches()
    assert [version_of("c"), version_of("pkg.old")] == [1, 1]
