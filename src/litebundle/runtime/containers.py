"""The two containers behind one interface: `base`, `manifest()`, `stored(ref)` and `find(...)`."""

from ..errors import BundleCorrupt
from ..format import APPLICATION_ID, VERSION
from ..format.listing import ENCODING_DEFLATE, Ref
from ..format.manifest import parse_lines, unseal
from .descriptor import stamp_of
from .standard import standard_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .descriptor import Descriptor
    from .zipfile import Zip


_REBUILD = "copy the file again, or build it again"

_SHEBANG = 4096  # bytes that the line may have at most; Linux takes 256

BLOBS, LISTINGS, DIGESTS = "blobs", "listings", "digests"

# A zip bundle's manifest is its last member; the member ends in this and the text's length (8
# bytes, little-endian), so that it is found from the end record without reading the directory.
FOOTER_MAGIC = b"litebndl"
FOOTER_SIZE = len(FOOTER_MAGIC) + 8
# The first member, so that a zip of ours is known by its head even where its end is lost.
MARK_MEMBER = ".litebundle/mark"
MANIFEST_MEMBER = ".litebundle/manifest"
MEMBERS_MEMBER = ".litebundle/members"
DIGESTS_MEMBER = ".litebundle/digests"  # and a number: written by signing, so in no listing

_zlib: "Any" = None  # loaded with the first bytes that are compressed: it costs 0.4 ms


def open_container(source: "Descriptor") -> "SqliteContainer | ZipContainer | None":
    """Return the container in an open file, None if it is not one of ours (by its magic)."""
    head = source.read(0, 72)
    base = 0
    if head[:2] == b"#!":  # the line by which the file is a program of its own
        base = source.read(0, _SHEBANG).find(b"\n") + 1
        head = source.read(base, 72)
    if head[:16] == b"SQLite format 3\0":
        if int.from_bytes(head[68:72]) != APPLICATION_ID:
            return None
        _refuse_journal(source.path)
        return SqliteContainer(source, base)
    marked = head[30 : 30 + len(MARK_MEMBER)] == MARK_MEMBER.encode()
    if not marked and source.read(max(source.size - 22, 0), 4) != b"PK\5\6":
        return None  # no zip, or none of ours: told without importing a module for it
    from .zipfile import Zip

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

    def __init__(self, source: "Descriptor", base: int) -> None:
        from .pages import Database

        self.database = Database(source, base)
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

    def find(self, table: str, ref: Ref) -> bytes:
        """Return raw bytes by following the tree; raises ValueError if they are not there."""
        row = self.database.row(table, ref.identifier)
        data = row[-1] if row else None
        if not isinstance(data, bytes):
            raise ValueError(f"no row {ref.identifier} in table {table}")
        return decode(data, ref)


class ZipContainer:
    """A zip: blobs are members, or the last part of one (the code within a `.pyc`)."""

    name = "zip"

    def __init__(self, source: "Descriptor", archive: "Zip", start: int, length: int) -> None:
        self._source = source
        self.archive = archive
        self.base = archive.base
        self._manifest = (start, length)
        self._names: list[str] = []

    def manifest(self) -> dict[str, str]:
        """Return the manifest; raises ValueError or BundleCorrupt for damage."""
        start, length = self._manifest
        if start < 0 or not 0 <= length <= self.archive.directory - start:
            raise ValueError("the footer points outside of the file")
        pairs = parse_lines(self._source.read(start, length))
        version = dict(pairs[:1]).get("format", "")
        return unseal(pairs) if version == str(VERSION) else {"format": version}

    @property
    def names(self) -> list[str]:
        """The names of the members, of which the first has the number 1."""
        members = self.archive.members
        if not self._names and MEMBERS_MEMBER in members:
            self._names = self.archive.read(members[MEMBERS_MEMBER]).decode().split("\0")
        return self._names

    def stored(self, ref: Ref) -> bytes:
        """Return the bytes to which the hint leads; raises ValueError if it cannot be right."""
        if ref.stored > self._source.size:  # a lie, which memory would pay for
            raise ValueError(f"{ref.stored} bytes in a file of {self._source.size}")
        return self._source.read(self.base + ref.offset, ref.stored)

    def find(self, table: str, ref: Ref) -> bytes:
        """Return raw bytes by way of the zip's directory; raises ValueError if not there."""
        try:
            name = (
                f"{DIGESTS_MEMBER}.{ref.identifier}"
                if table == DIGESTS
                else self.names[ref.identifier - 1]  # one numbering for all others
            )
            data = self.archive.read(self.archive.members[name])
        except LookupError:
            raise ValueError(f"no member {ref.identifier}") from None
        return data[len(data) - ref.raw :]


def decode(data: bytes, ref: Ref) -> bytes:
    """Return raw bytes from stored ones; raises ValueError if they do not decode to `ref.raw`."""
    if ref.encoding == ENCODING_DEFLATE:
        return inflate(data, ref.raw)
    if ref.encoding:
        raise ValueError(f"unknown encoding {ref.encoding}")
    return data


def inflate(data: bytes, size: int) -> bytes:
    """Undo raw deflate; raises ValueError unless exactly `size` bytes come out, whatever is in."""
    global _zlib  # noqa: PLW0603  # by threads at once, which does no harm
    if _zlib is None:
        _zlib = standard_module("zlib")
    stream = _zlib.decompressobj(-15)
    try:
        raw: bytes = stream.decompress(data, size + 1)  # bounded: a bomb ends one byte too far
    except _zlib.error as error:
        raise ValueError(str(error)) from error
    if len(raw) != size or not stream.eof:
        raise ValueError(f"decompresses to other than {size} bytes")
    return raw
