"""Listings: all that is known of one directory of the bundle, in one piece of bytes.

A finder serves one directory and reads its listing once (FORMAT.md, "Listings"). Decoding splits
the names and stops there; a record is decoded when it is asked for. What is in one of a thousand
names or more is told by several listings: see `shards`. `encode` is the other direction.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    View = tuple[Callable[[str], int | None], bytes, bytes]

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
