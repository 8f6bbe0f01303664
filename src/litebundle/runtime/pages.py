"""The SQLite file format, read-only: the table b-trees of https://www.sqlite.org/fileformat2.html.

Chapters in brackets are that page's. Read are rowid tables of UTF-8 databases in rollback-journal
mode, of any page size, with reserved bytes, freelist and overflow pages; the rest is refused by
name. No locks and no engine: a bundle is written once and renamed into place.
"""

import sys

from ..errors import BundleCorrupt
from .descriptor import PART

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .descriptor import Descriptor

    Value = int | float | str | bytes | None

MAGIC = b"SQLite format 3\0"

LEAF, INTERIOR = 13, 5
_DEPTH = 20  # SQLite's own limit (BTCURSOR_MAX_DEPTH): a deeper tree is a cycle
_CACHE_BYTES = 1 << 20
_SHORT = 256  # pages
_HEAD = 4096  # bytes of a page that are read by themselves
_LAST_BYTES = bytes(range(256)) * 2  # of consecutive page numbers


class Cell:
    """A row where it stands: `local` bytes of its payload from `start` of a page, then a chain.

    Of the page, `gap` bytes in front of all cells are left out.
    """

    __slots__ = ("gap", "length", "local", "number", "page", "rowid", "start")

    def __init__(self, number: int, page: bytes, position: int, usable: int, gap: int = 0) -> None:
        # [1.6] Table B-Tree Leaf Cell: length of payload, rowid, payload, first overflow page
        self.number = number
        self.page = page
        self.gap = gap
        self.length, position = varint(page, position - gap)
        rowid, self.start = varint(page, position)
        self.rowid = rowid - (1 << 64) if rowid >> 63 else rowid
        self.local = _local(self.length, usable)
        if self.start + self.local > usable - gap:
            raise ValueError("a cell reaches past its page")


class Database:
    """A database that starts `base` bytes into a file; raises BundleCorrupt if it is none.

    `head` are its first 100 bytes or more, if they were read already.
    `usable` is the size of pages without what is reserved at their ends, in bytes. Reading raises
    BundleCorrupt for damage, BundleIOError for what the system refuses.
    """

    __slots__ = (
        "_heads",
        "_pages",
        "_roots",
        "_source",
        "application_id",
        "base",
        "page_count",
        "page_size",
        "usable",
        "user_version",
    )

    def __init__(self, source: "Descriptor", base: int = 0, head: bytes | None = None) -> None:
        self._source = source
        self.base = base
        self._pages: dict[int, bytes] = {}
        self._roots: dict[str, int] = {}
        head = source.read(base, 100) if head is None else head
        self._read_header(head[:100])
        self._heads = {1: head}  # how pages begin that were read with others

    def _read_header(self, header: bytes) -> None:  # [1.3] The Database Header
        if len(header) < 100 or header[:16] != MAGIC:
            raise self._corrupt("not an SQLite database", offset=0)
        if header[18:20] != b"\1\1":  # [1.3.3]
            raise self._corrupt(
                "the database is in WAL mode",
                offset=18,
                hint="run `PRAGMA journal_mode=DELETE` on it, or build it again",
            )
        if header[56:60] != b"\0\0\0\1":  # [1.3.13]
            raise self._corrupt("the database's text is not UTF-8", offset=56)
        size = int.from_bytes(header[16:18])
        self.page_size = 65536 if size == 1 else size  # [1.3.2]
        self.usable = self.page_size - header[20]  # [1.3.4]
        if self.page_size & self.page_size - 1 or self.page_size < 512 or self.usable < 480:
            raise self._corrupt("impossible page size", offset=16, found=size)
        self.user_version = int.from_bytes(header[60:64])
        self.application_id = int.from_bytes(header[68:72])
        present = (self._source.size - self.base) // self.page_size
        # [1.3.7] The count is valid only where the two change counters agree.
        counted = int.from_bytes(header[28:32]) if header[24:28] == header[92:96] else 0
        self.page_count = counted or present
        if self.page_count > present:
            raise self._corrupt(
                "the file is cut short",
                expected=f"{self.page_count} pages",
                found=f"{present} pages",
                hint="copy it again",
            )

    @property
    def tables(self) -> dict[str, int]:
        """Root pages by the names of the tables."""
        for name, root in self._named():
            self._roots.setdefault(name, root)
        return self._roots

    def row(self, table: str, rowid: int, longest: int = sys.maxsize) -> "list[Value] | None":
        """Return the values of one row, None if there is none; INTEGER PRIMARY KEY reads None.

        A row of more than `longest` bytes is damage.
        """
        try:
            cell = self._seek(self._root(table), rowid)
            if cell is not None and cell.length > longest:
                raise ValueError(f"a row of {cell.length} bytes")
            return None if cell is None else _record(self._payload(cell))
        except (IndexError, ValueError) as error:
            raise self._corrupt(f"damaged table {table}: {error}") from error

    def rows(self, table: str) -> "Iterator[tuple[int, list[Value]]]":
        """Yield (rowid, values) of a table in the order of the rowids."""
        return self._rows(self._root(table))

    def tails(self, table: str) -> "Iterator[tuple[int, int, int]]":
        """Yield (rowid, offset, local) of the last column of each row, as `tail` takes them.

        The offset is 0 where the column begins on an overflow page. What stands there is for a
        checksum to tell, since the next change to the database may move it.
        """
        root = self._root(table)
        try:
            for cell in self._cells(root):
                last = _last_size(cell)
                missing = cell.length - cell.local
                local = last - missing
                end = (cell.number - 1) * self.page_size + cell.gap + cell.start + cell.local
                if local > 0 or not missing:
                    yield cell.rowid, end - local, local if missing else 0
                else:
                    yield cell.rowid, 0, 0
        except (IndexError, ValueError) as error:
            raise self._corrupt(f"damaged b-tree at page {root}: {error}") from error

    def tail(self, offset: int, local: int, size: int) -> bytes:
        """Return the last column of a row from where `tails` found it: `size` bytes.

        `offset` is in bytes from the database's start; `local` bytes stand there, and overflow
        pages have the rest; with `local` 0 all of them stand there. Raises ValueError if they
        cannot be had there, BundleIOError if the system refuses to read.
        """
        missing = self._missing(offset, local, size)
        if size <= PART and not missing:
            return self._source.read(self.base + offset, size)  # as nearly all are
        if size <= PART:
            data = memoryview(self._source.read(self.base + offset, local + 4))
            run = self._run(int.from_bytes(data[local:]), missing)
            if run is not None:
                return b"".join([data[:local], *run])
        return b"".join(self.parts(offset, local, size))

    def parts(self, offset: int, local: int, size: int) -> "Iterator[bytes]":
        """Yield what `tail` returns, in parts of some MiB at most; raises as it does."""
        missing = self._missing(offset, local, size)
        if not missing:
            yield from self._source.parts(self.base + offset, size)
            return
        data = self._source.read(self.base + offset, local + 4)
        yield data[:local]
        first = int.from_bytes(data[local:])
        run = self._run(first, missing)
        if run is None:
            yield from self._chain(first, missing)
        else:
            yield b"".join(run)

    def _missing(self, offset: int, local: int, size: int) -> int:
        """Return how many bytes overflow pages have of a column; ValueError if it cannot be."""
        missing = size - local if local else 0
        end = self.page_count * self.page_size
        if missing < 0 or max(size, offset) > end:  # a lie, which memory pays for
            raise ValueError(f"{size} bytes at {offset}, {local} of them in place")
        return missing

    def _root(self, table: str) -> int:
        if table not in self._roots:
            for name, root in self._named():
                self._roots.setdefault(name, root)
                if name == table:  # the manifest, the first one, is mostly all that is asked for
                    return root
            raise self._corrupt(f"the database has no table {table}")
        return self._roots[table]

    def _named(self) -> "Iterator[tuple[str, int]]":
        for _, (kind, name, _, root, _) in self.schema():
            if kind == "table" and isinstance(root, int):
                yield str(name), root

    def schema(self) -> "Iterator[tuple[int, list[Value]]]":
        """Yield (rowid, [type, name, table, root page, SQL]) of the schema table [2.6]."""
        for rowid, values in self._rows(1):
            if len(values) != 5:
                raise self._corrupt(f"damaged schema: a row of {len(values)} columns")
            yield rowid, values

    def _rows(self, root: int) -> "Iterator[tuple[int, list[Value]]]":
        # Rows do not share bytes: many that claim to be large ones are cut short.
        left = self.page_count * self.page_size
        try:
            for cell in self._cells(root):
                left -= cell.length
                if left < 0:
                    raise ValueError("more in its rows than in the file")
                yield cell.rowid, _record(self._payload(cell))
        except (IndexError, ValueError) as error:
            raise self._corrupt(f"damaged b-tree at page {root}: {error}") from error

    def _cells(self, root: int) -> "Iterator[Cell]":
        seen: set[int] = set()
        pending = [root]
        while pending:
            number = pending.pop()
            if number in seen:
                raise ValueError(f"page {number} is in the tree twice")
            seen.add(number)
            page, gap = self._sparse(number) if number == root else (self.page(number), 0)
            kind, first, count = layout(page, number)
            pointers = _pointers(page, first, count)
            if kind == LEAF:
                for position in pointers:
                    yield Cell(number, page, position, self.usable, gap)
            else:  # right to left, since the last one pushed is the next one read
                right = 108 if number == 1 else 8
                pending.append(int.from_bytes(page[right : right + 4]))
                cells = [position - gap for position in reversed(pointers)]
                pending += [int.from_bytes(page[at : at + 4]) for at in cells]
                if len(pending) > self.page_count:
                    raise ValueError("more pages in the tree than in the file")

    def _seek(self, root: int, rowid: int) -> Cell | None:  # [1.6] keys of interior cells
        number = root
        for _ in range(_DEPTH):
            page = self.page(number)
            kind, first, count = layout(page, number)
            low, high = 0, count
            skip = 4 if kind == INTERIOR else 0
            while low < high:
                middle = (low + high) // 2
                at = first + 2 * middle
                if _key(page, int.from_bytes(page[at : at + 2]), skip) < rowid:
                    low = middle + 1
                else:
                    high = middle
            at = first + 2 * low
            position = int.from_bytes(page[at : at + 2]) if low < count else 0
            if kind == LEAF:
                cell = Cell(number, page, position, self.usable) if position else None
                return cell if cell is not None and cell.rowid == rowid else None
            at = position or (108 if number == 1 else 8)  # past the last key: the right-most child
            number = int.from_bytes(page[at : at + 4])
        raise ValueError(f"deeper than {_DEPTH} pages")

    def _payload(self, cell: Cell) -> bytes:  # [1.6] Cell Payload Overflow Pages
        local = cell.page[cell.start : cell.start + cell.local]
        missing = cell.length - cell.local
        if not missing:
            return local
        if missing > self.page_count * self.page_size:
            raise ValueError(f"a row of {cell.length} bytes")
        end = cell.start + cell.local
        first = int.from_bytes(cell.page[end : end + 4])
        return local + b"".join(self._chain(first, missing))

    def _chain(self, first: int, missing: int) -> "Iterator[bytes]":
        # A fresh database has its chains in one run: read as if, and believe the pointers. Where
        # they lead elsewhere, guess anew from one page on, so that no chain costs its square.
        room = self.usable - 4
        number = first
        ahead = self.page_count
        while missing > 0:
            most = min(ahead, max(PART // self.page_size, 1))
            wanted = min(-(-missing // room), most, self.page_count - number + 1)
            if number < 1 or wanted < 1:
                raise ValueError(f"an overflow chain leads to page {number}")
            # Of the last page no more than is missing: it may be a large one, mostly empty.
            tail = min(room, missing - (wanted - 1) * room) + 4
            run = self._read(number, (wanted - 1) * self.page_size + tail)
            ahead = 2 * wanted
            for start in range(0, wanted * self.page_size, self.page_size):
                yield run[start + 4 : start + 4 + min(room, missing)]
                missing -= room
                follower = int.from_bytes(run[start : start + 4])
                number += 1
                if follower != number:
                    ahead = 1
                    break
            number = follower

    def _run(self, first: int, missing: int) -> "list[memoryview] | None":
        """Return what a short chain has whose pages follow each other, None if they do not.

        Of the pointers only the last byte is looked at: whoever has an offset has a checksum.
        """
        size = self.page_size
        more = (missing - 1) // (size - 4)  # pages behind the first
        if more >= _SHORT or missing > PART or self.usable != size:
            return None
        if not 1 <= first <= self.page_count - more:
            return None
        run = self._read(first, missing + 4 * (more + 1))
        start = first + 1 & 0xFF
        if run[3 : more * size : size] != _LAST_BYTES[start : start + more]:
            return None
        view = memoryview(run)
        return [view[at + 4 : at + size] for at in range(0, len(run), size)]

    def page(self, number: int) -> bytes:
        """Return a page, from 1; raises ValueError if there is none of that number."""
        page = self._pages.get(number)
        if page is None:
            page = self._heads.get(number, b"")[: self.page_size]
            if len(page) < self.page_size:
                page = self._read(number, self.page_size)
            if len(self._pages) >= _CACHE_BYTES // self.page_size:
                self._pages = {}  # one store: no lock, and no half-emptied dict for other threads
            self._pages[number] = page
        return page

    def _sparse(self, number: int) -> tuple[bytes, int]:
        """Return a page without what is free in its middle, and of how many bytes that is.

        Schema and manifest are a few KiB of pages of 64, whose reading takes longer than theirs.
        """
        if self.page_size <= 2 * _HEAD or number in self._pages:
            return self.page(number), 0
        head = self._heads.get(number, b"")
        if len(head) < _HEAD:
            head = self._read(number, _HEAD)
        start = 100 if number == 1 else 0
        first = start + (8 if head[start] == LEAF else 12)
        count = int.from_bytes(head[start + 3 : start + 5])
        least = self.page_size
        if first + 2 * count <= _HEAD:
            least = min(_pointers(head, first, count), default=least)
        if not count or least <= _HEAD or least >= self.page_size:
            return self.page(number), 0
        size = self.page_size - least
        # Behind the schema's stands the manifest's: one read less
        more = _HEAD if number == 1 < self.page_count else 0
        rest = self._source.read(self.base + number * self.page_size - size, size + more)
        if len(rest) < size:
            raise ValueError(f"page {number} ends early")
        self._heads = {2: rest[size:]}
        return head + rest[:size], least - _HEAD

    def _read(self, number: int, size: int) -> bytes:
        if not 1 <= number <= self.page_count:
            raise ValueError(f"there is no page {number}")
        data = self._source.read(self.base + (number - 1) * self.page_size, size)
        if len(data) != size:
            raise ValueError(f"page {number} ends early")
        return data

    def _corrupt(
        self, message: str, hint: str = "copy the file again, or build it again", **fields: "Any"
    ) -> BundleCorrupt:
        return BundleCorrupt(message, file=self._source.path, hint=hint, **fields)


def layout(page: bytes, number: int) -> tuple[int, int, int]:  # [1.6] B-tree Page Format
    """Return a page's kind, and where and how many the pointers to its cells are."""
    start = 100 if number == 1 else 0
    kind = page[start]
    if kind not in (LEAF, INTERIOR):
        raise ValueError(f"page {number} is of kind {kind}, not of a table")
    count = int.from_bytes(page[start + 3 : start + 5])
    first = start + (8 if kind == LEAF else 12)
    if first + 2 * count > len(page):
        raise ValueError(f"page {number} claims {count} cells")
    return kind, first, count


def _pointers(page: bytes, first: int, count: int) -> list[int]:
    return [int.from_bytes(page[at : at + 2]) for at in range(first, first + 2 * count, 2)]


def _key(page: bytes, position: int, skip: int) -> int:
    # A leaf cell begins with the payload's length, an interior one with the left child.
    position = position + skip if skip else varint(page, position)[1]
    rowid, _ = varint(page, position)
    return rowid - (1 << 64) if rowid >> 63 else rowid


def varint(data: bytes, position: int) -> tuple[int, int]:  # [1.6] A variable-length integer
    """Return the number that stands at a position, and where it ends."""
    value = data[position]
    if value < 0x80:
        return value, position + 1
    value &= 0x7F
    for position in range(position + 1, position + 8):  # noqa: B020, PLR1704
        byte = data[position]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, position + 1
    return value << 8 | data[position + 1], position + 2


def _local(length: int, usable: int) -> int:  # [1.6] X, M and K of "Cell Payload Overflow Pages"
    if length <= usable - 35:
        return length
    least = (usable - 12) * 32 // 255 - 23
    surplus = least + (length - least) % (usable - 4)
    return surplus if surplus <= usable - 35 else least


def _record(payload: bytes) -> "list[Value]":  # [2.1] Record Format
    values: list[Value] = []
    header, position = varint(payload, 0)
    body = header
    while position < header:
        kind, position = varint(payload, position)
        size = _size(kind)
        content = payload[body : body + size]
        if len(content) != size:
            raise ValueError("a record ends early")
        values.append(_value(kind, content))
        body += size
    return values


def _last_size(cell: Cell) -> int:
    """Return the size of the last column of a row."""
    header, end = varint(cell.page, cell.start)
    types = cell.page[end : cell.start + min(header, cell.local)]
    at = cell.start + header - end - 1  # where its type ends; it begins where another one has ended
    while at > 0 and types[at - 1] >= 0x80:
        at -= 1
    size = _size(varint(types, at)[0]) if at >= 0 else 0
    if header + size > cell.length:
        raise ValueError("a record ends early")
    return size


def _size(kind: int) -> int:
    if kind >= 12:
        return (kind - 12) // 2
    if kind in (10, 11):
        raise ValueError("a reserved serial type")
    return (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)[kind]


def _value(kind: int, content: bytes) -> "Value":
    if kind >= 12:
        return content.decode() if kind & 1 else content
    if kind == 0:
        return None
    if kind in (8, 9):
        return kind - 8
    if kind == 7:  # IEEE 754, big-endian; `struct` would be two more modules
        native = content[::-1] if sys.byteorder == "little" else content
        return float(memoryview(native).cast("d")[0])
    return int.from_bytes(content, signed=True)
