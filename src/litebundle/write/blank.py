"""Zeros for what SQLite leaves in pages: where a tree grew, they have old pointers and cells.

Numbers in brackets are chapters of https://www.sqlite.org/fileformat2.html, as in pages.py.
"""

from collections.abc import Iterator
from pathlib import Path

from litebundle.inspect.spare import free_blocks, tree_pages
from litebundle.runtime.descriptor import Descriptor
from litebundle.runtime.pages import Database


def blank(path: Path) -> None:
    """Zero what nothing uses in the trees of a database that nobody has open."""
    database = Database(Descriptor(str(path)))
    with path.open("r+b") as file:
        for start, end in _gaps(database):
            file.seek(start)
            file.write(bytes(end - start))


def _gaps(database: Database) -> Iterator[tuple[int, int]]:
    """Yield start and end in the file of what is not zero and could be."""
    for number, page, _, first, cells in tree_pages(database):
        head = 100 if number == 1 else 0
        content = int.from_bytes(page[head + 5 : head + 7]) or 65536
        before = (number - 1) * database.page_size
        blocks = [(at + 4, at + size) for at, size in free_blocks(page, number)]
        for start, end in [(first + 2 * len(cells), content), *blocks]:
            if page[start:end] != bytes(end - start):
                yield before + start, before + end
