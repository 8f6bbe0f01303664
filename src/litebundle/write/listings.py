"""The listings of a database, which name each other by where SQLite has put them."""

from collections.abc import Iterator

from litebundle.format import checksum
from litebundle.format.listing import Ref
from litebundle.write.content import (
    Addresses,
    Blob,
    Content,
    Root,
    directory_listing,
    directory_size,
    placement_listing,
    placement_size,
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
        # Top-down on disk: what is read first stands first.
        keys = [key for run in self._runs() for key in run]
        for number, root in enumerate(content.roots):
            keys += [(number, "directory", d.path) for d in root.bottom_up()][::-1]
            keys += [(number, "placement", p.unit) for p in root.placements()]
        self.ids = {key: number for number, key in enumerate(dict.fromkeys(keys), 1)}
        self.offsets: dict[int, tuple[int, int]] = {}
        sizes = {
            (number, kind, name): size
            for number, root in enumerate(content.roots)
            for kind, name, size in _sizes(root)
        }
        self.sizes = {key: sizes[key] for key in self.ids}
        self._blob_refs: dict[int, bytes] = {}
        self.refs: dict[Key, bytes] = {}

    def encode(self) -> dict[Key, bytes]:
        """Return the listings in the order of their ids, once `offsets` has where they stand."""
        found: dict[Key, bytes] = {}
        for number, root in enumerate(self._content.roots):
            self._encode(number, root, found)
        return {key: found[key] for key in self.ids}

    def first(self) -> Iterator[list[tuple[int, int, int]]]:
        """Yield for each root where those listings are that start-up reads: see `_parts`."""
        for run in self._runs():
            yield [(*self.offsets[self.ids[key]], self.sizes[key]) for key in run]

    def _runs(self) -> Iterator[list[Key]]:
        for number, root in enumerate(self._content.roots):
            run = [path for path in self._content.first if path in root.directories]
            if run:
                yield [(number, "directory", path) for path in run]

    def placements(self) -> list[tuple[str, int, bytes, int]]:
        """Return the rows of the table."""
        return [
            (p.unit, p.level, p.key, self.ids[number, "placement", p.unit])
            for number, root in enumerate(self._content.roots)
            for p in root.placements()
        ]

    def _encode(self, number: int, root: Root, found: dict[Key, bytes]) -> None:
        variants = len(root.columns)
        at = Addresses(
            blob=self.blob_ref,
            listing=lambda path: self.refs[number, "directory", path],
            placed=lambda unit: self.refs[number, "placement", unit],
        )
        for placement in root.placements():
            data = placement_listing(placement, variants, at)
            self._add(found, (number, "placement", placement.unit), data)
        for directory in root.bottom_up():
            data = directory_listing(directory, variants, at)
            self._add(found, (number, "directory", directory.path), data)

    def blob_ref(self, blob: Blob) -> bytes:
        """Return the encoded reference to a blob."""
        # Often asked: for a package's code twice, and each time the listings are encoded.
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


def _sizes(root: Root) -> Iterator[tuple[str, str, int]]:
    """Yield kind, name and size of every listing of a root."""
    variants = len(root.columns)
    for placement in root.placements():
        yield "placement", placement.unit, placement_size(placement, variants)
    for directory in root.directories.values():
        yield "directory", directory.path, directory_size(directory, variants)
