"""What a bundle claims to hold, held against the size of its file."""

from litebundle.format.listing import Listing, Ref


class Claims:
    """A budget of `size` bytes, the file's: every path stands in it, and every blob once.

    So a bundle that claims more leads to the same bytes by many names, and is none. Without this a
    small file could take the square of its size in time and memory, in listings as in contents.
    Raises ValueError when it is exceeded.
    """

    def __init__(self, size: int) -> None:
        self._left = 2 * size  # of a module or directory the path may count twice

    def directory(self, path: str, listing: Listing) -> None:
        """Take the paths of what is in a directory; its own once more, however empty it is."""
        counts = listing.counts
        self._take(len(path) * (1 + max(counts[0], counts[3])))

    def content(self, ref: Ref | None) -> None:
        """Take the stored bytes of a blob or listing."""
        self._take(0 if ref is None else ref.stored)

    def _take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise ValueError("it claims more than is in the file")
