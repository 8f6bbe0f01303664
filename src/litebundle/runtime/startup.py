"""What start-up reads, in a few large reads: runs of the file, joined code (FORMAT.md, "Start-up").

On a cold or distant disk each read waits; a few large ones instead of one a module wait less. Not a
hint to the system (`posix_fadvise`): that helps a disk, but not where the call itself is slow.
"""

from marshal import loads

from ..errors import BundleError
from ..format.listing import MOST_JOINED, decode_ref
from ..format.manifest import joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

    from .archive import Archive
    from .descriptor import Descriptor

PIECE = 1 << 20
"""Bytes of a read: of larger ones a distant disk has hardly fewer, and more memory is held."""

_BESIDE = 256 << 10
"""Bytes that are kept of a piece once its neighbour is read."""

_CODE = type((lambda: None).__code__)


class Run:
    """A part of the file, `start` to `end` in bytes, that is likely to be read as a whole.

    What begins at `last` is read last of it: then the memory goes back.

    It is read in pieces, of which one is held, and of the one before the side that is next to it,
    since SQLite fills its pages from the end and has the rest of a long row elsewhere. Each is read
    once, so that whatever order a program reads in, the pieces are no more bytes than the run; what
    is passed, or longer, is read by itself. Like all here without a lock: threads at once may fetch
    a piece twice, and every store is of one immutable thing.
    """

    __slots__ = ("_done", "_fetched", "_held", "end", "last", "start")

    def __init__(self, start: int, end: int, last: int) -> None:
        self.start = start
        self.end = end
        self.last = last
        # Where they begin in the file, and bytes, the last one first
        self._held: tuple[tuple[int, bytes], ...] = ()
        self._fetched: frozenset[int] = frozenset()
        self._done = False

    def __repr__(self) -> str:
        return f"<Run {self.start} to {self.end}>"

    def read(self, source: "Descriptor", offset: int, size: int) -> bytes | None:
        """Return `size` bytes from `offset` in the run; None if they are to be read by themselves.

        Raises BundleIOError if the system refuses.
        """
        if size > PIECE:
            return None
        found = self._part(source, offset, size)
        if found is not None and len(found) < size:
            rest = self._part(source, offset + len(found), size - len(found))
            found = None if rest is None else found + rest
        if offset == self.last and found is not None:
            self._done = True
            self._held = ()
        return found

    def _part(self, source: "Descriptor", offset: int, size: int) -> bytes | None:
        """Return what the piece that has the first of the bytes has of them."""
        part = self._kept(offset, size)
        if part is None:
            self._fetch(source, (offset - self.start) // PIECE)
            part = self._kept(offset, size)
        return part

    def _kept(self, offset: int, size: int) -> bytes | None:
        for begin, piece in self._held:
            if begin <= offset < begin + len(piece):
                return piece[offset - begin : offset - begin + size]
        return None

    def _fetch(self, source: "Descriptor", number: int) -> None:
        if self._done or number in self._fetched:
            return
        self._fetched |= {number}
        begin = self.start + number * PIECE
        # Cut before the next is read: both whole would be a piece more in memory
        self._held = tuple(_beside(begin, *piece) for piece in self._held[:1])
        piece = source.fetch(begin, min(PIECE, self.end - begin))
        self._held = ((begin, piece), *self._held[:1])


def _beside(begin: int, at: int, piece: bytes) -> tuple[int, bytes]:
    """Return the side of the piece that begins at `at` that is next to one beginning at `begin`."""
    if begin < at:
        return at, piece[:_BESIDE]
    return at + max(len(piece) - _BESIDE, 0), piece[-_BESIDE:]


def runs(numbers: "list[tuple[int, int, int]]", base: int, size: int) -> list[Run]:
    """Return the runs of a manifest, as far as they are inside a file of that size.

    `base` is where the container starts in it; what the numbers say is no more than a hint.
    """
    found = [Run(base + at, base + at + length, base + last) for at, length, last in numbers]
    return [run for run in found if base <= run.start < run.end <= size]


class Joined:
    """The joined streams of one variant: each is read once, when the first code of it is wanted.

    Nothing depends on them: what they do not give is read by itself. Raises ValueError if the
    manifest's value is none.
    """

    __slots__ = ("_codes", "_left", "_streams")

    def __init__(self, manifest: "dict[str, str]", variant: int) -> None:
        self._streams = joined(manifest, variant)
        self._left = len(self._streams)
        # By the identifiers of the blobs that have the same, as references have them
        self._codes: dict[bytes, CodeType] = {}

    def __repr__(self) -> str:
        return f"<Joined: {self._left} of {len(self._streams)} streams to be read>"

    def take(self, ref: bytes, archive: "Archive") -> "CodeType | None":
        """Return the code of an encoded reference, once: it is the caller's. None if not here."""
        key = ref[8:12]
        code = self._codes.pop(key, None)
        if code is None and self._left:
            self._read(int.from_bytes(key, "little"), archive)
            code = self._codes.pop(key, None)
        return code

    def _read(self, identifier: int, archive: "Archive") -> None:
        """Read the stream that may have the code of a blob, unless it was read before."""
        number = sum(last < identifier for last, _ in self._streams)
        if number == len(self._streams):
            return
        last, text = self._streams[number]
        if not text:
            return
        # First: of two threads one finds nothing, and reads what it wants by itself
        self._streams[number] = last, ""
        self._left -= 1
        try:
            ref = decode_ref(bytes.fromhex(text))
            if ref is None or ref.raw > MOST_JOINED:
                return
            keys, stream = split(archive.blob(ref))
            codes = loads(stream)
        except (BundleError, EOFError, TypeError, ValueError):  # too deeply nested, on Windows
            return
        if type(codes) is tuple and {_CODE}.issuperset(map(type, codes)):
            self._codes |= zip(keys, codes, strict=False)


def split(data: bytes) -> "tuple[list[bytes], memoryview]":
    """Return the identifiers of what is joined (4 bytes each), and the marshal stream."""
    start = 4 + 4 * min(int.from_bytes(data[:4], "little"), len(data) // 4)
    return [data[at : at + 4] for at in range(4, start, 4)], memoryview(data)[start:]
