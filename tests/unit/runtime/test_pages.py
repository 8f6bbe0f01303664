"""The reader of SQLite's file format reads what SQLite reads, and refuses the rest by name."""

import random
from itertools import pairwise
from pathlib import Path

import apsw
import pytest

from litebundle.runtime.descriptor import Descriptor
from litebundle.runtime.pages import Database
from tests.unit.runtime import databases
from tests.unit.runtime.databases import PAGE_SIZES, Memory, Value, assert_read, insert, make

_INTEGERS = sorted(
    sign * (1 << bits) + step
    for bits in (0, 1, 7, 8, 15, 16, 23, 24, 31, 32, 39, 40, 47, 48, 62)
    for sign in (-1, 1)
    for step in (-1, 0, 1)
)
_LARGEST = (1 << 63) - 1
_VALUES: list[Value] = [
    None,
    *_INTEGERS,
    -_LARGEST - 1,
    _LARGEST,
    *(0.0, -0.0, 1.0, -1.5, 0.1, 1e308, 5e-324, float("inf"), float("-inf")),
    *("", "a", "ü", "\U0001f600", "with\0NUL", "\ufeffBOM", "x" * 57, "x" * 58, "é" * 3000),
    *(b"", b"\0", b"\xff\xfe", b"x" * 57, b"x" * 58, b"\x80" * 10_000),
]
_ROWIDS = sorted(
    {-_LARGEST - 1, -_LARGEST, -1, 0, _LARGEST}
    # Where the variable-length integer of a key becomes one byte longer.
    | {
        sign * (1 << 7 * size) + step
        for size in range(1, 9)
        for sign in (-1, 1)
        for step in (-1, 0)
    }
)


def _content(seed: int, size: int) -> bytes:
    return random.Random(seed).randbytes(size)  # noqa: S311


def _payloads(usable: int) -> list[int]:
    """Return the sizes of rows at which [1.6] of the file format turns, and those around them."""
    largest = usable - 35  # X: as much as stands on the page of the row
    least = (usable - 12) * 32 // 255 - 23  # M: what stands there at least if some does not
    chained = usable - 4
    turns = [largest, *(local + n * chained for n in (1, 2, 3, 8) for local in (least, largest))]
    return sorted({turn + step for turn in turns for step in (-2, -1, 0, 1, 2)})


def _blob_size(payload: int) -> int:
    """Return the size of the blob whose row, of no other column, has a payload of that size."""
    for header in range(2, 6):
        size = payload - header
        if header == 1 + -(-(2 * size + 12).bit_length() // 7):
            return size
    raise AssertionError(payload)


def _around_boundaries(path: Path, page_size: int, reserved: int) -> tuple[Path, dict[int, bytes]]:
    rows = {size: _content(size, _blob_size(size)) for size in _payloads(page_size - reserved)}
    make(path, lambda c: insert(c, "t", rows.items()), page_size=page_size, reserved=reserved)
    return path, rows


def _overflow_pages(path: Path) -> list[list[int]]:
    """Return the overflow pages of each row, by SQLite's own account."""
    query = """SELECT group_concat(pageno, ' ' ORDER BY path) FROM dbstat
        WHERE pagetype = 'overflow' GROUP BY substr(path, 1, length(path) - 7)"""
    with databases.opened(path) as connection:
        return [[int(page) for page in pages.split()] for (pages,) in connection.execute(query)]


@pytest.mark.parametrize("reserved", [0, 1, 32])
@pytest.mark.parametrize("page_size", PAGE_SIZES)
def test_rows_around_every_overflow_boundary(tmp_path: Path, page_size: int, reserved: int) -> None:
    """A row is the same bytes to SQLite and to the reader wherever it leaves its page."""
    path, _ = _around_boundaries(tmp_path / "db", page_size, reserved)
    assert path.read_bytes()[20] == reserved
    assert {len(pages) for pages in _overflow_pages(path)} == {1, 2, 3, 4, 8, 9}
    assert_read(path)


@pytest.mark.parametrize("reserved", [0, 32])
@pytest.mark.parametrize("page_size", PAGE_SIZES)
def test_tails_point_at_the_last_column(tmp_path: Path, page_size: int, reserved: int) -> None:
    """Whole where a row is on one page, and the beginning with overflow pages behind it."""
    path, rows = _around_boundaries(tmp_path / "db", page_size, reserved)
    database = Database(Descriptor(str(path)))
    tails = {rowid: (offset, local) for rowid, offset, local in database.tails("t")}
    assert {rowid: local == 0 for rowid, (_, local) in tails.items()} == {
        size: size <= page_size - reserved - 35 for size in rows
    }
    assert all(offset for offset, _ in tails.values())
    assert {rowid: database.tail(*at, len(rows[rowid])) for rowid, at in tails.items()} == rows


def test_tails_that_begin_on_an_overflow_page(tmp_path: Path) -> None:
    """Of a last column behind a long one nothing is in place: there is no offset for it."""
    path = tmp_path / "db"
    make(
        path,
        lambda c: c.execute("CREATE TABLE t(a, b); INSERT INTO t VALUES (zeroblob(1<<18), 'end')"),
    )
    assert list(Database(Descriptor(str(path))).tails("t")) == [(1, 0, 0)]


def test_a_long_tail_is_two_reads(tmp_path: Path) -> None:
    """The part in place, and the run of overflow pages that a fresh database has."""
    path = tmp_path / "db"
    make(path, lambda c: c.execute("CREATE TABLE t(a); INSERT INTO t VALUES (randomblob(1<<20))"))
    source = Descriptor(str(path))
    database = Database(source)
    [(_, offset, local)] = database.tails("t")
    reads: list[tuple[int, int]] = []
    database._source = _Counting(source, reads)  # type: ignore[assignment]  # a fake of it
    assert len(database.tail(offset, local, 1 << 20)) == 1 << 20
    assert len(reads) == 2


@pytest.mark.parametrize("tail", [(0, 5, 3), (100, 0, 1 << 30), (100, 10, 1 << 30), (4000, 9, 90)])
def test_tails_that_cannot_be(tmp_path: Path, tail: tuple[int, int, int]) -> None:
    """Sizes that contradict each other or the file, and what is no overflow page's number."""
    path = tmp_path / "db"
    make(path, lambda c: c.execute("CREATE TABLE t(a)"))
    with pytest.raises(ValueError, match=r"in place|leads to page"):
        Database(Descriptor(str(path))).tail(*tail)


class _Counting:
    """A descriptor that notes what is read of it."""

    def __init__(self, source: Descriptor, reads: list[tuple[int, int]]) -> None:
        self._source = source
        self._reads = reads

    def read(self, offset: int, size: int) -> bytes:
        self._reads.append((offset, size))
        return self._source.read(offset, size)


def test_tails_count_from_the_start_of_the_database(tmp_path: Path) -> None:
    """What stands in front of the database is not in the offsets; text is found as bytes are."""
    path = tmp_path / "db"
    make(path, lambda c: c.execute("CREATE TABLE t(a, b, c); INSERT INTO t VALUES (7, 'é', 'ünï')"))
    [(_, offset, local)] = plain = list(Database(Descriptor(str(path))).tails("t"))
    data = path.read_bytes()
    path.write_bytes(b"#!/bin/sh\n" * 7 + data)
    database = Database(Descriptor(str(path)), 70)
    assert list(database.tails("t")) == plain
    assert data[offset:].startswith("ünï".encode())
    assert database.tail(offset, local, 5) == "ünï".encode()


def test_tails_of_rows_without_a_last_byte(tmp_path: Path) -> None:
    """An empty or NULL last column has an offset too: where its row ends."""
    path = tmp_path / "db"
    make(path, lambda c: c.execute("CREATE TABLE t(a, b); INSERT INTO t VALUES ('end', x'')"))
    [(_, offset, _)] = Database(Descriptor(str(path))).tails("t")
    assert path.read_bytes()[offset - 3 : offset] == b"end"


def test_every_kind_of_value(tmp_path: Path) -> None:
    """Integers of all widths, floats, NULL, text and bytes come back with type and bits."""
    database = assert_read(make(tmp_path / "db", lambda c: insert(c, "t", enumerate(_VALUES))))
    assert databases.exact([values for _, values in database.rows("t")]) == databases.exact(
        [[value] for value in _VALUES]
    )


def test_many_columns_of_mixed_kinds(tmp_path: Path) -> None:
    """A record's header may itself be longer than a page holds beside its cell."""
    marks = ", ".join("?" * 900)
    columns = ", ".join(f"c{number}" for number in range(900))
    values = [_VALUES[number % len(_VALUES)] for number in range(900)]

    def fill(connection: apsw.Connection) -> None:
        connection.execute(f"CREATE TABLE t({columns})")
        connection.execute(f"INSERT INTO t VALUES ({marks})", values)  # noqa: S608

    assert_read(make(tmp_path / "db", fill, page_size=512))


def test_an_integer_primary_key_reads_none(tmp_path: Path) -> None:
    """SQLite stores it as the row's id only."""
    path = tmp_path / "db"
    make(
        path,
        lambda c: c.execute(
            "CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (9, 'v')"
        ),
    )
    assert list(Database(Descriptor(str(path))).rows("t")) == [(9, [None, "v"])]


@pytest.mark.parametrize("page_size", [512, 4096])
def test_rowids_of_every_length(tmp_path: Path, page_size: int) -> None:
    """Negative and huge row ids are found, and their neighbours are not."""
    rows = [(rowid, f"row {rowid}" + "." * 100) for rowid in _ROWIDS]
    database = assert_read(
        make(tmp_path / "db", lambda c: insert(c, "t", rows), page_size=page_size)
    )
    absent = {rowid + step for rowid in _ROWIDS for step in (-3, 3)} - set(_ROWIDS)
    assert {database.row("t", rowid) for rowid in absent} == {None}


@pytest.mark.parametrize("auto_vacuum", ["NONE", "FULL", "INCREMENTAL"])
@pytest.mark.parametrize("page_size", [512, 1024, 8192, 65536])
def test_rows_deleted_and_inserted_again(tmp_path: Path, page_size: int, auto_vacuum: str) -> None:
    """Freed pages, pointer maps and chains that run to and fro do not matter, nor does VACUUM."""
    path = tmp_path / "db"
    connection = databases.connect(
        path, page_size=page_size, pragmas=[f"auto_vacuum={auto_vacuum}"]
    )
    sizes = [page_size * number // 7 for number in range(60)]
    insert(connection, "t", [(n, _content(n, size)) for n, size in enumerate(sizes)])
    connection.execute("DELETE FROM t WHERE rowid % 3 = 0")
    insert(connection, "t", [(n, _content(-n, 3 * page_size)) for n in range(300, 330)])
    connection.execute("UPDATE t SET v = zeroblob(5 * length(v)) WHERE rowid % 5 = 0")
    connection.execute("DELETE FROM t WHERE rowid = 1 OR rowid > 320")
    # Some row's chain is not one run of pages, and but for FULL some pages are free.
    assert any(
        pages != list(range(pages[0], pages[0] + len(pages))) for pages in _overflow_pages(path)
    )
    free = connection.execute("PRAGMA freelist_count").fetchall()
    assert (free == [(0,)]) == (auto_vacuum == "FULL")
    assert_read(path)
    connection.execute("VACUUM")
    connection.close()
    assert_read(path)


@pytest.mark.fault(47)
@pytest.mark.parametrize("page_size", [512, 1024])
def test_deep_trees(tmp_path: Path, page_size: int) -> None:
    """Rows below several levels of interior pages are found, in order, and nothing between them."""
    first = 1 << 60  # long keys: fewer on an interior page
    rows = [(first + 3 * n, f"{n:>{page_size - 60}}") for n in range(6000)]
    path = make(tmp_path / "db", lambda c: insert(c, "t", rows), page_size=page_size)
    with databases.opened(path) as connection:
        [(depth,)] = connection.execute("SELECT max(length(path)) / 4 FROM dbstat WHERE name = 't'")
    assert depth >= 3  # levels of interior pages above the leaves
    database = assert_read(path)
    absent = [first - 1, *(first + 3 * n + step for n in range(0, 6000, 97) for step in (1, 2))]
    assert [database.row("t", rowid) for rowid in absent] == [None] * len(absent)


@pytest.mark.parametrize("page_size", PAGE_SIZES)
def test_a_schema_larger_than_its_first_page(tmp_path: Path, page_size: int) -> None:
    """Tables are found where page 1 is an interior page and a table's SQL an overflow chain."""

    def fill(connection: apsw.Connection) -> None:
        for number in range(300):
            comment = "x" * (200_000 if number == 150 else 300)
            connection.execute(f"CREATE TABLE t{number}(v /* {comment} */)")
            connection.execute(f"INSERT INTO t{number} VALUES ({number})")  # noqa: S608

    path = make(tmp_path / "db", fill, page_size=page_size)
    assert path.read_bytes()[100] == 5
    assert len(assert_read(path).tables) == 300


@pytest.mark.parametrize("page_size", [512, 4096, 65536])
def test_a_database_between_other_bytes(tmp_path: Path, page_size: int) -> None:
    """A launcher's script in front of the database and a zip behind it change nothing."""
    path = tmp_path / "db"
    rows = [(size, _content(size, size)) for size in range(0, 5 * page_size, page_size // 2)]
    make(path, lambda c: insert(c, "t", rows), page_size=page_size)
    inner = path.read_bytes()
    path.write_bytes(b"#!/usr/bin/env python3\n" + inner + b"PK" * page_size)
    database = Database(Descriptor(str(path)), 23)
    assert list(database.rows("t")) == [(rowid, [value]) for rowid, value in rows]
    assert database.page_count * page_size == len(inner)


def test_the_header_is_read(tmp_path: Path) -> None:
    """The format's own numbers are there to be looked at."""
    pragmas = ["application_id=0x4C42444C", "user_version=7", "user_version=70000"]
    path = make(tmp_path / "db", lambda c: insert(c, "t", []), page_size=1024, pragmas=pragmas)
    database = Database(Descriptor(str(path)))
    assert database.application_id == 0x4C42444C
    assert database.user_version == 70000
    assert database.page_size == 1024
    assert database.page_count == 2
    assert database.tables == {"t": 2}


def test_a_stale_page_count_is_not_believed(tmp_path: Path) -> None:
    """An SQLite before 3.7 leaves the count behind; then the file's size is what counts."""
    path = make(tmp_path / "db", lambda c: insert(c, "t", [(1, _content(1, 50_000))]))
    data = bytearray(path.read_bytes())
    data[28:32] = b"\0\0\0\1"
    data[92:96] = b"\0\0\0\0"
    path.write_bytes(data)
    assert_read(path)


@pytest.mark.parametrize("page_size", PAGE_SIZES[-3:])
def test_a_page_that_is_mostly_empty_is_read_in_part(tmp_path: Path, page_size: int) -> None:
    """Reading 64 KiB takes longer than a schema and a manifest are worth, and so does each read."""
    rows = [(n, f"value {n}" * n) for n in range(20)]
    path = make(tmp_path / "db", lambda c: insert(c, "t", rows), page_size=page_size)
    source = Memory(path.read_bytes())
    found = Database(source, 0, source.read(0, 4096)).rows("t")
    assert list(found) == [(rowid, [value]) for rowid, value in rows]
    assert len(source.reads) == 3
    assert sum(size for _, size in source.reads) < 3 * 4096


def test_a_chain_in_one_run_is_one_read(tmp_path: Path) -> None:
    """What a fresh database holds is fetched in one go, however many pages it takes."""
    content = _content(1, 1 << 20)
    path = make(tmp_path / "db", lambda c: insert(c, "t", [(1, content)]), page_size=512)
    source = Memory(path.read_bytes())
    database = Database(source)
    database.row("t", 1)
    source.reads.clear()
    assert database.row("t", 1) == [content]
    assert len(source.reads) == 1


def test_a_chain_with_gaps_is_a_few_reads(tmp_path: Path) -> None:
    """Pointer maps of an auto-vacuum database stand in the way of chains, and cost little each."""
    content = _content(1, 500_000)
    path = make(
        tmp_path / "db",
        lambda c: insert(c, "t", [(1, content)]),
        page_size=512,
        pragmas=["auto_vacuum=FULL"],
    )
    [pages] = _overflow_pages(path)
    gaps = sum(b != a + 1 for a, b in pairwise(pages))
    assert gaps > 5
    source = Memory(path.read_bytes())
    database = Database(source)
    source.reads.clear()
    assert database.row("t", 1) == [content]
    assert len(source.reads) < 10 * gaps < len(pages)


def test_a_scattered_chain_is_read_in_linear_time(tmp_path: Path) -> None:
    """A chain whose pages stand backwards costs about its own size, not its square."""
    connection = databases.connect(tmp_path / "db", page_size=512)
    insert(connection, "t", [(n, _content(n, 400)) for n in range(2000)])
    connection.execute("DELETE FROM t WHERE rowid >= 0")
    content = _content(1, 500_000)
    insert(connection, "t", [(1, content)])
    connection.close()
    [pages] = _overflow_pages(tmp_path / "db")
    assert sum(b != a + 1 for a, b in pairwise(pages)) > len(pages) // 2
    data = (tmp_path / "db").read_bytes()
    assert Database(Memory(data, budget=4 * len(data))).row("t", 1) == [content]


@pytest.mark.parametrize("page_size", PAGE_SIZES)
@pytest.mark.parametrize("pages", [4, 300])
def test_a_chain_out_of_order(tmp_path: Path, page_size: int, pages: int) -> None:
    """Read as its pointers lead, though nearly all chains are one run of pages."""
    content = _content(0, pages * page_size)
    path = make(tmp_path / "db", lambda c: insert(c, "t", [(1, content)]), page_size=page_size)
    data = bytearray(path.read_bytes())
    [(_, offset, local)] = Database(Memory(bytes(data))).tails("t")
    assert Database(Memory(bytes(data))).tail(offset, local, len(content)) == content
    first = int.from_bytes(data[offset + local : offset + local + 4])
    second, third = ((first + n) * page_size for n in (0, 1))  # where they begin
    pointer = slice((first - 1) * page_size, (first - 1) * page_size + 4)
    data[pointer] = (first + 2).to_bytes(4)
    one, other = (bytes(data[at + 4 : at + page_size]) for at in (second, third))
    data[second : second + page_size] = (first + 3).to_bytes(4) + other
    data[third : third + page_size] = (first + 1).to_bytes(4) + one
    assert Database(Memory(bytes(data))).tail(offset, local, len(content)) == content
