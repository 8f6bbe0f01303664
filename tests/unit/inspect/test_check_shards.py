"""Large directories, whose listings are several: every fault of a shard is told, and refused."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from litebundle.errors import BundleCorrupt
from litebundle.format.encode import encode_listing, shards_of
from litebundle.format.listing import REF_SIZE, Listing
from litebundle.inspect.bundle import Bundle
from litebundle.inspect.check import problems
from litebundle.inspect.verify import verify
from tests.rules.places import Library, Tree
from tests.unit.inspect.forge import execute, reference, replace_root, taken_apart
from tests.unit.inspect.test_check import opened, told

TREE: Tree = {f"m{number:03}.py": f"VALUE = {number}\n" for number in range(600)}
_COUNT = shards_of(1200)
_HEADER = 12


@pytest.fixture(scope="session", params=["sqlite", "zip"])
def large(request: pytest.FixtureRequest, library: Library) -> Path:
    """Return a bundle with a large directory; not to be changed."""
    return Path(library.place(TREE, request.param).entry)


@pytest.fixture
def forged(library: Library, tmp_path: Path) -> Path:
    """Return a copy of the database, to be changed."""
    return Path(shutil.copy(library.place(TREE, "sqlite").entry, tmp_path / "forged"))


def _swap(data: bytes, first: int, second: int) -> bytes:
    """Return the index with two shards in each other's place."""
    refs = [data[at : at + REF_SIZE] for at in range(_HEADER, len(data), REF_SIZE)]
    refs[first], refs[second] = refs[second], refs[first]
    return data[:_HEADER] + b"".join(refs)


def _put(data: bytes, number: int, ref: bytes) -> bytes:
    start = _HEADER + number * REF_SIZE
    return data[:start] + ref + data[start + REF_SIZE :]


def _change_shard(bundle: Path, number: int, change: Callable[[bytes], bytes]) -> None:
    """Put other bytes in the place of a shard, with references that fit."""
    kind = f"shard.{number}"
    [identifier] = execute(bundle, "SELECT id FROM listings WHERE kind = ?", values=[kind])
    [data] = execute(bundle, "SELECT listing FROM listings WHERE kind = ?", values=[kind])
    new = change(data)
    execute(bundle, "UPDATE listings SET listing = ? WHERE kind = ?", values=[new, kind])
    replace_root(bundle, lambda index: _put(index, number, reference(identifier, new)))


def test_large_directories_are_sound(large: Path) -> None:
    """As the builder writes them, by every check there is; and all is counted."""
    assert told(large) == []
    assert not verify(large).problems
    listing = opened(large).listing("")
    assert listing is not None
    assert len(listing.shards()) == _COUNT
    assert len([*Bundle(large).modules()]) == len(TREE)


def test_a_shard_in_anothers_place(forged: Path) -> None:
    """Its names would be found by who lists all, and by no import."""
    replace_root(forged, lambda index: _swap(index, 2, 3))
    found = told(forged)
    assert any("listing of shard.2 ''" in each and "is of another shard" in each for each in found)
    listing = opened(forged).listing("")
    assert listing is not None
    assert listing.find_module("m000") is None or listing.find_module("m001") is not None
    with pytest.raises(BundleCorrupt, match="is in shard 2"):
        _ = listing.modules


def test_an_index_that_is_a_shard_of_its_own(forged: Path) -> None:
    """Shards have no shards: nothing goes round."""
    [identifier] = execute(forged, "SELECT id FROM listings WHERE kind = 'directory'")
    [index] = execute(forged, "SELECT listing FROM listings WHERE kind = 'directory'")
    _change_shard(forged, 1, lambda _: index)
    assert "listing of shard.1 '': damaged: not a listing" in told(forged)
    listing = opened(forged).listing("")
    assert listing is not None
    with pytest.raises(BundleCorrupt, match="damaged listing of '': not a listing"):
        _ = listing.files
    replace_root(forged, lambda data: _put(data, 1, reference(identifier, index)))
    assert any("is another's too" in each for each in told(forged))


def test_a_shard_that_stands_for_two(forged: Path) -> None:
    """However many are claimed, its bytes are read for one."""
    replace_root(forged, lambda index: _put(index, 5, index[_HEADER + 4 * REF_SIZE :][:REF_SIZE]))
    assert any("listing of shard.5 '': is another's too" in each for each in told(forged))


def test_a_shard_that_is_nowhere(forged: Path) -> None:
    """An empty reference is no empty shard."""
    replace_root(forged, lambda index: _put(index, 0, bytes(REF_SIZE)))
    assert "listing of shard.0 '': missing" in told(forged)


def test_a_shard_in_another_order(forged: Path) -> None:
    """Names have one order, in shards as in any listing."""

    def turned(data: bytes) -> bytes:
        names = "\0".join(Listing(data).modules).encode()
        other = "\0".join(reversed(Listing(data).modules)).encode()
        return data.replace(names, other, 1)

    _change_shard(forged, 0, turned)
    assert "modules of '': not sorted" in told(forged)


def test_another_number_of_shards(forged: Path) -> None:
    """It follows from the number of names; that of none included."""
    listing = opened(forged).listing("")
    assert listing is not None
    whole = encode_listing(listing.variants, *taken_apart(listing))
    replace_root(forged, lambda _: whole)
    found = told(forged)
    assert any("another number of shards" in each for each in found)


def test_an_index_that_is_damaged(forged: Path) -> None:
    """It is told like a listing that is."""
    replace_root(forged, lambda index: index[:-1])
    with pytest.raises(BundleCorrupt, match="damaged listing of ''"):
        opened(forged)


def test_the_table_of_listings_tells_of_shards(forged: Path) -> None:
    """What people read with sqlite3 is checked, too."""
    kinds = execute(forged, "SELECT kind FROM listings WHERE path = ''")
    assert kinds == ["directory", *(f"shard.{number}" for number in range(_COUNT))]
    execute(forged, "UPDATE listings SET kind = 'shard.9' WHERE kind = 'shard.1'")
    assert verify(forged).problems
    assert [*problems(opened(forged))] == []
