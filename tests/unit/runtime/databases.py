"""Databases for the tests of the reader, and what SQLite itself (apsw) reads in them."""

import ctypes
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import apsw

from litebundle.errors import BundleCorrupt
from litebundle.runtime.descriptor import Descriptor
from litebundle.runtime.pages import Database

PAGE_SIZES = [512 << shift for shift in range(8)]

# Of the size of a small database: no way of reading all of it may cost more.
BUDGET = 20

Value = int | float | str | bytes | None
Row = tuple[int, list[Value]]


class Memory(Descriptor):
    """A file that is bytes in memory, and counts what is read of it.

    Reading more than `budget` bytes in all fails the test: nothing may be read again and again,
    however the bytes are damaged.
    """

    def __init__(self, data: bytes, budget: int | None = None) -> None:
        self.path = "memory"
        self.fd = -1
        self.stamp = (0, 0, len(data), 0)
        self.data = data
        self.ahead = []
        self.reads: list[tuple[int, int]] = []
        self._left = budget

    def __repr__(self) -> str:
        return f"<Memory of {len(self.data)} bytes, {len(self.reads)} reads>"

    def is_own(self) -> bool:
        """Tell that nobody has closed it."""
        return True

    def touched(self) -> bool:
        """Tell that nobody writes to it."""
        return False

    def read(self, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset`, fewer only at the end."""
        assert 0 <= offset < 1 << 63, "no system reads there"
        assert 0 <= size <= len(self.data) + 100, "more than the whole file is asked for"
        self.reads.append((offset, size))
        data = self.data[offset : offset + size]
        if self._left is not None:
            self._left -= len(data)
            assert self._left >= 0, f"too much is read: {self!r}"
        return data


def connect(
    path: Path | str,
    *,
    page_size: int = 4096,
    reserved: int = 0,
    pragmas: Sequence[str] = (),
) -> apsw.Connection:
    """Return a connection to a new database."""
    connection = apsw.Connection(str(path))
    for pragma in (f"page_size={page_size}", "synchronous=OFF", *pragmas):
        connection.execute(f"PRAGMA {pragma}")
    if reserved:
        wanted = ctypes.c_int(reserved)
        pointer = ctypes.addressof(wanted)
        assert connection.file_control("main", apsw.SQLITE_FCNTL_RESERVE_BYTES, pointer)
        connection.execute("VACUUM")  # a new database takes its reserved bytes from here on
    return connection


def make(
    path: Path, fill: Callable[[apsw.Connection], object], **options: int | Sequence[str]
) -> Path:
    """Make a database, have it filled in one transaction, and return its path."""
    connection = connect(path, **options)  # type: ignore[arg-type]  # each is one of connect's
    with connection:
        fill(connection)
    connection.close()
    return path


def insert(connection: apsw.Connection, table: str, rows: Iterable[tuple[int, Value]]) -> None:
    """Insert (rowid, value) pairs into a table `name(v)`, which is made if there is none."""
    connection.execute(f"CREATE TABLE IF NOT EXISTS {table}(v)")
    connection.executemany(f"INSERT INTO {table}(rowid, v) VALUES (?, ?)", rows)  # noqa: S608


@contextmanager
def opened(path: Path) -> Iterator[apsw.Connection]:
    """Open a database that exists."""
    connection = apsw.Connection(str(path))
    try:
        yield connection
    finally:
        connection.close()


def expected(path: Path) -> dict[str, list[Row]]:
    """Return all tables as SQLite reads them: (rowid, values) in the order of the rowids."""
    with opened(path) as connection:
        query = "SELECT name FROM sqlite_schema WHERE type = 'table'"
        names = [str(name) for (name,) in connection.execute(query)]
        return {
            name: [
                (row[0], list(row[1:]))
                for row in connection.execute(f'SELECT rowid, * FROM "{name}" ORDER BY rowid')  # noqa: S608
            ]
            for name in names
        }


def found(database: Database) -> dict[str, list[Row]]:
    """Return all tables as our reader reads them, scanned."""
    return {name: list(database.rows(name)) for name in database.tables}


def looked_up(database: Database, rows: dict[str, list[Row]]) -> dict[str, list[object]]:
    """Return the same rows, each looked up by its rowid."""
    return {
        name: [(rowid, database.row(name, rowid)) for rowid, _ in expected]
        for name, expected in rows.items()
    }


def assert_read(path: Path, base: int = 0) -> Database:
    """Check that our reader, scanning and looking up, reads what SQLite reads; return it."""
    rows = expected(path)
    database = Database(Descriptor(str(path)), base)
    assert exact(found(database)) == exact(rows)
    assert exact(looked_up(database, rows)) == exact(rows)
    return database


def exact(value: object) -> object:
    """Return values with their types, and floats by their bits: 1, 1.0 and True are not equal."""
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [exact(item) for item in value]
    return type(value), value.hex() if isinstance(value, float) else value


def fill_small(connection: apsw.Connection) -> None:
    """Fill a small database with everything: a tree, chains, free pages, many kinds of values."""
    connection.execute("CREATE TABLE gone(v); INSERT INTO gone VALUES (zeroblob(1200))")
    insert(connection, "t", [(n, f"row {n}" + "." * 40) for n in range(-3, 30)])
    insert(connection, "t", [(1 << 40, bytes(range(256)) * 5), (1 << 62, 1 << 33), (99, 1.5)])
    connection.execute("CREATE VIEW seen AS SELECT * FROM t; DROP TABLE gone")


def read_damaged(data: bytes) -> list[object]:
    """Return all that is read of a damaged database; any error but BundleCorrupt is a failure."""
    seen: list[object] = []
    try:
        database = Database(Memory(data, budget=BUDGET * len(data)))
        tables = [*database.tables]
    except BundleCorrupt as error:
        return [str(error)]
    rowids = (-4, -3, 29, 1 << 40, 1 << 62)
    reads: list[Callable[[str], object]] = [
        lambda table: list(database.rows(table)),
        lambda table: list(database.tails(table)),
        lambda table: [database.row(table, rowid) for rowid in rowids],
    ]
    for table in tables:
        for read in reads:
            try:
                seen.append(read(table))
            except BundleCorrupt as error:
                seen.append(str(error))
    return seen
