"""Reading ahead: what start-up needs stands in runs (FORMAT.md, "Start-up"), read in large pieces.

On a cold or distant disk each read waits; a few large ones instead of one a module wait less. Not a
hint to the system (`posix_fadvise`): that helps a disk, but not where the call itself is slow.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .descriptor import Descriptor

PIECE = 256 << 10  # bytes: larger ones are no faster to start with, and more memory is held


class Run:
    """A part of the file, `start` to `end` in bytes, that is likely to be read as a whole.

    What begins at `last` is read last of it: then the memory goes back.

    It is read in pieces, of which the last two are held, since SQLite fills its pages from the end
    and has the rest of a long row elsewhere. Each is read once, so that whatever order a program
    reads in, the pieces are no more bytes than the run; what is passed, or longer, is read by
    itself. Like all here without a lock: threads at once may fetch a piece twice, and every store
    is of one immutable thing.
    """

    __slots__ = ("_done", "_fetched", "_held", "end", "last", "start")

    def __init__(self, start: int, end: int, last: int) -> None:
        self.start = start
        self.end = end
        self.last = last
        self._held: tuple[tuple[int, bytes], ...] = ()  # number and bytes, the last one first
        self._fetched: frozenset[int] = frozenset()
        self._done = False

    def __repr__(self) -> str:
        return f"<Run {self.start} to {self.end}>"

    def read(self, source: "Descriptor", offset: int, size: int) -> bytes | None:
        """Return `size` bytes from `offset` in the run; None if they are to be read by themselves.

        Raises BundleIOError if the system refuses.
        """
        number, at = divmod(offset - self.start, PIECE)
        piece = self._piece(source, number)
        if piece is None or at + size > 2 * PIECE:
            return None
        found = piece[at : at + size]
        if at + size > PIECE:
            piece = self._piece(source, number + 1)
            if piece is None:
                return None
            found += piece[: at + size - PIECE]
        if offset == self.last:
            self._done = True
            self._held = ()
        return found

    def _piece(self, source: "Descriptor", number: int) -> bytes | None:
        for known, piece in self._held:
            if known == number:
                return piece
        if self._done or number in self._fetched:
            return None
        self._fetched |= {number}
        start = self.start + number * PIECE
        piece = source.fetch(start, min(PIECE, self.end - start))
        self._held = ((number, piece), *self._held[:1])
        return piece


def runs(numbers: "list[tuple[int, int, int]]", base: int, size: int) -> list[Run]:
    """Return the runs of a manifest, as far as they are inside a file of that size.

    `base` is where the container starts in it; what the numbers say is no more than a hint.
    """
    found = [Run(base + at, base + at + length, base + last) for at, length, last in numbers]
    return [run for run in found if base <= run.start < run.end <= size]
