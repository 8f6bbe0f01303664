"""Shards: the several listings of a directory of a thousand names or more.

A name is in the one that its hash says, so that it is found by reading two small pieces
(FORMAT.md, "Listings").
"""

from _imp import source_hash

from . import CHECKSUM_KEY
from .listing import INDEX_MAGIC, REF_SIZE, SECTIONS, Listing, decode_ref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from .listing import Ref, View

    class Source(Protocol):
        """Where shards are read from."""

        def part(self, ref: Ref, of: str) -> Listing:
            """Return a checked listing; raises BundleError."""

        def damaged(self, of: str, what: str) -> Exception:
            """Return the error for a listing that is none."""


INDEX_SIZE = len(INDEX_MAGIC) + 8
MOST_SHARDS = 1 << 16
_LOW = (1 << 32) - 1


def shard_of(name: str, count: int) -> int:
    """Return in which of `count` shards a name is."""
    data = name.encode("utf-8", "surrogatepass")  # whoever imports may ask for any text
    return int.from_bytes(source_hash(CHECKSUM_KEY, data)[:4], "little") & count - 1


class ShardedListing(Listing):
    """One directory by the interface of `Listing`; raises BundleCorrupt for a damaged shard.

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

    def flags(self, index: int) -> int:
        """Return the bits of the module at `index` (SOURCE, PACKAGE, ...)."""
        return self._shard(index >> 32).flags(index & _LOW)

    def code(self, variant: int, index: int) -> bytes:
        """Return the encoded reference of the module's code for a variant; EMPTY_REF if none."""
        return self._shard(index >> 32).code(variant, index & _LOW)

    def directory(self, index: int) -> "Ref | None":
        """Return where the listing of the subdirectory at `index` is."""
        return self._shard(index >> 32).directory(index & _LOW)

    def placement(self, index: int) -> "tuple[int, bytes, Ref | None]":
        """Return level, content key (32 bytes) and the listing of files of a placed unit."""
        return self._shard(index >> 32).placement(index & _LOW)

    def file(self, index: int) -> "tuple[int, Ref | None]":
        """Return mode bits and content of the file at `index`."""
        return self._shard(index >> 32).file(index & _LOW)

    def size(self, index: int) -> int:
        """Return the raw size in bytes of the file at `index`."""
        return self._shard(index >> 32).size(index & _LOW)

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


def misplaced(listing: Listing, number: int, count: int) -> str | None:
    """Return a name that is not of that one of `count` shards, None if all are."""
    for section in range(SECTIONS):
        for name in listing.names(section):
            if shard_of(name, count) != number:
                return name
    return None
