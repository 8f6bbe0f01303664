"""Listings: all that is known of one directory of the bundle, in one piece of bytes.

A finder serves one directory and reads its listing once (FORMAT.md, "Listings"). Decoding splits
the names and stops there; a record is decoded when it is asked for. What is in a directory of a
thousand names or more is told by several listings, its shards: a name is in the one that its hash
says, so that it is found by reading two small pieces. `encode` is the other direction.
"""

import sys
from _imp import source_hash

from . import CHECKSUM_KEY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    View = tuple[Callable[[str], int | None], bytes, bytes]

    class Source(Protocol):
        """Where shards are read from."""

        def part(self, ref: "Ref", of: str) -> "Listing":
            """Return a checked listing; raises BundleError."""

        def damaged(self, of: str, what: str) -> Exception:
            """Return the error for a listing that is none."""


MAGIC = b"LBls"
INDEX_MAGIC = b"LBix"  # of the index of shards, which takes a listing's place
REF_SIZE = 32
KEY_SIZE = 32
PART_SIZE = REF_SIZE + 4
MOST_JOINED = 8 << 20  # raw bytes of a joined stream, and of all the code in it: read at once
MOST_PARTED = 2 << 20  # raw bytes of a blob that others are parts of: a reader keeps some of them

# What stands behind a module name; several bits may be set, FileFinder's order decides (F4).
SOURCE = 1  # name.py
PACKAGE = 2  # name/__init__.py
DIRECTORY = 4  # the directory name/, a namespace portion if nothing else
BYTECODE = 8  # name.pyc, without cache tag, as SourcelessFileLoader takes it
BYTECODE_PACKAGE = 16  # name/__init__.pyc
EXTENSION = 32  # name.*.so or name.*.pyd; the running interpreter's suffixes decide
EXTENSION_PACKAGE = 64  # name/__init__.*.so
PLACED = 128  # its non-code files are put on disk before it is imported

LEVEL_ALL = 2  # of a placement: its sources are placed too

ENCODING_NONE = 0
ENCODING_DEFLATE = 1  # raw deflate, RFC 1951
ENCODING_PYC = 2  # raw deflate of a .pyc, of which the raw bytes are what is behind its header
ENCODING_ZSTD = 3  # one Zstandard frame, RFC 8878
ENCODING_PART = 4  # a reference to the blob of whose raw bytes it is a part, and where that begins

SECTIONS = 4
"""Modules, directories, placements and files, by these numbers from 0 on."""

INDEX_SIZE = len(INDEX_MAGIC) + 8
MOST_SHARDS = 1 << 16
_LOW = (1 << 32) - 1

_COUNTS = 1 + 2 * SECTIONS
HEADER_SIZE = len(MAGIC) + 4 * _COUNTS
NOTHING = MAGIC + bytes(4 * _COUNTS)
"""The listing of an empty directory."""


class Ref:
    """Where a blob is found: `offset` is a hint, `identifier` the name, `checksum` the proof.

    `offset` is in bytes from the container's start, 0 where it is not known; `local` how many bytes
    stand there before a chain of overflow pages goes on, 0 where the blob is in one piece; `stored`
    and `raw` are sizes in bytes before and after decoding; `checksum` is over the raw bytes.
    """

    __slots__ = ("checksum", "encoding", "identifier", "local", "offset", "raw", "stored")

    def __init__(
        self,
        *,
        identifier: int,
        at: tuple[int, int],
        sizes: tuple[int, int],
        encoding: int,
        checksum: bytes,
    ) -> None:
        self.identifier = identifier
        self.offset, self.local = at
        self.stored, self.raw = sizes
        self.encoding = encoding
        self.checksum = checksum

    def __repr__(self) -> str:
        return f"<Ref {self.identifier} at {self.offset}: {self.stored} of {self.raw} bytes>"

    def encode(self) -> bytes:
        """Return the 32 bytes that `decode_ref` takes; OverflowError if a number is too large."""
        kind = self.encoding | self.local << 16
        if (self.identifier | self.stored | self.raw | kind) >> 32 or self.encoding >> 16:
            raise OverflowError(f"a number does not fit: {self!r}")
        numbers = self.identifier | self.stored << 32 | self.raw << 64 | kind << 96
        return self.offset.to_bytes(8, "little") + numbers.to_bytes(16, "little") + self.checksum


def decode_ref(data: bytes, start: int = 0) -> Ref | None:
    """Decode the reference at `start`; None for the empty one (identifier 0).

    Raises ValueError if the bytes end before it does.
    """
    if len(data) < start + REF_SIZE:
        raise ValueError("a reference is cut short")
    low, high, identifier, stored, raw, kind = _numbers(data[start : start + 24])
    if not identifier:
        return None
    return Ref(
        identifier=identifier,
        at=(low | high << 32, kind >> 16),
        sizes=(stored, raw),
        encoding=kind & 0xFFFF,
        checksum=data[start + 24 : start + 32],
    )


EMPTY_REF = bytes(REF_SIZE)


class Listing:
    """One decoded directory: `modules` maps names to indexes, the rest is looked up by name.

    Raises ValueError for bytes that are no listing; the caller knows which file to blame.
    """

    sharded = False

    __slots__ = ("_bodies", "_codes", "_counts", "_flags", "_known", "_texts", "data", "variants")

    def __init__(self, data: bytes) -> None:
        numbers = _header(data)
        self.variants = numbers[0]
        self._counts = counts = numbers[1 : 1 + SECTIONS]
        lengths = numbers[1 + SECTIONS :]
        names, bodies, position = [], [], HEADER_SIZE
        for count, length, width in zip(counts, lengths, widths(self.variants), strict=True):
            body = position + length
            names.append(data[position:body])
            bodies.append(body)
            position = body + count * width
        if position != len(data):
            raise ValueError(f"listing of {len(data)} bytes, its header says {position}")
        self.data = data
        self._bodies = bodies
        self._flags = bodies[0]
        self._codes = bodies[0] + counts[0]
        # Here, so that a listing is refused as a whole or not at all.
        self._texts = [*map(_text, names, counts)]
        # Split when first asked for: an import needs at most the modules.
        self._known: list[dict[str, int] | None] = [None] * SECTIONS

    def _names(self, section: int) -> dict[str, int]:
        count = self._counts[section]
        return dict(zip(self._texts[section].split("\0"), range(count), strict=False))

    @property
    def counts(self) -> list[int]:
        """How many modules, directories, placements and files there are, equal names included."""
        return [*self._counts]

    def shards(self) -> list[Ref | None]:
        """Return where the parts of it stand that have listings of their own."""
        return []

    def flags(self, index: int) -> int:
        """Return the bits of the module at `index` (SOURCE, PACKAGE, ...)."""
        return self.data[self._flags + index]

    def code(self, variant: int, index: int) -> bytes:
        """Return the encoded reference of the module's code for a variant; EMPTY_REF if none."""
        start = self._codes + (variant * self._counts[0] + index) * REF_SIZE
        return self.data[start : start + REF_SIZE]

    def view(self, name: str, variant: int | None) -> "View":
        """Return what there is of the modules among which that one is, if it is anywhere.

        That is what looks an index up by a name, None for one that is not there; the flags of all;
        and the encoded references of all their code, EMPTY_REF for no variant.
        """
        del name  # here all are
        count = self._counts[0]
        flags = self.data[self._flags : self._flags + count]
        if variant is None:
            return self.modules.get, flags, EMPTY_REF * count
        start = self._codes + variant * count * REF_SIZE
        return self.modules.get, flags, self.data[start : start + count * REF_SIZE]

    def names(self, section: int) -> dict[str, int]:
        """Return names and indexes of a section, by its number."""
        found = self._known[section]
        if found is None:
            found = self._known[section] = self._names(section)
        return found

    @property
    def modules(self) -> dict[str, int]:
        """Names of the modules, sorted by UTF-8 bytes, with their indexes."""
        return self.names(0)

    @property
    def directories(self) -> dict[str, int]:
        """Names of the subdirectories, sorted by UTF-8 bytes, with their indexes."""
        return self.names(1)

    @property
    def placements(self) -> dict[str, int]:
        """Names of the placed units among the modules, with their indexes."""
        return self.names(2)

    @property
    def files(self) -> dict[str, int]:
        """Names of the files, sorted by UTF-8 bytes, with their indexes."""
        return self.names(3)

    def find_module(self, name: str) -> int | None:
        """Return the index of a module, None if there is no such one."""
        return self._find(0, name)

    def find_directory(self, name: str) -> int | None:
        """Return the index of a subdirectory, None if there is no such one."""
        return self._find(1, name)

    def find_placement(self, name: str) -> int | None:
        """Return the index of a placed unit, None if there is no such one."""
        return self._find(2, name)

    def find_file(self, name: str) -> int | None:
        """Return the index of a file, None if there is no such one."""
        return self._find(3, name)

    def _find(self, section: int, name: str) -> int | None:
        return self.names(section).get(name)

    def directory(self, index: int) -> Ref | None:
        """Return where the listing of the subdirectory at `index` is."""
        return decode_ref(self.data, self._bodies[1] + index * REF_SIZE)

    def placement(self, index: int) -> tuple[int, bytes, Ref | None]:
        """Return level, content key (32 bytes) and the listing of files of a placed unit."""
        start = self._bodies[2] + index * (4 + KEY_SIZE + REF_SIZE)
        level = int.from_bytes(self.data[start : start + 4], "little")
        key = self.data[start + 4 : start + 4 + KEY_SIZE]
        return level, key, decode_ref(self.data, start + 4 + KEY_SIZE)

    def file(self, index: int) -> tuple[int, Ref | None]:
        """Return mode bits and content of the file at `index`."""
        start = self._bodies[3] + index * (4 + REF_SIZE)
        mode = int.from_bytes(self.data[start : start + 4], "little")
        return mode, decode_ref(self.data, start + 4)

    def mentions(self, text: str) -> bool:
        """Tell whether it is in the names of the files, or across two, without splitting them."""
        return text in self._texts[3]

    def size(self, index: int) -> int:
        """Return the raw size in bytes of the file at `index`, for those who ask for thousands."""
        start = self._bodies[3] + index * (4 + REF_SIZE) + 4 + 16
        return int.from_bytes(self.data[start : start + 4], "little")


class ShardedListing(Listing):
    """One large directory by the interface of `Listing`; raises BundleCorrupt for a damaged shard.

    An index has the number of the shard above its 32 bits. Whoever asks for all names reads all
    shards.
    """

    sharded = True

    __slots__ = ("_count", "_directory", "_shards", "_source", "_unchecked", "_views")

    def __init__(self, data: bytes, source: "Source", directory: str) -> None:
        start = len(INDEX_MAGIC)
        self.variants = int.from_bytes(data[start : start + 4], "little")
        self._count = count = int.from_bytes(data[start + 4 : INDEX_SIZE], "little")
        if data[:start] != INDEX_MAGIC or len(data) != INDEX_SIZE + count * REF_SIZE:
            raise ValueError(f"index of {len(data)} bytes, its header says {count} shards")
        if not 1 < count <= MOST_SHARDS or count & count - 1:
            raise ValueError(f"index of {count} shards")
        self.data = data
        self._source = source  # a cycle, which the collector finds: such bundles are few
        self._directory = directory
        self._shards: dict[int, Listing] = {}
        self._views: dict[tuple[int, int | None], View] = {}
        self._known = [None] * SECTIONS
        self._unchecked = True

    def _shard(self, number: int) -> Listing:
        shard = self._shards.get(number)
        if shard is None:
            ref = decode_ref(self.data, INDEX_SIZE + number * REF_SIZE)
            if ref is None:
                raise self._source.damaged(self._directory, f"shard {number} is missing")
            shard = self._shards[number] = self._source.part(ref, self._directory)
        return shard

    def _find(self, section: int, name: str) -> int | None:
        number = shard_of(name, self._count)
        index = self._shard(number).names(section).get(name)
        return None if index is None else number << 32 | index

    def view(self, name: str, variant: int | None) -> "View":
        """Return what there is of the modules among which that one is, if it is anywhere."""
        key = shard_of(name, self._count), variant
        view = self._views.get(key)
        if view is None:
            view = self._views[key] = self._shard(key[0]).view(name, variant)
        return view

    def _told(method: "Callable[..., Any]") -> "Callable[..., Any]":  # type: ignore[misc]  # noqa: N805
        """Return a method that tells what a shard's does of an index, the last argument."""

        def tell(self: "ShardedListing", *arguments: int) -> "Any":
            *others, index = arguments
            return method(self._shard(index >> 32), *others, index & _LOW)

        return tell

    flags = _told(Listing.flags)
    code = _told(Listing.code)
    directory = _told(Listing.directory)
    placement = _told(Listing.placement)
    file = _told(Listing.file)
    size = _told(Listing.size)

    def mentions(self, text: str) -> bool:
        """Tell whether it is in the names of the files, or across two, without splitting them."""
        return any(shard.mentions(text) for shard in self._all())

    def shards(self) -> "list[Ref | None]":
        """Return where the shards are."""
        return [decode_ref(self.data, at) for at in range(INDEX_SIZE, len(self.data), REF_SIZE)]

    @property
    def counts(self) -> list[int]:
        """How many modules, directories, placements and files there are, equal names included."""
        return [sum(each) for each in zip(*(s.counts for s in self._all()), strict=True)]

    def _names(self, section: int) -> dict[str, int]:
        found = {
            name: number << 32 | index
            for number, shard in enumerate(self._all())
            for name, index in shard.names(section).items()
        }
        return {name: found[name] for name in sorted(found)}

    def _all(self) -> list[Listing]:
        found = []
        for number in range(self._count):
            shard = self._shard(number)
            name = misplaced(shard, number, self._count) if self._unchecked else None
            if name is not None:  # it would be found by who lists all, and by nobody else
                what = f"{name!r} is in shard {number}"
                raise self._source.damaged(self._directory, what)
            found.append(shard)
        self._unchecked = False
        return found


def shard_of(name: str, count: int) -> int:
    """Return in which of `count` shards a name is."""
    data = name.encode("utf-8", "surrogatepass")  # whoever imports may ask for any text
    return int.from_bytes(source_hash(CHECKSUM_KEY, data)[:4], "little") & count - 1


def misplaced(listing: Listing, number: int, count: int) -> str | None:
    """Return a name that is not of that one of `count` shards, None if all are."""
    for section in range(SECTIONS):
        for name in listing.names(section):
            if shard_of(name, count) != number:
                return name
    return None


def _header(data: bytes) -> list[int]:
    if data[: len(MAGIC)] != MAGIC or len(data) < HEADER_SIZE:
        raise ValueError("not a listing")
    return _numbers(data[len(MAGIC) : HEADER_SIZE])


def _numbers(data: bytes) -> list[int]:
    """Return little-endian numbers of 4 bytes each; `struct` would be two modules more."""
    if sys.byteorder == "little":
        return memoryview(data).cast("I").tolist()
    return memoryview(data[::-1]).cast("I").tolist()[::-1]


def _text(names: bytes, count: int) -> str:
    text = names.decode()
    if text.count("\0") != max(count - 1, 0) or (text and not count):
        raise ValueError(f"listing of {count} things with other names than that")
    return text


def widths(variants: int) -> tuple[int, int, int, int]:
    """Return how many bytes there are in each section for a name, beside the name."""
    return 1 + variants * REF_SIZE, REF_SIZE, 4 + KEY_SIZE + REF_SIZE, 4 + REF_SIZE
