"""The two containers behind one interface: `base`, `manifest()`, `stored(ref)` and `find(...)`.

The zip's is in `zipfile`, which no database needs.
"""

from ..errors import BundleCorrupt
from ..format import APPLICATION_ID, VERSION
from ..format.listing import ENCODING_DEFLATE, ENCODING_NONE, ENCODING_PYC, Ref
from ..format.manifest import unseal
from .descriptor import stamp_of
from .standard import standard_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from .descriptor import Descriptor
    from .zipfile import ZipContainer

    Unpack = Callable[[bytes, Ref], bytes]


_REBUILD = "copy the file again, or build it again"

_HEAD = 4096
"""Bytes read first: two lines have no more (Linux takes 256 for the first), the mark of a zip has
less, and a database has its header there and how its first page begins."""

BLOBS, LISTINGS, DIGESTS = "blobs", "listings", "digests"

# A zip bundle's manifest is its last member; the member ends in this and the text's length (8
# bytes, little-endian), so that it is found from the end record without reading the directory.
FOOTER_MAGIC = b"litebndl"
FOOTER_SIZE = len(FOOTER_MAGIC) + 8
# The first member, so that a zip of ours is known by its head even where its end is lost.
MARK_MEMBER = ".litebundle/mark"
MANIFEST_MEMBER = ".litebundle/manifest"
MEMBERS_MEMBER = ".litebundle/members"
JOINED_MEMBER = ".litebundle/joined"  # and the numbers of a variant and of the stream
DIGESTS_MEMBER = ".litebundle/digests"  # and a number: written by signing, so in no listing

_BESIDE = 8192  # bytes of a row beside the stored ones: a path is the longest that there is

_EXPANSION = 1032  # deflate's largest: a run of 258 bytes takes 2 bits at least
PYC_HEADER = 16  # bytes before the code (PEP 552)

_zlib: "Any" = None  # loaded with the first bytes that are compressed: it costs 0.4 ms


def open_container(source: "Descriptor") -> "SqliteContainer | ZipContainer | None":
    """Return the container in an open file, None if it is not one of ours (by its magic)."""
    head = source.read(0, _HEAD)
    base = 0
    if head[:2] == b"#!":  # the line by which the file is a program of its own
        base = _behind_prefix(head)
        head = source.read(base, _HEAD)
    if head[:16] == b"SQLite format 3\0":
        if int.from_bytes(head[68:72]) != APPLICATION_ID:
            return None
        _refuse_journal(source.path)
        return SqliteContainer(source, base, head)
    marked = head[30 : 30 + len(MARK_MEMBER)] == MARK_MEMBER.encode()
    if not marked and source.read(max(source.size - 22, 0), 4) != b"PK\5\6":
        return None  # no zip, or none of ours: told without importing a module for it
    from .zipfile import Zip, ZipContainer

    archive = Zip(source)
    footer = source.read(max(archive.directory - FOOTER_SIZE, 0), FOOTER_SIZE)
    if footer[: len(FOOTER_MAGIC)] == FOOTER_MAGIC:
        length = int.from_bytes(footer[len(FOOTER_MAGIC) :], "little")
        return ZipContainer(source, archive, archive.directory - FOOTER_SIZE - length, length)
    # Rewritten by another zip tool, or no bundle: only the directory can tell.
    if MANIFEST_MEMBER in archive.members:
        member = archive.members[MANIFEST_MEMBER]
        return ZipContainer(source, archive, archive.start(member), member.raw - FOOTER_SIZE)
    if marked:
        raise BundleCorrupt("the zip has lost its manifest", file=source.path, hint=_REBUILD)
    return None


def _behind_prefix(text: bytes) -> int:
    """Return where the container starts: behind the first line, or where the second one says."""
    first = text.find(b"\n") + 1
    second = text[first : text.find(b"\n", first)]
    return int(second[2:]) if second[:2] == b"#@" and second[2:].isdigit() else first


def _refuse_journal(path: str) -> None:
    for suffix in ("-journal", "-wal"):
        beside = stamp_of(path + suffix)
        if beside is not None and beside[2]:  # an empty one is what SQLite leaves behind when done
            raise BundleCorrupt(
                "a journal stands beside the database: a change to it was not finished",
                file=path,
                found=path + suffix,
                hint="open the database once with sqlite3 to settle it, or build the bundle again",
            )


class SqliteContainer:
    """A database: blobs are rows. `end` is where it ends in the file, in bytes."""

    name = "sqlite"

    def __init__(self, source: "Descriptor", base: int, head: bytes) -> None:
        from .pages import Database

        self.database = Database(source, base, head)
        self.base = base
        self.end = base + self.database.page_count * self.database.page_size
        self._behind = source.size - self.end

    def manifest(self) -> dict[str, str]:
        """Return the manifest; raises ValueError or BundleCorrupt for damage."""
        version = self.database.user_version
        rows = [(str(key), str(value)) for _, (_, key, value) in self.database.rows("manifest")]
        manifest = unseal(rows) if version == VERSION else {}
        # The launcher behind the database may be gone (VACUUM drops it), but not a part of it
        if 0 < self._behind < int(manifest.get("tail", "0").partition(" ")[0]):
            raise ValueError("the file is cut short")
        return {**manifest, "format": str(version)}

    def stored(self, ref: Ref) -> bytes:
        """Return the bytes to which the hint leads; raises ValueError if it cannot be right."""
        return self.database.tail(ref.offset, ref.local, ref.stored)

    def parts(self, ref: Ref) -> "Iterator[bytes]":
        """Yield what `stored` returns, in parts of some MiB at most."""
        return self.database.parts(ref.offset, ref.local, ref.stored)

    def find(self, table: str, ref: Ref, unpack: "Unpack") -> bytes:
        """Return raw bytes by following the tree; raises ValueError if they are not there."""
        row = self.database.row(table, ref.identifier, ref.stored + _BESIDE)
        data = row[-1] if row else None
        if not isinstance(data, bytes) or len(data) != ref.stored:
            raise ValueError(f"no such row {ref.identifier} in table {table}")
        return unpack(data, ref)


def decode(data: bytes, ref: Ref) -> bytes:
    """Return raw bytes from stored ones; raises ValueError if they do not decode to `ref.raw`."""
    if ref.encoding == ENCODING_DEFLATE:
        return inflate(data, ref.raw)
    if ref.encoding == ENCODING_PYC:
        return inflate(data, PYC_HEADER + ref.raw)[PYC_HEADER:]
    if ref.encoding != ENCODING_NONE:
        raise ValueError(f"unknown encoding {ref.encoding}")
    return data


def inflate(data: bytes, size: int) -> bytes:
    """Undo raw deflate; raises ValueError unless exactly `size` bytes come out, whatever is in."""
    if size > len(data) * _EXPANSION:
        raise ValueError(f"{len(data)} bytes packed cannot be {size} bytes")
    stream = zlib().decompressobj(-15)
    try:
        raw: bytes = stream.decompress(data, size + 1)  # bounded: a bomb ends one byte too far
    except zlib().error as error:
        raise ValueError(str(error)) from error
    if len(raw) != size or not stream.eof:
        raise ValueError(f"decompresses to other than {size} bytes")
    return raw


def zlib() -> "Any":
    """Return the standard library's module, which may be another than an import would get."""
    global _zlib  # noqa: PLW0603  # by threads at once, which does no harm
    if _zlib is None:
        _zlib = standard_module("zlib")
    return _zlib
