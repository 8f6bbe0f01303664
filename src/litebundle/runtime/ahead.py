"""Reading ahead: what start-up needs stands in runs (FORMAT.md, "Start-up"), read in large pieces.

On a cold or distant disk each read waits; a few large ones instead of one a module wait less. Not a
hint to the system (`posix_fadvise`): that helps a disk, but not where the call itself is slow.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .descriptor import Descriptor

PIECE = 512 << 10  # bytes: of 1 MiB start-up is no faster, and twice the memory is held


class Run:
    """A part of the file, `start` to `end` in bytes, that is likely to be read as a whole.

    One piece of it is held at a time. What was passed is not read ahead again, so that whatever
    order a program reads in, the pieces are no more bytes than the run; and the last piece goes
    when both ends of the run were given out. Like all here without a lock: threads at once may
    fetch a piece twice, and every store is of one immutable thing.
    """

    __slots__ = ("_ends", "_passed", "_piece", "end", "start")

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self.end = end
        self._passed = start
        self._piece = (0, b"")
        self._ends = 0

    def __repr__(self) -> str:
        return f"<Run {self.start} to {self.end}>"

    def read(self, source: "Descriptor", offset: int, size: int) -> bytes | None:
        """Return `size` bytes from `offset` in the run; None if they are to be read by themselves.

        Raises BundleIOError if the system refuses.
        """
        start, piece = self._piece
        if not start <= offset <= offset + size <= start + len(piece):
            if offset < self._passed or size > PIECE:
                return None
            # A short run at once: a zip has its listings in the order from the bottom up.
            start = self.start if self.end - self.start <= PIECE else offset
            self._passed = stop = min(start + PIECE, self.end)
            piece = source.fetch(start, stop - start)
            self._piece = (start, piece)
        found = piece[offset - start : offset - start + size]
        self._ends |= (offset == self.start) | (offset + size == self.end) << 1
        if self._ends == 3:  # all of it was used: the memory goes back
            self._piece = (0, b"")
        return found


def runs(numbers: "list[tuple[int, int]]", base: int, size: int) -> list[Run]:
    """Return the runs of a manifest, as far as they are inside a file of that size.

    `base` is where the container starts in it; what the numbers say is no more than a hint.
    """
    found = [Run(base + offset, base + offset + length) for offset, length in numbers]
    return [run for run in found if base <= run.start < run.end <= size]
