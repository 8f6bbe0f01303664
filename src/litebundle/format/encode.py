"""Encoding what `listing` decodes."""

from .listing import HEADER_SIZE, INDEX_MAGIC, INDEX_SIZE, MAGIC, MOST_SHARDS, REF_SIZE, widths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

SHARD = "shard."
"""Kind of a shard in the table of listings, with its number behind."""

_WHOLE = 1024  # things that one listing tells of, some 40 kB; of more there are shards
_FULL = 256  # things in a shard at most, on average


def shards_of(things: int) -> int:
    """Return how many shards a directory of so many things has: a power of two, 0 for none."""
    if things <= _WHOLE:
        return 0
    return min(1 << ((things - 1) // _FULL).bit_length(), MOST_SHARDS)


def encode_index(variants: int, refs: "Sequence[bytes]") -> bytes:
    """Encode the index of shards whose listings have these references, which are encoded."""
    numbers = variants.to_bytes(4, "little") + len(refs).to_bytes(4, "little")
    return INDEX_MAGIC + numbers + b"".join(refs)


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
    # By code points, which is by the bytes of UTF-8
    sections = [sorted(names) for names in (modules, directories, placements, files)]
    rows = [modules[name] for name in sections[0]]
    placed = [placements[name] for name in sections[2]]
    stored = [files[name] for name in sections[3]]
    bodies = [
        [bytes([flags for flags, _ in rows])]
        + [codes[variant] for variant in range(variants) for _, codes in rows],
        [directories[name] for name in sections[1]],
        [level.to_bytes(4, "little") + key + ref for level, key, ref in placed],
        [mode.to_bytes(4, "little") + ref for mode, ref in stored],
    ]
    texts = ["\0".join(names).encode() for names in sections]
    counts = [variants, *map(len, sections), *map(len, texts)]
    pieces = [MAGIC, *(count.to_bytes(4, "little") for count in counts)]
    for text, body in zip(texts, bodies, strict=True):
        pieces += (text, *body)
    return b"".join(pieces)


def index_size(shards: int) -> int:
    """Return the size in bytes of what `encode_index` makes."""
    return INDEX_SIZE + shards * REF_SIZE


def listing_size(variants: int, *sections: "Collection[str]") -> int:
    """Return the size in bytes of what `encode_listing` makes, given the names in each section."""
    size = HEADER_SIZE
    for names, width in zip(sections, widths(variants), strict=True):
        if names:
            size += len("\0".join(names).encode()) + len(names) * width
    return size
