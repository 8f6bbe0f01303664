"""Listings of large directories: by the one interface, as if all were in one piece."""

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litebundle.errors import BundleCorrupt
from litebundle.format.encode import encode_index, encode_listing, shards_of
from litebundle.format.listing import (
    EMPTY_REF,
    INDEX_MAGIC,
    Listing,
    Ref,
    ShardedListing,
    decode_ref,
    shard_of,
)

_NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8
)


def _ref(number: int) -> bytes:
    return Ref(
        identifier=number + 1, at=(0, 0), sizes=(number, number), encoding=0, checksum=bytes(8)
    ).encode()


class _Source:
    """Keeps shards by number, and how often one was read."""

    def __init__(self, shards: Iterable[bytes]) -> None:
        self.shards = list(shards)
        self.read = 0

    def part(self, ref: Ref, of: str) -> Listing:
        assert of == "large"
        self.read += 1
        return Listing(self.shards[ref.identifier - 1])

    def damaged(self, of: str, what: str) -> Exception:
        return BundleCorrupt(f"{of}: {what}")


Content = tuple[
    dict[str, tuple[int, list[bytes]]],
    dict[str, bytes],
    dict[str, tuple[int, bytes, bytes]],
    dict[str, tuple[int, bytes]],
]


def _content(modules: Iterable[str], files: Iterable[str]) -> Content:
    """Return sections of which every second module is a directory, every third placed."""
    names = list(modules)
    return (
        {name: (n % 256, [_ref(2 * n), _ref(2 * n + 1)]) for n, name in enumerate(names)},
        {name: _ref(n) for n, name in enumerate(names[::2])},
        {name: (n % 3, bytes([n % 256] * 32), _ref(n)) for n, name in enumerate(names[::3])},
        {name: (0o644, _ref(n)) for n, name in enumerate(files)},
    )


def _sharded(content: Content, count: int) -> tuple[ShardedListing, _Source]:
    """Return the content in so many shards, as a builder writes it."""

    def encoded(number: int) -> bytes:
        own = ({k: v for k, v in s.items() if shard_of(k, count) == number} for s in content)
        return encode_listing(2, *own)  # type: ignore[arg-type]  # the sections, in their order

    source = _Source(encoded(number) for number in range(count))
    index = encode_index(2, [_ref(number) for number in range(count)])
    return ShardedListing(index, source, "large"), source


def _told(found: Listing) -> tuple[object, ...]:
    """Return all that a listing tells, but how it numbers."""
    return (
        found.variants,
        found.counts,
        [
            (name, found.flags(at), [found.code(v, at) for v in range(2)])
            for name, at in found.modules.items()
        ],
        [(name, repr(found.directory(at))) for name, at in found.directories.items()],
        [
            (name, *found.placement(at)[:2], repr(found.placement(at)[2]))
            for name, at in found.placements.items()
        ],
        [
            (name, found.file(at)[0], repr(found.file(at)[1]), found.size(at))
            for name, at in found.files.items()
        ],
    )


def _looked_up(found: Listing, name: str) -> list[object]:
    module, directory = found.find_module(name), found.find_directory(name)
    placement, file = found.find_placement(name), found.find_file(name)
    return [
        None if module is None else (found.flags(module), found.code(1, module)),
        None if directory is None else repr(found.directory(directory)),
        None if placement is None else found.placement(placement)[:2],
        None if file is None else (found.file(file)[0], found.size(file)),
    ]


def _agree(content: Content, count: int, asked: Iterable[str]) -> None:
    whole = Listing(encode_listing(2, *content))
    found, _ = _sharded(content, count)
    for name in asked:  # before any section was put together
        assert _looked_up(found, name) == _looked_up(whole, name)
        at, flags, codes = found.view(name, 1)
        index, expected = at(name), whole.find_module(name)
        assert (index is None) == (expected is None)
        if index is not None and expected is not None:
            assert flags[index] == whole.flags(expected)
            assert codes[index * 32 : index * 32 + 32] == whole.code(1, expected)
    assert _told(found) == _told(whole)


@settings(deadline=None)
@given(
    st.sets(_NAMES, max_size=40),
    st.sets(_NAMES, max_size=20),
    st.sampled_from([2, 4, 16]),
    st.lists(st.text(max_size=4), max_size=5),
)
def test_shards_tell_what_one_listing_would(
    modules: set[str], files: set[str], count: int, others: list[str]
) -> None:
    """Of whatever names, those included that are nowhere: by look-up as in the whole."""
    _agree(_content(sorted(modules), sorted(files)), count, [*modules, *files, *others])


@pytest.mark.parametrize("number", [341, 342, 343, 683, 5000])
def test_directories_of_sizes_around_the_limit(number: int) -> None:
    """The names of a directory are all found, however many shards the builder makes of them."""
    names = [f"m{each:05}" for each in range(number)]
    content = _content(names, [f"{name}.py" for name in names])
    things = sum(len(section) for section in content)
    _agree(content, shards_of(things) or 2, ["m00000", "m00001", names[-1], "absent", "m", ""])


def test_how_many_shards_there_are() -> None:
    """None for what is usual; then a power of two, of 256 things at most on average."""
    assert [shards_of(things) for things in (0, 1, 1024)] == [0, 0, 0]
    assert [shards_of(things) for things in (1025, 2048, 2049)] == [8, 8, 16]
    for things in range(1025, 300_000, 997):
        count = shards_of(things)
        assert count.bit_count() == 1
        assert 128 < things / count <= 256
    assert shards_of(1 << 40) == 1 << 16


def test_where_a_name_is() -> None:
    """By the hash that FORMAT.md names: nothing else of another reader would find it."""
    names = ["json", "numpy", "\u00e9t\u00e9", ""]
    assert [shard_of(name, 1 << 16) for name in names] == [61409, 47666, 60176, 59620]
    assert shard_of("\udc80", 16) < 16  # no UTF-8, and no name of a bundle: but it is asked for


def test_a_look_up_reads_one_shard() -> None:
    """And reads it once, whether the name is there or not."""
    names = [f"m{each:05}" for each in range(2000)]
    found, source = _sharded(_content(names, []), 16)
    for _ in range(3):
        assert found.find_module("m00007") is not None
        assert found.view("m00007", 0)[0]("m00007") is not None
    assert source.read == 1
    for name in ("absent", "m00008", *names):
        found.view(name, 0)
    assert source.read == 16


def test_what_is_no_index() -> None:
    """A number of shards that is no power of two, or not that of the references."""

    def refused(data: bytes) -> str:
        with pytest.raises(ValueError, match=r".") as caught:
            ShardedListing(data, _Source([]), "large")
        return str(caught.value)

    ref = _ref(1)
    for count in (0, 1, 3):
        assert refused(encode_index(1, [ref] * count)) == f"index of {count} shards"
    assert refused(encode_index(1, [ref] * (1 << 17))) == f"index of {1 << 17} shards"
    sound = encode_index(1, [ref] * 4)
    for data in (sound[:-1], sound + b"\0", sound[:11], b"LBls" + sound[4:], INDEX_MAGIC):
        assert "its header says" in refused(data)


def test_hostile_shards() -> None:
    """Refused as damage: one that is nowhere, and one that has names of another."""
    names = [f"m{each:05}" for each in range(100)]
    found, source = _sharded(_content(names, []), 4)
    missing = ShardedListing(encode_index(2, [_ref(0), EMPTY_REF]), source, "large")
    with pytest.raises(BundleCorrupt, match="shard 1 is missing"):
        _ = missing.modules
    assert [ref is None for ref in missing.shards()] == [False, True]
    source.shards[2] = source.shards[1]
    with pytest.raises(BundleCorrupt, match="is in shard 2"):
        _ = found.counts
    with pytest.raises(BundleCorrupt, match="is in shard 2"):  # asked again, too
        _ = found.files


def test_references_of_shards() -> None:
    """They are in the index, in the order of their numbers."""
    found, _ = _sharded(_content(["a", "b"], []), 4)
    assert [repr(ref) for ref in found.shards()] == [repr(decode_ref(_ref(n))) for n in range(4)]
    assert Listing(encode_listing(0, {}, {}, {}, {})).shards() == []
    assert found.mentions("a.so") is False
