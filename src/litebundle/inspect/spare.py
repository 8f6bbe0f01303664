"""The bytes of a database that nothing uses: gaps in its pages, free pages, ends of chains.

Numbers in brackets are chapters of https://www.sqlite.org/fileformat2.html, as in pages.py.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from litebundle.errors import BundleCorrupt
from litebundle.inspect.finding import Finding
from litebundle.runtime.pages import INTERIOR, LEAF, Cell, Database, layout, varint

# [1.3] What the header always says, since it is the format's or ours: start, bytes.
_HEADER = (
    (21, b"\x40\x20\x20"),  # payload fractions
    (44, b"\0\0\0\4"),  # schema format
    (48, bytes(8)),  # default cache size, largest root page: neither is set
    (64, bytes(4)),  # incremental vacuum
    (72, bytes(20)),  # reserved
)
# Not among them: at 40 how often the schema was changed, at 96 which SQLite wrote. Nobody asks.


@dataclass(frozen=True, slots=True, kw_only=True)
class Spare:
    """How many bytes nothing uses, `filled` of them not zero; a fresh database has only zeros."""

    size: int
    filled: int


def header(database: Database) -> Iterator[Finding]:
    """Yield what the header says other than every bundle's."""
    page = database.page(1)
    fields = [*_HEADER, (92, page[24:28])]  # [1.3.8] the two change counters agree
    for start, expected in fields:
        found = page[start : start + len(expected)]
        if found != expected:
            yield Finding(
                where=f"header of the database at byte {start}",
                what="not as SQLite writes it",
                expected=expected.hex(),
                found=found.hex(),
            )
    if any(page[32:36]) != any(page[36:40]):  # [1.3.9] first of the free pages, and their number
        yield Finding(where="header of the database at byte 32", what="no list of free pages")


def spare(database: Database) -> Spare:
    """Measure what nothing uses in a database that is otherwise sound; raises BundleCorrupt."""
    try:
        used = _used(database)
        size = filled = 0
        for number in range(1, database.page_count + 1):
            page = database.page(number)
            at = 0
            for start, end in [*sorted(used[number]), (len(page), len(page))]:
                if start > at:
                    size += start - at
                    filled += start - at - page.count(0, at, start)
                at = max(at, end)
    except (IndexError, ValueError) as error:
        raise BundleCorrupt(f"damaged b-tree: {error}") from error
    return Spare(size=size, filled=filled)


def _used(database: Database) -> dict[int, list[tuple[int, int]]]:
    """Return start and end of all that is used, by page."""
    used: dict[int, list[tuple[int, int]]] = defaultdict(list)
    used[1].append((0, 100))
    for number, page, kind, first, cells in tree_pages(database):
        head = first - (8 if kind == LEAF else 12)
        used[number].append((head, first + 2 * len(cells)))
        used[number] += [(at, at + 4) for at, _ in free_blocks(page, number)]
        for position in cells:
            if kind == INTERIOR:
                used[number].append((position, varint(page, position + 4)[1]))
            else:
                _use_row(database, Cell(number, page, position, database.usable), position, used)
    return used


def tree_pages(database: Database) -> Iterator[tuple[int, bytes, int, int, list[int]]]:
    """Yield each page of the tables' trees: its number, bytes and kind, and its pointers [1.6].

    Of these, where the first one stands, and where the cells are. The trees are sound.
    """
    pending = [1, *database.tables.values()]
    while pending:
        number = pending.pop()
        page = database.page(number)
        kind, first, count = layout(page, number)
        cells = [int.from_bytes(page[at : at + 2]) for at in range(first, first + 2 * count, 2)]
        if kind == INTERIOR:
            pending += [int.from_bytes(page[at : at + 4]) for at in (first - 4, *cells)]
        yield number, page, kind, first, cells


def free_blocks(page: bytes, number: int) -> Iterator[tuple[int, int]]:
    """Yield start and size of what a page has in its list of free blocks [1.6].

    Their first four bytes are the list; raises ValueError if it is none.
    """
    head = 100 if number == 1 else 0
    last, at = 0, int.from_bytes(page[head + 1 : head + 3])
    while at:
        following, size = int.from_bytes(page[at : at + 2]), int.from_bytes(page[at + 2 : at + 4])
        if at <= last or size < 4 or at + size > len(page):
            raise ValueError(f"page {number} has free blocks where none can be")
        yield at, size
        last, at = at, following


def _use_row(
    database: Database, cell: Cell, position: int, used: dict[int, list[tuple[int, int]]]
) -> None:  # [1.6] Cell Payload Overflow Pages
    missing = cell.length - cell.local
    end = cell.start + cell.local
    used[cell.number].append((position, max(end + 4 if missing else end, position + 4)))
    number = int.from_bytes(cell.page[end : end + 4])
    while missing > 0:
        here = min(missing, database.usable - 4)
        used[number].append((0, 4 + here))
        missing -= here
        number = int.from_bytes(database.page(number)[:4])
