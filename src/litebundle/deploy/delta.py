"""How one bundle's file is made from another's: a script of copies, differences and insertions.

Blobs and listings are the anchors: the references tell where they stand in both files, whatever
the container is. Between them lies the container's own (row headers, page numbers, a directory),
which moves with its neighbours; where offsets are written, it differs from the old file's by a few
bytes, and the difference is mostly zeros (Colin Percival, "Naive Differences of Executable Code").
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BufferedReader
from operator import eq
from pathlib import Path

from litebundle.format.listing import Listing, Ref, decode_ref
from litebundle.format.manifest import variants
from litebundle.inspect.bundle import Bundle

COPY, DIFFERENCE, INSERTION = range(3)

_PIECE = 1 << 20
_BLOCK = 512
"""Bytes below which nothing is looked at more closely."""


@dataclass(frozen=True, slots=True)
class Step:
    """The next `size` bytes of the new file: those of the old one from `start`, changed by `data`.

    `data` is empty for a COPY; of a DIFFERENCE it is added byte by byte, an INSERTION is only it.
    """

    kind: int
    start: int
    size: int
    data: bytes = b""


def script(old: Path, new: Path) -> Iterator[Step]:
    """Yield the steps that make the new bundle from the old one; raises BundleError, OSError."""
    with old.open("rb") as source, new.open("rb") as target:
        yield from _joined(_Delta(source, target).steps(_pairs(old, new)))


Pair = tuple[int, int, int]
"""Where the same thing begins in the new file and in the old one, and its size there, in bytes."""


def _pairs(old: Path, new: Path) -> Iterator[Pair]:
    """Yield what both have, by its place in the new file."""
    known, found = dict(_places(old)), dict(_places(new))
    places = ((*found[key], known[key][0]) for key in found.keys() & known.keys())
    end, end_before = new.stat().st_size, old.stat().st_size
    for start, size, before in sorted(places):
        # An offset is a hint: after a VACUUM it leads anywhere, and here compares in vain
        if start + size <= end and before + size <= end_before:
            yield start, before, size
    yield end, end_before, 0  # the ends belong together, too


def _places(path: Path) -> Iterator[tuple[object, tuple[int, int]]]:
    """Yield where in the file each blob (by its content) and each listing (by its path) stands."""
    bundle = Bundle(path)
    base = bundle.archive.container.base
    for number in range(len(bundle.archive.roots)):
        for name, ref, listing in _listings(bundle.at(number)):
            yield (number, name), (base + ref.offset, ref.stored)
            for shard, at in enumerate(listing.shards()):
                if at is not None:
                    yield (number, name, shard), (base + at.offset, at.stored)
            for blob in _blobs(listing):
                yield _place(blob, base)
    for number in range(len(variants(bundle.manifest))):
        for _, stream in bundle.joined(number):
            yield _place(stream, base)


def _place(blob: Ref, base: int) -> tuple[object, tuple[int, int]]:
    key = blob.checksum, blob.raw, blob.encoding, blob.stored
    return key, (base + blob.offset, blob.stored)


def _listings(bundle: Bundle) -> Iterator[tuple[str, Ref, Listing]]:
    """Yield path, reference and content of every listing of a root, placed units' too."""
    archive = bundle.archive
    pending = [("", archive.roots[archive.root].ref)]
    seen = set()
    while pending:
        path, ref = pending.pop()
        if ref.identifier in seen:  # of a placement, or of a file made to hang us
            continue
        seen.add(ref.identifier)
        listing = archive.directory(ref, path)
        yield path, ref, listing
        below = [(name, listing.directory(at)) for name, at in listing.directories.items()]
        placed = [(f":{name}", listing.placement(at)[2]) for name, at in listing.placements.items()]
        pending += [(f"{path}/{name}", ref) for name, ref in (*below, *placed) if ref is not None]


def _blobs(listing: Listing) -> Iterator[Ref]:
    for variant in range(listing.variants):
        for index in listing.modules.values():
            if ref := decode_ref(listing.code(variant, index)):
                yield ref
    for index in listing.files.values():
        if ref := listing.file(index)[1]:
            yield ref


class _Delta:
    """Compares two open files."""

    def __init__(self, old: BufferedReader, new: BufferedReader) -> None:
        self._old = old
        self._new = new

    def steps(self, pairs: Iterable[Pair]) -> Iterator[Step]:
        """Yield the steps, many of which could be one."""
        done, shift = 0, 0
        for start, before, size in pairs:
            if start >= done:
                # What lies between moved with what is before it, or with what is behind it.
                yield from self._stretch(done, start, (shift, before - start))
                shift = before - start
                yield from self._stretch(start, start + size, (shift,))
                done = start + size

    def _stretch(self, start: int, end: int, shifts: tuple[int, ...]) -> Iterator[Step]:
        for at in range(start, end, _PIECE):
            self._new.seek(at)
            new = self._new.read(min(_PIECE, end - at))
            old = [(shift, self._shifted(at + shift, len(new))) for shift in shifts]
            yield from _compared(new, at, old)

    def _shifted(self, start: int, size: int) -> bytes:
        """Return bytes of the old file; nothing where they would reach out of it."""
        if start < 0:
            return b""
        self._old.seek(start)
        data = self._old.read(size)
        return data if len(data) == size else b""


def _compared(new: bytes, at: int, old: Sequence[tuple[int, bytes]]) -> Iterator[Step]:
    """Yield the steps for bytes that stand at an offset, given what might be the same."""
    for shift, data in old:
        if data == new:
            yield Step(COPY, at + shift, len(new))
            return
    if len(new) > _BLOCK:
        half = len(new) // 2
        yield from _compared(new[:half], at, [(shift, data[:half]) for shift, data in old])
        yield from _compared(new[half:], at + half, [(shift, data[half:]) for shift, data in old])
        return
    equal, shift, data = max((sum(map(eq, new, data)), shift, data) for shift, data in old)
    if equal * 2 < len(new):
        yield Step(INSERTION, 0, len(new), new)
    else:
        added = bytes((byte - before) & 0xFF for byte, before in zip(new, data, strict=True))
        yield Step(DIFFERENCE, at + shift, len(new), added)


def _joined(steps: Iterator[Step]) -> Iterator[Step]:
    """Yield the same as fewer steps, none of which carries more than a piece of data."""
    last = Step(COPY, 0, 0)
    for step in steps:
        follows = step.kind == INSERTION or last.start + last.size == step.start
        if step.kind == last.kind and follows and len(last.data) < _PIECE:
            last = Step(last.kind, last.start, last.size + step.size, last.data + step.data)
            continue
        if last.size:
            yield last
        last = step
    if last.size:
        yield last
