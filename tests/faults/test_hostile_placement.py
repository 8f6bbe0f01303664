"""Placed files of a crafted bundle: nothing outside of their directory, nothing for others in it.

`bundle place` may be given anybody's bundle by an administrator, and executes none of its code.
"""

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from litebundle.errors import BundleCorrupt, BundleIOError
from litebundle.format.encode import encode_listing
from litebundle.format.listing import Listing
from litebundle.inspect.verify import verify
from litebundle.place.ahead import place_ahead
from litebundle.runtime import placing
from litebundle.runtime.archive import open_archive
from litebundle.runtime.files import PlacedDirectory, UnitFiles
from tests.rules.places import Library, Tree, write_tree
from tests.unit.inspect.forge import Parts, change_root, execute, reference, taken_apart

TREE: Tree = {
    "unit/__init__.py": (
        "import os\n"
        "with open(os.path.join(os.path.dirname(__file__), 'data', 'a.txt')) as file:\n"
        "    TEXT = file.read()\n"
    ),
    "unit/data/a.txt": "the text\n",
    "unit/b.txt": "more\n",
}


@pytest.fixture
def bundle(library: Library, tmp_path: Path) -> Path:
    """Return a bundle of the test's own, with a package that is placed."""
    return Path(shutil.copy(library.place(TREE, "sqlite").entry, tmp_path / "app.bundle"))


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Return a directory deep enough that what leaves it stays among the test's."""
    directory = tmp_path / "deep" / "placed"
    directory.mkdir(parents=True, mode=0o755)
    return directory


def rename(bundle: Path, names: Mapping[str, str]) -> None:
    """Give placed files other names, with a key that fits them."""
    [number, data] = [
        execute(bundle, f"SELECT {column} FROM listings WHERE kind = 'placement'")[0]  # noqa: S608
        for column in ("id", "listing")
    ]
    listing = Listing(data)
    modules, directories, placements, files = taken_apart(listing)
    files = {names.get(path, path): each for path, each in files.items()}
    changed = encode_listing(listing.variants, modules, directories, placements, files)
    execute(bundle, "UPDATE listings SET listing = ? WHERE id = ?", values=[changed, number])
    digests = {
        path: hashlib.sha256(str(TREE[old]).encode()).hexdigest()
        for old in TREE
        if (path := names.get(old, old)) in files
    }
    lines = (f"{files[p][0]:o} {digests[p]} {p}\0" for p in sorted(files, key=str.encode))
    fitting = hashlib.sha256("".join(lines).encode()).digest()

    def change(parts: Parts) -> None:
        level, _, _ = parts[2]["unit"]
        parts[2]["unit"] = (level, fitting, reference(number, changed))

    change_root(bundle, change)


def everything(directory: Path) -> list[str]:
    """Return all files below a directory but the markers of placed ones."""
    return sorted(
        str(path.relative_to(directory))
        for path in directory.rglob("*")
        if not path.is_dir() and path.name != ".litebundle"
    )


def test_another_name_within_is_placed(bundle: Path, target: Path) -> None:
    """What the tests below change is enough: a harmless name is placed under it."""
    rename(bundle, {"unit/b.txt": "unit/c.txt"})
    [placed] = place_ahead(bundle, target)
    assert everything(Path(placed.path)) == ["unit/c.txt", "unit/data/a.txt"]


@pytest.mark.fault(41)
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../escaped", "has a component '..'"),
        ("unit/../../../escaped", "has a component '..'"),
        ("/tmp/escaped", "is absolute"),  # noqa: S108
        ("unit//b.txt", "has an empty component"),
        ("unit/./b.txt", "has a component '.'"),
        ("x" * 256, "longer than 255 bytes"),
        (".litebundle", "the place of the marker"),
        (".litebundle/x", "the place of the marker"),
        ("unit/data/a.txt/below", "is below the file 'unit/data/a.txt'"),
    ],
)
def test_names_that_lead_elsewhere_are_not_placed(
    name: str, reason: str, bundle: Path, target: Path
) -> None:
    """Told with the name, before anything is written; `verify` tells it too."""
    rename(bundle, {"unit/b.txt": name})
    before = everything(target.parents[1])
    with pytest.raises(BundleCorrupt, match="placed file") as refused:
        list(place_ahead(bundle, target))
    assert reason in str(refused.value)
    assert everything(target.parents[1]) == before
    assert any(reason in str(problem) for problem in verify(bundle).problems)


@pytest.mark.fault(41)
def test_no_such_name_is_opened_either(
    bundle: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the directory is there, files are looked at under names that nobody has checked yet."""
    [honest] = place_ahead(bundle, target)
    rename(bundle, {"unit/b.txt": "../../outside"})
    (target.parent / "outside").write_text("another size")
    opened = list[object]()
    monkeypatch.setattr(placing, "open", opened.append, raising=False)
    archive = open_archive(str(bundle))
    assert archive is not None
    listing = archive.listing("")
    assert listing is not None
    _, key, ref = listing.placement(0)
    files = UnitFiles(archive, ref, key, "unit")
    with pytest.raises(BundleCorrupt, match=r"has a component '\.\.'"):
        PlacedDirectory(honest.path, files).enter()
    assert opened == []


@pytest.mark.fault(42)
def test_a_file_in_the_place_of_a_directory_is_not_placed(bundle: Path, target: Path) -> None:
    """In whatever order they come."""
    rename(bundle, {"unit/b.txt": "unit/data"})
    with pytest.raises(BundleCorrupt, match="is below the file 'unit/data'"):
        list(place_ahead(bundle, target))
    assert everything(target) == []


@pytest.mark.fault(50)
def test_nobody_writes_into_the_files_of_another_key(
    bundle: Path, target: Path, library: Library, tmp_path: Path
) -> None:
    """A directory is shared by its key, which says what is in it: a bundle that lies is refused.

    Neither where the directory is new, nor where it is there and differs.
    """
    [honest] = place_ahead(bundle, target)
    key = bytes.fromhex(Path(honest.path).name)
    evil = Path(
        shutil.copy(
            library.place({**TREE, "unit/b.txt": "evil\n"}, "sqlite").entry, tmp_path / "evil"
        )
    )

    def lie(parts: Parts) -> None:
        level, _, ref = parts[2]["unit"]
        parts[2]["unit"] = (level, key, ref)

    change_root(evil, lie)
    with pytest.raises(BundleCorrupt, match="placed files of another key"):
        list(place_ahead(evil, target))
    assert Path(honest.path, "unit/b.txt").read_text() == "more\n"
    fresh = target.with_name("fresh")
    with pytest.raises(BundleCorrupt, match="placed files of another key"):
        list(place_ahead(evil, fresh))
    assert everything(fresh) == []


@pytest.mark.fault(50)
@pytest.mark.parametrize("way", ["unit", "unit/data"])
def test_links_in_the_way_are_not_followed(bundle: Path, target: Path, way: str) -> None:
    """A directory of placed files that became a link to another one: the other stays as it is."""
    [placed] = place_ahead(bundle, target)
    other = target.parent / "other"
    write_tree({"a.txt": "mine", "data/a.txt": "mine", "b.txt": "mine"}, other)
    shutil.rmtree(Path(placed.path, way))
    Path(placed.path, way).symlink_to(other)
    list(place_ahead(bundle, target))
    assert {Path(other, name).read_text() for name in everything(other)} == {"mine"}
    assert Path(placed.path, "unit/data/a.txt").read_text() == "the text\n"
    assert not Path(placed.path, way).is_symlink()


def test_a_directory_in_the_way_of_a_file_makes_room(bundle: Path, target: Path) -> None:
    """As anything else does that is not what was built."""
    [placed] = place_ahead(bundle, target)
    file = Path(placed.path, "unit/b.txt")
    file.unlink()
    file.joinpath("x").mkdir(parents=True)
    list(place_ahead(bundle, target))
    assert file.read_text() == "more\n"


@pytest.mark.fault(49)
def test_a_unit_without_a_placement_is_refused(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its flag says that there are placed files, and no one says which."""
    from litebundle.runtime.finder import path_hook

    monkeypatch.setenv("LITEBUNDLE_CACHE", str(bundle.parent))
    change_root(bundle, lambda parts: parts[2].clear())
    with pytest.raises(BundleCorrupt, match="without a placement"):
        path_hook(str(bundle)).find_spec("unit")


@pytest.mark.fault(49)
def test_a_tree_that_leads_in_circles_is_not_walked(bundle: Path, target: Path) -> None:
    """`place` goes through all directories, each of which has its own listing."""

    def circle(parts: Parts) -> None:
        parts[1]["one"] = parts[1]["two"] = parts[1]["unit"]

    change_root(bundle, circle)
    with pytest.raises((BundleCorrupt, BundleIOError), match="no listing of its own"):
        list(place_ahead(bundle, target))
