"""SQLite the engine, let at a bundle's database: reading only, and only what it should find there.

The file may be anybody's. So the engine sees no file system, but the pages that our own reader has
opened: no journal, no other name, no second look at the path, whatever stands in front of or behind
the database and however its path is spelled. Before it parses anything, our reader has compared
the schema with the documented one: views, triggers, virtual tables, generated columns, defaults
and checks that somebody put there are never seen by it. What is left to be crafted are the pages.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager

import apsw

from litebundle.runtime.containers import SqliteContainer
from litebundle.runtime.descriptor import Descriptor

_STEPS = 10_000
_STEPS_A_BYTE = 20  # of the virtual machine: a sound database takes 1 or 2 for its integrity check
_names = map("litebundle-{}".format, itertools.count())

_SWITCHES = (
    (apsw.SQLITE_DBCONFIG_DEFENSIVE, 1),
    (apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
    (apsw.SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0),
    (apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0),
    (apsw.SQLITE_DBCONFIG_ENABLE_VIEW, 0),
    (apsw.SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0),
)
_LIMITS = (  # those of our queries, generously
    (apsw.SQLITE_LIMIT_SQL_LENGTH, 4096),
    (apsw.SQLITE_LIMIT_COLUMN, 32),
    (apsw.SQLITE_LIMIT_EXPR_DEPTH, 20),
    (apsw.SQLITE_LIMIT_COMPOUND_SELECT, 3),
    (apsw.SQLITE_LIMIT_VDBE_OP, 10_000),
    (apsw.SQLITE_LIMIT_FUNCTION_ARG, 8),
    (apsw.SQLITE_LIMIT_ATTACHED, 0),
    (apsw.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 100),
    (apsw.SQLITE_LIMIT_VARIABLE_NUMBER, 8),
    (apsw.SQLITE_LIMIT_TRIGGER_DEPTH, 1),
    (apsw.SQLITE_LIMIT_WORKER_THREADS, 0),
)


@contextmanager
def opened(container: SqliteContainer, source: Descriptor) -> Iterator[apsw.Connection]:
    """Yield a connection to the database of a container, which is read through its descriptor.

    What a query raises is an apsw.Error, InterruptError where it would take for ever.
    """
    size = container.end - container.base
    system = _Pages(source, container.base, size)
    connection = apsw.Connection("bundle", apsw.SQLITE_OPEN_READONLY, system.name)
    try:
        for switch, value in _SWITCHES:
            connection.config(switch, value)
        for limit, most in (*_LIMITS, (apsw.SQLITE_LIMIT_LENGTH, max(size, 1 << 16))):
            connection.limit(limit, most)
        left = itertools.count(100 + size * _STEPS_A_BYTE // _STEPS, -1)
        connection.set_progress_handler(lambda: next(left) < 0, _STEPS)
        for pragma in ("mmap_size = 0", "temp_store = MEMORY", "cell_size_check = ON"):
            connection.execute(f"PRAGMA {pragma}")
        yield connection
    finally:
        connection.close(True)  # noqa: FBT003 - apsw's: whatever is still open in it
        system.unregister()


class _Pages(apsw.VFS):
    """A file system of one file, whatever name is asked for."""

    def __init__(self, source: Descriptor, base: int, size: int) -> None:
        self.name = next(_names)
        self._file = source, base, size
        super().__init__(self.name, "")

    def xAccess(self, pathname: str, flags: int) -> bool:  # noqa: N802 - SQLite's names
        """Tell that nothing stands beside it."""
        del pathname, flags
        return False

    def xFullPathname(self, name: str) -> str:  # noqa: N802
        """Leave the name as it is."""
        return name

    def xOpen(self, name: object, flags: list[int]) -> "_File":  # type: ignore[override]  # noqa: N802
        """Open the database, and nothing else."""
        del name
        if not flags[0] & apsw.SQLITE_OPEN_MAIN_DB:
            raise apsw.CantOpenError("there is one file only")
        flags[1] = apsw.SQLITE_OPEN_READONLY
        return _File(*self._file)


class _File:
    """The database's pages, to be read."""

    def __init__(self, source: Descriptor, base: int, size: int) -> None:
        self._source = source
        self._base = base
        self._size = size

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        """Read at an offset, less at the end."""
        return self._source.read(self._base + offset, max(min(amount, self._size - offset), 0))

    def xFileSize(self) -> int:  # noqa: N802
        """Return the size of the database alone."""
        return self._size

    def xLock(self, level: int) -> None:  # noqa: N802
        """Need no lock: a bundle is never written to."""

    def xUnlock(self, level: int) -> None:  # noqa: N802
        """Need no lock."""

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        """Know of nobody who writes."""
        return False

    def xFileControl(self, op: int, pointer: int) -> bool:  # noqa: N802
        """Know nothing special."""
        del op, pointer
        return False

    def xSectorSize(self) -> int:  # noqa: N802
        """Return what hardly matters to who only reads."""
        return 4096

    def xDeviceCharacteristics(self) -> int:  # noqa: N802
        """Tell that the file does not change."""
        return apsw.SQLITE_IOCAP_IMMUTABLE

    def xSync(self, flags: int) -> None:  # noqa: N802
        """Have nothing to sync."""

    def xClose(self) -> None:  # noqa: N802
        """Leave the descriptor to whom it belongs."""
