"""The listings of a database, which name each other by where SQLite has put them."""

from collections.abc import Iterator

from litebundle.format import checksum
from litebundle.format.listing import Ref
from litebundle.write.content import (
    DIRECTORY,
    PLACEMENT,
    Addresses,
    Blob,
    Content,
    listings,
    sizes,
)

Key = tuple[int, str, str]
"""Of a listing: the number of its root, its kind, and its path."""

Tails = dict[int, tuple[int, int]]
"""Where the last column of rows stands, by row id: its offset, and how much of it is there."""


class Listings:
    """All listings, encoded bottom-up: each names those below it by offset and checksum.

    So they have to have their places before they can be encoded: `sizes` are in bytes.
    """

    def __init__(self, content: Content, blobs: Tails) -> None:
        self._content = content
        self._blobs = blobs
        found = {
            (number, kind, path): size
            for number, root in enumerate(content.roots)
            for kind, path, size in sizes(root)
        }
        # Top-down on disk: what is read first stands first.
        first = [key for run in self._runs() for key in run]
        self.sizes = {key: found[key] for key in dict.fromkeys([*first, *found])}
        self.ids = {key: number for number, key in enumerate(self.sizes, 1)}
        self.offsets: dict[int, tuple[int, int]] = {}
        self._blob_refs: dict[int, bytes] = {}
        self.refs: dict[Key, bytes] = {}

    def encode(self) -> dict[Key, bytes]:
        """Return the listings in the order of their ids, once `offsets` has where they stand."""
        found: dict[Key, bytes] = {}
        for number, root in enumerate(self._content.roots):
            at = Addresses(
                blob=self.blob_ref,
                listing=lambda kind, path, number=number: self.refs[number, kind, path],  # type: ignore[misc]
            )
            for kind, path, data in listings(root, at):
                self._add(found, (number, kind, path), data)
        return {key: found[key] for key in self.ids}

    def first(self) -> Iterator[list[tuple[int, int, int]]]:
        """Yield for each root where those listings are that start-up reads: see `sqlite._parts`."""
        for run in self._runs():
            yield [(*self.offsets[self.ids[key]], self.sizes[key]) for key in run]

    def _runs(self) -> Iterator[list[Key]]:
        for number, root in enumerate(self._content.roots):
            run = [path for path in self._content.first if path in root.directories]
            if run:
                yield [(number, DIRECTORY, path) for path in run]

    def placements(self) -> list[tuple[str, int, bytes, int]]:
        """Return the rows of the table."""
        return [
            (p.unit, p.level, p.key, self.ids[number, PLACEMENT, p.unit])
            for number, root in enumerate(self._content.roots)
            for p in root.placements()
        ]

    def blob_ref(self, blob: Blob) -> bytes:
        """Return the encoded reference to a blob."""
        # Asked twice or more: for the listings (a package's code has two), and for what was written
        ref = self._blob_refs.get(blob.identifier)
        if ref is None:
            ref = blob.ref(*self._blobs[blob.identifier])
            self._blob_refs[blob.identifier] = ref
        return ref

    def _add(self, found: dict[Key, bytes], key: Key, data: bytes) -> None:
        assert len(data) == self.sizes[key]  # noqa: S101  # there is no room for more
        found[key] = data
        identifier = self.ids[key]
        self.refs[key] = Ref(
            identifier=identifier,
            at=self.offsets[identifier],
            sizes=(len(data), len(data)),
            encoding=0,
            checksum=checksum(data),
        ).encode()
