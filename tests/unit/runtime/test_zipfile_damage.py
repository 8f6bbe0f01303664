"""Zips that are not what was written: refused in bounded time and memory, or read as they stand."""

import io
import os
import tracemalloc
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from litebundle.errors import BundleCorrupt
from litebundle.runtime.descriptor import Descriptor
from litebundle.runtime.zipfile import Zip
from tests.unit.runtime.databases import Memory
from tests.unit.runtime.zips import (
    FULL,
    Entry,
    assert_agree,
    contents,
    crafted,
    deflate,
    read_damaged,
    stock_read_damaged,
    zip64_extra,
)

_TEXT = b"some text, " * 30
_FAR = (1 << 63) - 1


def _plain() -> bytes:
    return crafted(
        Entry(name=b"stored.txt", stored=_TEXT),
        Entry(name=b"deflated.txt", stored=deflate(_TEXT), method=8, raw_size=len(_TEXT)),
        Entry(name="ünï".encode(), stored=b"u", flags=0x800),
        Entry(name=b"directory/"),
    )


def _zip64() -> bytes:
    file = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch, zipfile.ZipFile(file, "w") as archive:
        patch.setattr(zipfile, "ZIP64_LIMIT", 10)
        for name in ("first", "second"):
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(_TEXT)
        archive.comment = b"comment"
        archive.close()
    return file.getvalue()


@pytest.mark.fault(1, 2)
@pytest.mark.parametrize("change", [0xFF, 0x80, 0x01])
@pytest.mark.parametrize("data", [_plain(), _zip64()], ids=["plain", "zip64"])
def test_a_changed_byte_anywhere(data: bytes, change: int) -> None:
    """What is read is what the standard library reads, or one of the two refuses it."""
    damaged = bytearray(data)
    outcomes: Counter[str] = Counter()
    for position in range(len(data)):
        damaged[position] ^= change
        outcomes[assert_agree(bytes(damaged))] += 1
        damaged[position] ^= change
    assert min(outcomes["refused"], outcomes["read"]) >= 20


@pytest.mark.fault(3)
@pytest.mark.parametrize("data", [_plain(), _zip64()], ids=["plain", "zip64"])
def test_cut_short_anywhere(data: bytes) -> None:
    """Without its end a zip is none; without its beginning something in it is missing."""
    sound = read_damaged(data)
    for size in range(len(data) - len(b"comment") * (b"comment" in data)):
        with pytest.raises(BundleCorrupt, match="not a zip file"):
            Zip(Memory(data[:size]))
    for start in range(1, len(data)):
        assert read_damaged(data[start:]) != sound


@pytest.mark.fault(8)
def test_cut_short_while_it_is_open(tmp_path: Path) -> None:
    """A file that someone truncates under the reader is damage, not a short member."""
    path = tmp_path / "zip"
    path.write_bytes(_plain())
    archive = Zip(Descriptor(str(path)))
    members = archive.members
    os.truncate(path, 200)
    with pytest.raises(BundleCorrupt, match=r"'stored.txt' ends early"):
        archive.read(members["stored.txt"])
    with pytest.raises(BundleCorrupt, match=r"no member 'deflated.txt'"):
        archive.read(members["deflated.txt"])


# Crafted: each a lie that a hostile file can tell.


@pytest.mark.parametrize("number", [_FAR, _FAR + 1, 2**64 - 1, 10_000])
def test_zip64_offsets_that_lie(number: int) -> None:
    """A member behind the end of the file is not there, however far behind."""
    data = crafted(Entry(name=b"m", stored=b"x", offset=FULL, extra=zip64_extra(number)))
    with pytest.raises(BundleCorrupt, match="no member 'm' where it should be"):
        contents(data)


@pytest.mark.fault(49)
@pytest.mark.parametrize("number", [_FAR, _FAR + 1, 2**64 - 1, 10_000])
@pytest.mark.parametrize("method", [0, 8])
def test_zip64_sizes_that_lie(number: int, method: int) -> None:
    """A member longer than the file, or unpacking to more than deflate can hold, is refused."""
    stored = Entry(
        name=b"m", stored=b"\3\0", method=method, stored_size=FULL, extra=zip64_extra(number)
    )
    with pytest.raises(BundleCorrupt, match="reaches past the end"):
        contents(crafted(stored))
    raw = Entry(name=b"m", stored=b"\3\0", method=method, raw_size=FULL, extra=zip64_extra(number))
    with pytest.raises(BundleCorrupt, match=f"cannot be {number} bytes"):
        contents(crafted(raw))


@pytest.mark.parametrize(
    "extra",
    [
        b"",
        b"\1\0",
        b"\1\0\x08\0",
        b"\1\0\x04\0abcd",
        b"\1\0\x08\0abcd",
        b"\2\0\xff\xffabcd" + zip64_extra(1),
        zip64_extra(1)[:-1],
    ],
)
def test_zip64_fields_that_are_missing(extra: bytes) -> None:
    """An entry that promises a zip64 field and has none, or a part of it, damages the directory."""
    data = crafted(Entry(name=b"m", stored=b"x", raw_size=FULL, extra=extra))
    with pytest.raises(BundleCorrupt, match="zip64 field missing"):
        contents(data)


@pytest.mark.parametrize("size", [0, 1, 1000, _FAR, 2**64 - 1])
@pytest.mark.parametrize("offset", [1000, _FAR, 2**64 - 1])
def test_zip64_end_records_that_lie(size: int, offset: int) -> None:
    """A directory that would be in front of the file, or is longer than it, is refused."""
    record = b"PK\6\6" + bytes(36) + size.to_bytes(8, "little") + offset.to_bytes(8, "little")
    locator = b"PK\6\7" + bytes(16)
    with pytest.raises(BundleCorrupt, match=r"cut short"):
        contents(crafted(Entry(name=b"m"), tail=record + locator))


def test_a_zip64_record_that_is_not_there() -> None:
    """A locator without its record is damage."""
    with pytest.raises(BundleCorrupt, match="zip64 record"):
        contents(crafted(Entry(name=b"m"), tail=bytes(56) + b"PK\6\7" + bytes(16)))


@pytest.mark.fault(49)
@pytest.mark.parametrize("claimed", [0, 1, 1000, 9_999_999, 10_000_001])
def test_bombs_end_where_their_size_says(claimed: int) -> None:
    """A member that unpacks to more or less than it says is refused, and unpacked no further."""
    data = crafted(
        Entry(name=b"bomb", stored=deflate(bytes(10_000_000)), method=8, raw_size=claimed)
    )
    archive = Zip(Memory(data))
    member = archive.members["bomb"]
    tracemalloc.start()
    with pytest.raises(BundleCorrupt, match=r"other than|cannot be"):
        archive.read(member)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * claimed + 500_000


@pytest.mark.fault(49)
def test_stored_sizes_that_contradict_each_other() -> None:
    """A stored member is as long as it is: neither cut nor filled up."""
    for raw in (0, 9, 11):
        with pytest.raises(BundleCorrupt, match=f"cannot be {raw} bytes"):
            contents(crafted(Entry(name=b"m", stored=b"0123456789", raw_size=raw)))


@pytest.mark.parametrize("stored", [b"", b"\3", b"\xff" * 20, deflate(_TEXT)[:-1]])
def test_damaged_deflate(stored: bytes) -> None:
    """What does not unpack is damage, told with the member's name."""
    data = crafted(Entry(name=b"m", stored=stored, method=8, raw_size=min(330, 1032 * len(stored))))
    with pytest.raises(BundleCorrupt, match="damaged member 'm'"):
        contents(data)


def test_a_directory_that_is_not_where_it_should_be() -> None:
    """What stands between the directory and its end record is taken for a part of it."""
    with pytest.raises(BundleCorrupt, match="damaged zip directory: no entry at byte 0"):
        contents(crafted(Entry(name=b"m"), tail=bytes(300)))


def test_undecodable_names() -> None:
    """A name that says it is UTF-8 and is not damages the directory."""
    with pytest.raises(BundleCorrupt, match="damaged zip directory"):
        contents(crafted(Entry(name=b"\xff", flags=0x800)))


@pytest.mark.fault(49)
def test_members_that_overlap() -> None:
    """Members may claim the same bytes; none is read further than to the directory."""
    text = b"0123456789"
    data = crafted(
        Entry(name=b"a", stored=text),
        Entry(name=b"b", stored=text, offset=0),
        Entry(name=b"c", stored=text, stored_size=200, raw_size=200),
    )
    archive = Zip(Memory(data))
    read = {name: archive.read(archive.members[name]) for name in "ab"}
    assert read == {"a": text, "b": text}
    with pytest.raises(BundleCorrupt, match="'c' reaches past the end"):
        archive.read(archive.members["c"])


@pytest.mark.parametrize("end", [b"PK\5\6", b"PK\5\6" + bytes(18)])
def test_an_end_record_in_the_comment(end: bytes) -> None:
    """The last end record in the file counts, as for the standard library, even if it is none."""
    data = _plain()[:-2] + len(end).to_bytes(2, "little") + end
    assert not read_damaged(data)
    assert not stock_read_damaged(data)
