"""Zips for the tests of the reader, and what the standard library reads in them."""

import io
import struct
import zipfile
import zlib
from contextlib import suppress
from dataclasses import dataclass

from litebundle.errors import BundleCorrupt
from litebundle.runtime.zipfile import Zip
from tests.unit.runtime.databases import Memory

FULL = 0xFFFFFFFF  # in a field of 4 bytes: the real number stands in the zip64 extra field


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A member to be written as it is told, true or not; `stored` are the bytes that stand there.

    `stored_size`, `raw_size` and `offset` are what its entry of the directory claims.
    """

    name: bytes
    stored: bytes = b""
    method: int = 0
    flags: int = 0
    stored_size: int | None = None
    raw_size: int | None = None
    offset: int | None = None
    extra: bytes = b""


def deflate(data: bytes) -> bytes:
    """Return raw deflate of the data."""
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(data) + stream.flush()


def crafted(*entries: Entry, tail: bytes = b"") -> bytes:
    """Return a zip of the entries, with `tail` between the directory and the end record."""
    body, directory = b"", b""
    for entry in entries:
        stored = len(entry.stored) if entry.stored_size is None else entry.stored_size
        raw = len(entry.stored) if entry.raw_size is None else entry.raw_size
        common = struct.pack(
            "<HHHHHLLLHH",
            *(20, entry.flags, entry.method, 0, 33, zlib.crc32(entry.stored)),
            *(stored, raw, len(entry.name), len(entry.extra)),
        )
        offset = len(body) if entry.offset is None else entry.offset
        directory += b"PK\1\2\x14\3" + common + struct.pack("<HHHLL", 0, 0, 0, 0, offset)
        directory += entry.name + entry.extra
        body += b"PK\3\4" + common + entry.name + entry.extra + entry.stored
    count = len(entries)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, len(directory), len(body), 0)
    return body + directory + tail + end


def zip64_extra(*numbers: int) -> bytes:
    """Return a zip64 extra field of these numbers: raw size, stored size, offset."""
    return struct.pack(f"<HH{len(numbers)}Q", 1, 8 * len(numbers), *numbers)


def contents(data: bytes) -> dict[str, bytes]:
    """Return all members' contents as our reader reads them."""
    archive = Zip(Memory(data))
    return {name: archive.read(member) for name, member in archive.members.items()}


def stock_contents(data: bytes) -> dict[str, bytes]:
    """Return all members' contents as the standard library reads them."""
    with zipfile.ZipFile(io.BytesIO(data)) as stock:
        return {name: stock.read(name) for name in stock.namelist()}


def read_damaged(data: bytes) -> dict[str, bytes | None] | None:
    """Return the contents, None for what is refused; any error but BundleCorrupt is a failure."""
    found: dict[str, bytes | None] = {}
    try:
        archive = Zip(Memory(data, budget=20 * len(data) + 70_000))
        members = archive.members
    except BundleCorrupt:
        return None
    for name, member in members.items():
        found[name] = None
        with suppress(BundleCorrupt):
            found[name] = archive.read(member)
    return found


def stock_read_damaged(data: bytes) -> dict[str, bytes | None] | None:
    """Return the same as the standard library sees it."""
    found: dict[str, bytes | None] = {}
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except Exception:  # noqa: BLE001  # it has many
        return None
    with archive:
        for name in archive.namelist():
            found[name] = None
            with suppress(Exception):
                found[name] = archive.read(name)
    return found


def assert_agree(data: bytes) -> str:
    """Check that what we and the standard library both read is the same; say what became of it.

    It checks a CRC, which we leave to the checksums of the bundle: so it refuses more.
    """
    ours, stock = read_damaged(data), stock_read_damaged(data)
    if ours is not None and stock is not None:
        # It ends a name at a NUL.
        assert list(dict.fromkeys(name.partition("\0")[0] for name in ours)) == list(stock)
        for name in ours.keys() & stock.keys():
            assert ours[name] == stock[name] or None in (ours[name], stock[name])
    return "refused" if ours is None else "read"
