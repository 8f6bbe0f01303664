"""What a program reads as it starts: it comes first in the bundle, in the order of being read."""

from collections.abc import Iterable, Sequence

from litebundle.collect.tree import Entry, Kind
from litebundle.place.ground import is_test


class Startup:
    """Paths in the bundle in the order in which they are read; of a source, its code is meant."""

    def __init__(self, paths: Iterable[str] = ()) -> None:
        self.paths = tuple(dict.fromkeys(paths))
        self._rank = {path: number for number, path in enumerate(self.paths)}

    def __contains__(self, path: object) -> bool:
        return path in self._rank

    def __bool__(self) -> bool:
        return bool(self.paths)

    def first(self, entries: Iterable[Entry], *, code: bool) -> list[Entry]:
        """Return the entries, those that are read at the start before all others.

        Of sources only the `code` is read, of all others only the content. Of the rest, a
        directory's modules are likely to be imported together, and tests not at all.
        """
        last = len(self.paths)

        def rank(entry: Entry) -> int:
            read = (entry.kind is Kind.SOURCE) is code
            return self._rank.get(entry.path, last) if read else last

        if code:
            entries = sorted(entries, key=_neighbours)
        return sorted(entries, key=rank)  # stable: packages stay together

    def directories(self) -> list[str]:
        """Return the directories whose listings are read, each after that above it."""
        found = {"": None} if self.paths else {}
        for path in self.paths:
            parts = path.split("/")[:-1]
            found |= dict.fromkeys("/".join(parts[:end]) for end in range(1, len(parts) + 1))
        return list(found)


def _neighbours(entry: Entry) -> tuple[bool, list[str], str]:
    *directories, name = entry.path.split("/")
    return is_test(entry.path), directories, name


def extent(parts: Sequence[tuple[int, int]], last: int) -> tuple[int, int, int]:
    """Return offset and size of the run that reaches over all parts (start and end), and `last`."""
    start = min(start for start, _ in parts)
    return start, max(end for _, end in parts) - start, last
