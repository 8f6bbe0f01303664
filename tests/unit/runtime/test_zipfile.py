"""The reader of zips reads what the standard library reads."""

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from litebundle.errors import BundleCorrupt
from litebundle.runtime.descriptor import Descriptor
from litebundle.runtime.zipfile import Zip, find_end
from tests.unit.runtime.databases import Memory
from tests.unit.runtime.zips import Entry, contents, crafted, deflate, stock_contents

_CONTENTS = {
    "empty": b"",
    "package/__init__.py": b"x = 1\n" * 100,
    "package/data/": b"",
    "bytes": bytes(range(256)) * 40,
    "ünï/\U0001f600.txt": "ü".encode(),
    "e\N{COMBINING ACUTE ACCENT}": b"decomposed",
    "a\\b": b"a backslash is a character",
    "x" * 5000: b"a long name",
}


class _Stream(io.RawIOBase):
    """A file that cannot seek, so that sizes stand behind the members."""

    def __init__(self) -> None:
        self.written = b""

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.written += bytes(data)
        return len(data)


def _written(
    method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"", prefix: bytes = b""
) -> bytes:
    """Return a zip as the standard library writes it, appended to `prefix`."""
    file = io.BytesIO(prefix)
    with zipfile.ZipFile(file, "a", method) as archive:
        for name, content in _CONTENTS.items():
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(content)
        archive.comment = comment
    return file.getvalue()


def _streamed() -> bytes:
    file = _Stream()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _CONTENTS.items():
            archive.writestr(name, content)
    return file.written


def _with_extra_fields() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in _CONTENTS.items():
            info = zipfile.ZipInfo(name)
            info.extra = b"\xfe\xca\4\0abcd\xfd\xca\0\0"
            info.comment = b"PK\1\2 a comment"
            with archive.open(info, "w", force_zip64=name > "c") as member:
                member.write(content)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        _written(),
        _written(zipfile.ZIP_STORED),
        _written(comment=b"c"),
        _written(comment=b"x" * 65535),
        _written(prefix=b"#!/usr/bin/env python3\n"),
        b"#!/usr/bin/env python3\n" + _written(),
        b"#!/usr/bin/env python3\n" + _written(comment=b"comment"),
        _written() + b"\0 behind it",
        _written() + _written(zipfile.ZIP_STORED)[:-1] + b"\0",
        crafted(Entry(name=b"first", stored=b"1")) + crafted(Entry(name=b"second", stored=b"2")),
        _streamed(),
        _with_extra_fields(),
        crafted(),
        crafted(Entry(name=b"", stored=b"no name")),
        crafted(Entry(name=bytes(range(0x80, 0x100)), stored=b"cp437")),
        crafted(Entry(name="ünï".encode(), stored=b"as cp437")),
        crafted(Entry(name="ünï".encode(), stored=b"as UTF-8", flags=0x800)),
        crafted(Entry(name=b"twice", stored=b"1"), Entry(name=b"twice", stored=b"2")),
    ],
    ids=[
        *("deflated", "stored", "comment", "longest-comment", "appended"),
        *("prepended", "prepended-comment", "trailing", "two-zips", "two-directories", "streamed"),
        *("extra-fields", "no-members", "empty-name", "cp437", "utf-8-unflagged", "utf-8"),
        "same-name",
    ],
)
def test_names_and_contents_are_those_of_the_standard_library(data: bytes) -> None:
    """Both see the same members, in the same order, with the same bytes."""
    assert list(contents(data).items()) == list(stock_contents(data).items())


def test_all_contents_are_read() -> None:
    """What was written is what is read, by way of the name."""
    assert contents(_written()) == _CONTENTS


@pytest.mark.fault(47)
@pytest.mark.parametrize("limit", [0, 100, 5700])
@pytest.mark.parametrize("prefix", [b"", b"#!/bin/sh\n"])
def test_zip64_records(monkeypatch: pytest.MonkeyPatch, limit: int, prefix: bytes) -> None:
    """Sizes and offsets beyond 4 bytes are read, and so is a zip64 record that was not needed.

    The library writes one from 2 GiB on, when the ordinary record still has room; the lower limits
    have it do so for a part or all of the fields.
    """
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", limit)
    data = prefix + _written()
    assert b"PK\6\6" in data
    assert contents(data) == stock_contents(data) == _CONTENTS


@pytest.mark.fault(47)
def test_more_members_than_16_bits_count() -> None:
    """The number of members is not limited by the ordinary end record."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(65_536):
            archive.writestr(zipfile.ZipInfo(f"{number}"), b"")
        archive.writestr("last", b"found")
    members = (zipped := Zip(Memory(file.getvalue()))).members
    assert len(members) == 65_537
    assert zipped.read(members["last"]) == b"found"


@pytest.mark.fault(47)
@pytest.mark.parametrize("hole", [(2 << 30) - 3000, 3 << 30, 5 << 30])
@pytest.mark.parametrize("shifted", [False, True])
def test_offsets_beyond_2_and_4_gib(tmp_path: Path, hole: int, shifted: bool) -> None:
    """A zip of many gigabytes is opened and read, whether its offsets count what is in front."""
    path = tmp_path / "large.zip"
    with path.open("wb") as file:  # a hole: no disk is filled
        file.truncate(hole)
        file.seek(0, os.SEEK_END)
        if shifted:
            file.write(_written())
    if not shifted:
        with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
            for name, content in _CONTENTS.items():
                archive.writestr(name, content)
    ours = Zip(Descriptor(str(path)))
    assert {name: ours.read(member) for name, member in ours.members.items()} == _CONTENTS
    assert ours.base == (hole if shifted else 0)


@pytest.mark.parametrize("prefix", [b"", b"#!/bin/sh\n"])
@pytest.mark.parametrize("comment", [b"", b"comment"])
def test_positions_in_the_file(prefix: bytes, comment: bytes) -> None:
    """Base, directory, end and members' bytes are told as they stand in the file."""
    plain = _written(zipfile.ZIP_STORED, comment)
    data = prefix + plain
    archive = Zip(source := Memory(data))
    assert archive.base == len(prefix)
    assert data[archive.directory :].startswith(b"PK\1\2")
    assert find_end(source) == len(data) - 22 - len(comment)
    for name, content in _CONTENTS.items():
        start = archive.start(archive.members[name])
        assert data[start : start + len(content)] == content


@pytest.mark.fault(47)
def test_opening_does_not_read_the_directory() -> None:
    """The cost of opening does not depend on how many members there are."""
    archive = Zip(source := Memory(_written()))
    assert sum(size for _, size in source.reads) <= 200
    before = len(source.reads)
    assert archive.members is archive.members
    assert len(source.reads) == before + 1


@pytest.mark.fault(5)
@pytest.mark.parametrize(
    "data",
    [b"", b"PK", b"PK\5\6", b"PK\5\6" + bytes(17), bytes(100), b"x" * 70_000, b"PK\3\4" * 30],
)
def test_what_is_no_zip(data: bytes) -> None:
    """A file without an end record is no zip, however it begins."""
    assert find_end(Memory(data)) is None
    with pytest.raises(BundleCorrupt, match="not a zip file"):
        Zip(Memory(data))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods_are_refused_by_name(method: int) -> None:
    """Packed other than by deflate: the member is named when it is read, and not before."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("packed.txt", b"text" * 100, compress_type=method)
        archive.writestr("plain.txt", b"text")
    ours = Zip(Memory(file.getvalue()))
    assert ours.read(ours.members["plain.txt"]) == b"text"
    with pytest.raises(
        BundleCorrupt, match=r"'packed.txt' is encrypted or packed by another method"
    ):
        ours.read(ours.members["packed.txt"])


@pytest.mark.parametrize("flags", [0x01, 0x41, 0x40, 0x20])
def test_encrypted_members_are_refused_by_name(flags: int) -> None:
    """Encrypted members, and patches, are refused as the standard library refuses them."""
    data = crafted(Entry(name=b"secret", stored=b"x" * 20, flags=flags))
    refusals: list[Callable[[], object]] = [lambda: contents(data), lambda: stock_contents(data)]
    for read in refusals:
        with pytest.raises((BundleCorrupt, RuntimeError), match=r"(?i)encrypt|patch"):
            read()


def test_a_deflated_member_needs_its_size() -> None:
    """A member that unpacks to what its entry says is read, whatever level packed it."""
    raw = bytes(range(256)) * 100
    data = crafted(Entry(name=b"m", stored=deflate(raw), method=8, raw_size=len(raw)))
    assert contents(data) == {"m": raw}
