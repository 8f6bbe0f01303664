"""Listings: all that is known of one directory of the bundle, in one piece of bytes.

A finder serves one directory and reads its listing once (FORMAT.md, "Listings"). Decoding splits
the names and stops there; a record is decoded when it is asked for, so that opening a directory of
2,000 modules costs what opening one of 20 does, give or take the dictionary.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

MAGIC = b"LBls"
REF_SIZE = 32
KEY_SIZE = 32

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
ENCODING_ZSTD = 3  # one Zstandard frame, RFC 8878, with the bundle's dictionary

_COUNTS = 9
_HEADER_SIZE = len(MAGIC) + 4 * _COUNTS

_MANY = 256
"""Names that are worth no dict for an import or two: 5,000 take 0.4 ms, a search 0.01."""
_SEARCHES = 16


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
    number = int.from_bytes
    identifier = number(data[start + 8 : start + 12], "little")
    if not identifier:
        return None
    return Ref(
        identifier=identifier,
        at=(
            number(data[start : start + 8], "little"),
            number(data[start + 22 : start + 24], "little"),
        ),
        sizes=(
            number(data[start + 12 : start + 16], "little"),
            number(data[start + 16 : start + 20], "little"),
        ),
        encoding=number(data[start + 20 : start + 22], "little"),
        checksum=data[start + 24 : start + 32],
    )


EMPTY_REF = bytes(REF_SIZE)


class Listing:
    """One decoded directory: `modules` maps names to indexes, the rest is looked up by name.

    Raises ValueError for bytes that are no listing; the caller knows which file to blame.
    """

    __slots__ = (
        "_codes",
        "_directories",
        "_files",
        "_flags",
        "_lengths",
        "_modules",
        "_placements",
        "_sought",
        "_starts",
        "_texts",
        "data",
        "variants",
    )

    def __init__(self, data: bytes) -> None:
        counts = _header(data)
        self.variants, modules, directories, placements, files = counts[:5]
        sections = [
            (modules, counts[5]),
            (directories, counts[6]),
            (placements, counts[7]),
            (files, counts[8]),
        ]
        starts, position = [], _HEADER_SIZE
        for (count, length), width in zip(sections, _widths(self.variants), strict=True):
            starts.append(position)
            position += length + count * width
        if position != len(data):
            raise ValueError(f"listing of {len(data)} bytes, its header says {position}")
        self._sought = [0, 0]
        self.data = data
        self._starts = starts
        self._lengths = sections
        self._flags = starts[0] + counts[5]
        self._codes = self._flags + modules
        # Here, so that a listing is refused as a whole or not at all.
        self._texts = [self._text(section) for section in range(len(sections))]
        # Split when first asked for: an import needs at most the modules.
        self._modules: dict[str, int] | None = None
        self._directories: dict[str, int] | None = None
        self._placements: dict[str, int] | None = None
        self._files: dict[str, int] | None = None

    def _text(self, section: int) -> str:
        count, length = self._lengths[section]
        start = self._starts[section]
        text = self.data[start : start + length].decode()
        if text.count("\0") != max(count - 1, 0) or (length and not count):
            raise ValueError(f"listing of {count} things with other names than that")
        return text

    def _names(self, section: int) -> dict[str, int]:
        count = self._lengths[section][0]
        return dict(zip(self._texts[section].split("\0"), range(count), strict=False))

    @property
    def counts(self) -> list[int]:
        """How many modules, directories, placements and files there are, equal names included."""
        return [count for count, _ in self._lengths]

    def flags(self, index: int) -> int:
        """Return the bits of the module at `index` (SOURCE, PACKAGE, ...)."""
        return self.data[self._flags + index]

    def code(self, variant: int, index: int) -> bytes:
        """Return the encoded reference of the module's code for a variant; EMPTY_REF if none."""
        start = self._codes + (variant * self._lengths[0][0] + index) * REF_SIZE
        return self.data[start : start + REF_SIZE]

    def columns(self, variant: int | None) -> tuple[bytes, bytes]:
        """Return the flags of all modules, and the encoded references of all their code.

        They are what `flags` and `code` return, one after the other; EMPTY_REF for no variant.
        """
        count = self._lengths[0][0]
        flags = self.data[self._flags : self._flags + count]
        if variant is None:
            return flags, EMPTY_REF * count
        start = self._codes + variant * count * REF_SIZE
        return flags, self.data[start : start + count * REF_SIZE]

    @property
    def modules(self) -> dict[str, int]:
        """Names of the modules, sorted by UTF-8 bytes, with their indexes."""
        if self._modules is None:
            self._modules = self._names(0)
        return self._modules

    def finding(self) -> "Callable[[str], int | None]":
        """Return what looks a module's index up by its name, None for one that is not here."""
        return self.find_module if self._lengths[0][0] > _MANY else self.modules.get

    def find_module(self, name: str) -> int | None:
        """Return the index of a module, None if there is no such one."""
        if self._modules is None and self._searching(0):
            return self._position(0, name)
        return self.modules.get(name)

    def find_directory(self, name: str) -> int | None:
        """Return the index of a subdirectory, None if there is no such one."""
        if self._directories is None and self._searching(1):
            return self._position(1, name)
        return self.directories.get(name)

    def _searching(self, section: int) -> bool:
        # Splitting thousands of names costs as much as some forty searches in their text
        self._sought[section] += 1
        return self._lengths[section][0] > _MANY and self._sought[section] <= _SEARCHES

    def _position(self, section: int, name: str) -> int | None:
        if "\0" in name:
            return None  # else it could be two that stand side by side
        text = f"\0{self._texts[section]}\0"
        at = text.find(f"\0{name}\0")
        return None if at < 0 else text.count("\0", 0, at)

    @property
    def directories(self) -> dict[str, int]:
        """Names of the subdirectories, sorted by UTF-8 bytes, with their indexes."""
        if self._directories is None:
            self._directories = self._names(1)
        return self._directories

    @property
    def placements(self) -> dict[str, int]:
        """Names of the placed units among the modules, with their indexes."""
        if self._placements is None:
            self._placements = self._names(2)
        return self._placements

    @property
    def files(self) -> dict[str, int]:
        """Names of the files, sorted by UTF-8 bytes, with their indexes."""
        if self._files is None:
            self._files = self._names(3)
        return self._files

    def directory(self, index: int) -> Ref | None:
        """Return where the listing of the subdirectory at `index` is."""
        return decode_ref(self.data, self._body(1) + index * REF_SIZE)

    def placement(self, index: int) -> tuple[int, bytes, Ref | None]:
        """Return level, content key (32 bytes) and the listing of files of a placed unit."""
        start = self._body(2) + index * (4 + KEY_SIZE + REF_SIZE)
        level = int.from_bytes(self.data[start : start + 4], "little")
        key = self.data[start + 4 : start + 4 + KEY_SIZE]
        return level, key, decode_ref(self.data, start + 4 + KEY_SIZE)

    def file(self, index: int) -> tuple[int, Ref | None]:
        """Return mode bits and content of the file at `index`."""
        start = self._body(3) + index * (4 + REF_SIZE)
        mode = int.from_bytes(self.data[start : start + 4], "little")
        return mode, decode_ref(self.data, start + 4)

    def mentions(self, text: str) -> bool:
        """Tell whether it is in the names of the files, or across two, without splitting them."""
        return text in self._texts[3]

    def size(self, index: int) -> int:
        """Return the raw size in bytes of the file at `index`, for those who ask for thousands."""
        start = self._body(3) + index * (4 + REF_SIZE) + 4 + 16
        return int.from_bytes(self.data[start : start + 4], "little")

    def _body(self, section: int) -> int:
        return self._starts[section] + self._lengths[section][1]


def _header(data: bytes) -> list[int]:
    if data[: len(MAGIC)] != MAGIC or len(data) < _HEADER_SIZE:
        raise ValueError("not a listing")
    return [
        int.from_bytes(data[start : start + 4], "little")
        for start in range(len(MAGIC), _HEADER_SIZE, 4)
    ]


def encode_listing(
    variants: int,
    modules: dict[str, tuple[int, list[bytes]]],
    directories: dict[str, bytes],
    placements: dict[str, tuple[int, bytes, bytes]],
    files: dict[str, tuple[int, bytes]],
) -> bytes:
    """Encode what `Listing` decodes; every reference is given encoded, EMPTY_REF for none.

    modules: name -> (flags, a reference for each variant); directories: name -> listing;
    placements: name -> (level, key, listing of its files); files: name -> (mode, content).
    """
    sections = [
        _names_and(modules, _module_columns(modules, variants)),
        _names_and(directories, b"".join(directories[name] for name in _sorted(directories))),
        _names_and(
            placements,
            b"".join(
                level.to_bytes(4, "little") + key + ref
                for level, key, ref in (placements[name] for name in _sorted(placements))
            ),
        ),
        _names_and(
            files,
            b"".join(
                mode.to_bytes(4, "little") + ref
                for mode, ref in (files[name] for name in _sorted(files))
            ),
        ),
    ]
    counts = [variants, len(modules), len(directories), len(placements), len(files)]
    counts += [len(names) for names, _ in sections]
    header = MAGIC + b"".join(count.to_bytes(4, "little") for count in counts)
    return header + b"".join(names + body for names, body in sections)


def listing_size(variants: int, *sections: "Collection[str]") -> int:
    """Return the size in bytes of what `encode_listing` makes, given the names in each section."""
    size = _HEADER_SIZE
    for names, width in zip(sections, _widths(variants), strict=True):
        if names:
            size += len("\0".join(names).encode()) + len(names) * width
    return size


def _widths(variants: int) -> tuple[int, int, int, int]:
    """Return how many bytes there are in each section for a name, beside the name."""
    return 1 + variants * REF_SIZE, REF_SIZE, 4 + KEY_SIZE + REF_SIZE, 4 + REF_SIZE


def _sorted(names: "Iterable[str]") -> list[str]:
    return sorted(names, key=str.encode)


def _names_and(section: "Iterable[str]", body: bytes) -> tuple[bytes, bytes]:
    return "\0".join(_sorted(section)).encode(), body


def _module_columns(modules: dict[str, tuple[int, list[bytes]]], variants: int) -> bytes:
    rows = [modules[name] for name in _sorted(modules)]
    columns = [bytes(flags for flags, _ in rows)]
    columns += [codes[variant] for variant in range(variants) for _, codes in rows]
    return b"".join(columns)
