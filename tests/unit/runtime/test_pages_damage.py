"""Databases that are not what we write, or not what was written: refused, and in bounded time."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from litebundle.errors import BundleCorrupt, BundleIOError
from litebundle.runtime.descriptor import Descriptor
from litebundle.runtime.pages import Database
from tests.unit.runtime import databases
from tests.unit.runtime.databases import (
    BUDGET,
    PAGE_SIZES,
    Memory,
    fill_small,
    insert,
    make,
    read_damaged,
)

_PAGE = 512
_LONG = bytes(range(256)) * 12


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return a small database with everything in it."""
    return make(tmp_path_factory.mktemp("small") / "db", fill_small, page_size=_PAGE).read_bytes()


def _database(data: bytes) -> Database:
    return Database(Memory(data, budget=BUDGET * len(data)))


@pytest.mark.fault(1, 2)
@pytest.mark.parametrize("change", [0x80, 0x01])
def test_a_changed_byte_anywhere(small: bytes, change: int) -> None:
    """Whichever byte is changed, the rest is read, or BundleCorrupt says that it cannot be."""
    sound = read_damaged(small)
    damaged = bytearray(small)
    outcomes: Counter[bool] = Counter()
    for position in range(len(small)):
        damaged[position] ^= change
        outcomes[read_damaged(bytes(damaged)) == sound] += 1
        damaged[position] ^= change
    # Free space may change and nobody notices; what was read is for the checksums to tell.
    assert min(outcomes[True], outcomes[False]) > 1000


@pytest.mark.fault(1, 2)
@pytest.mark.parametrize("change", [0x80, 0x01])
def test_a_changed_byte_of_a_page_that_is_mostly_empty(tmp_path: Path, change: int) -> None:
    """Nor where a page is read in part: its rows, or BundleCorrupt."""
    size = 65536
    rows = [(n, "." * n) for n in range(9)]
    path = make(tmp_path / "db", lambda c: insert(c, "t", rows), page_size=size)
    data = bytearray(path.read_bytes())
    assert len(data) == 2 * size
    sound = read_damaged(bytes(data))
    outcomes: Counter[bool] = Counter()
    for page in (0, size):
        used = [at for at in range(page, page + size) if data[at]]
        for position in [*range(page, page + 130), *used]:
            data[position] ^= change
            outcomes[read_damaged(bytes(data)) == sound] += 1
            data[position] ^= change
    assert outcomes[True] > 50
    assert outcomes[False] > 150


@pytest.mark.fault(5)
@pytest.mark.parametrize("filler", [b"\0", b"\xff", b"\r"])
def test_pages_overwritten(small: bytes, filler: bytes) -> None:
    """A page of zeros, of ones or of anything else in any place is no surprise, nor are two."""
    for start in range(0, len(small), _PAGE // 4):
        for size in (_PAGE // 4, _PAGE, 2 * _PAGE):
            assert read_damaged(small[:start] + filler * size + small[start + size :])


def test_pages_exchanged(small: bytes) -> None:
    """A page in the place of another is read as what it is, or refused."""
    pages = [small[start : start + _PAGE] for start in range(0, len(small), _PAGE)]
    for first in range(len(pages)):
        for second in range(len(pages)):
            exchanged = pages.copy()
            exchanged[first] = pages[second]
            assert read_damaged(b"".join(exchanged))


@pytest.mark.fault(3)
def test_cut_short_anywhere(small: bytes) -> None:
    """A file with fewer pages than its header says is refused when it is opened."""
    for size in range(len(small)):
        with pytest.raises(BundleCorrupt, match="cut short" if size >= 100 else "not an SQLite"):
            _database(small[:size])


@pytest.mark.fault(8)
def test_cut_short_while_it_is_open(tmp_path: Path, small: bytes) -> None:
    """A file that someone truncates under the reader is damage, not a short row."""
    path = tmp_path / "db"
    path.write_bytes(small)
    database = Database(Descriptor(str(path)))
    os.truncate(path, _PAGE + 100)
    with pytest.raises(BundleCorrupt, match="ends early"):
        database.row("t", 1)


@pytest.mark.fault(15)
def test_what_the_system_refuses_is_an_io_error(tmp_path: Path, small: bytes) -> None:
    """An error of the system keeps its number and is no damage."""
    path = tmp_path / "db"
    path.write_bytes(small)
    descriptor = Descriptor(str(path))
    database = Database(descriptor)
    os.close(descriptor.fd)
    with pytest.raises(BundleIOError) as caught:
        database.row("t", 1)
    assert caught.value.errno == 9  # EBADF
    descriptor.fd = -1


@pytest.mark.fault(50)
@pytest.mark.parametrize(
    ("pragma", "message"),
    [
        ("journal_mode=WAL", "WAL mode"),
        ("encoding='UTF-16le'", "not UTF-8"),
        ("encoding='UTF-16be'", "not UTF-8"),
    ],
)
def test_other_modes_are_refused_by_name(tmp_path: Path, pragma: str, message: str) -> None:
    """What the reader does not read, it names, with the file and something to do about it."""
    path = make(tmp_path / "db", lambda c: insert(c, "t", [(1, "v")]), pragmas=[pragma])
    with pytest.raises(BundleCorrupt, match=message) as caught:
        Database(Descriptor(str(path)))
    assert caught.value.file == str(path)
    assert caught.value.hint


@pytest.mark.parametrize("size", [0, 2, 256, 511, 513, 1000, 4095, 65535])
def test_impossible_page_sizes_are_refused(small: bytes, size: int) -> None:
    """A page's size is a power of two from 512 to 65,536."""
    with pytest.raises(BundleCorrupt, match="page size"):
        _database(small[:16] + size.to_bytes(2) + small[18:])


def test_too_many_reserved_bytes_are_refused(small: bytes) -> None:
    """At least 480 bytes of a page are used."""
    with pytest.raises(BundleCorrupt, match="page size"):
        _database(small[:20] + b"\x21" + small[21:])


@pytest.mark.fault(50)
@pytest.mark.parametrize(
    "schema",
    [
        "CREATE TABLE t(k PRIMARY KEY, v) WITHOUT ROWID; INSERT INTO t VALUES (1, 2)",
        "CREATE VIRTUAL TABLE t USING dbstat",
    ],
)
def test_tables_without_rowids_are_refused(tmp_path: Path, schema: str) -> None:
    """However one reads it, such a table is named; the others can be read."""
    other = "CREATE TABLE other(v); INSERT INTO other VALUES (2);"
    path = make(tmp_path / "db", lambda c: c.execute(other + schema))
    database = Database(Descriptor(str(path)))
    reads: list[Callable[[], object]] = [
        lambda: database.row("t", 1),
        lambda: list(database.rows("t")),
        lambda: list(database.tails("t")),
    ]
    for read in reads:
        with pytest.raises(BundleCorrupt, match=r"not of a table|no page 0"):
            read()
    assert database.row("other", 1) == [2]


@pytest.mark.fault(50)
def test_roots_of_indexes_are_refused(tmp_path: Path) -> None:
    """An index is no table, whatever the schema says."""
    path = make(
        tmp_path / "db",
        lambda c: c.execute("CREATE TABLE t(v); CREATE INDEX i ON t(v); INSERT INTO t VALUES (1)"),
    )
    database = Database(Descriptor(str(path)))
    assert "i" not in database.tables
    database.tables["t"] += 1
    with pytest.raises(BundleCorrupt, match="not of a table"):
        database.row("t", 1)


@pytest.mark.fault(50)
def test_names_that_are_no_tables(small: bytes) -> None:
    """A table that is not there, or is a view, is named."""
    for name in ("nothing", "seen", "gone"):
        with pytest.raises(BundleCorrupt, match=f"no table {name}"):
            _database(small).rows(name)


# Crafted: each of these once took for ever, too much memory, or an exception of another kind.


@pytest.fixture
def tree(tmp_path: Path) -> tuple[bytearray, dict[str, int]]:
    """Return a database of one table with interior pages and a chain, and its pages by path."""
    rows = [(n, "." * 100) for n in range(300)]
    path = make(tmp_path / "db", lambda c: insert(c, "t", [*rows, (1000, _LONG)]), page_size=_PAGE)
    with databases.opened(path) as connection:
        pages = dict(connection.execute("SELECT path, pageno FROM dbstat WHERE name = 't'"))
    assert "/000/000/" in pages  # a root, interior pages, leaves
    return bytearray(path.read_bytes()), pages


def _at(page: int) -> int:
    return (page - 1) * _PAGE


def _cells(data: bytes | bytearray, page: int) -> Iterator[int]:
    """Yield where the cells of a page other than the first are, from the file's start."""
    start = _at(page)
    pointers = start + (12 if data[start] == 5 else 8)
    for number in range(int.from_bytes(data[start + 3 : start + 5])):
        at = pointers + 2 * number
        yield start + int.from_bytes(data[at : at + 2])


@pytest.mark.parametrize("target", ["/", "/000/", "/001/"])
def test_a_tree_that_bites_its_tail(tree: tuple[bytearray, dict[str, int]], target: str) -> None:
    """A page that is its own descendant, or has two parents, ends the scan and the search."""
    data, pages = tree
    for cell in _cells(data, pages["/000/"]):
        data[cell : cell + 4] = pages[target].to_bytes(4)
    database = _database(bytes(data))
    with pytest.raises(BundleCorrupt, match=r"twice|more pages"):
        list(database.rows("t"))
    with pytest.raises(BundleCorrupt, match=r"twice|more pages"):
        list(database.tails("t"))
    if target == "/001/":  # deeper than it should be, but a search finds an end
        assert database.row("t", 0) is None
    else:
        with pytest.raises(BundleCorrupt, match="deeper"):
            database.row("t", 0)


def test_children_are_not_queued_without_end(small: bytes) -> None:
    """A tree whose pages claim more children than the file has pages is not walked."""
    count = 30_000
    header = small[:16] + b"\0\1" + small[18:28] + (20).to_bytes(4) + small[32:100]
    data = b""
    for number in range(1, 21):  # each has the next page as its child, 30,000 times
        page = header * (number == 1) + b"\5\0\0" + count.to_bytes(2) + bytes(7)
        page += b"\xff\xfc" * count
        data += page.ljust(65532, b"\0") + (number + 1).to_bytes(4)
    with pytest.raises(BundleCorrupt, match="more pages in the tree than in the file"):
        _ = _database(data).tables


def test_a_chain_that_bites_its_tail(tree: tuple[bytearray, dict[str, int]]) -> None:
    """A chain ends where the row's length says, however its pages point."""
    data, pages = tree
    chain = [page for path, page in pages.items() if "+" in path]
    for page in chain:
        data[_at(page) : _at(page) + 4] = chain[0].to_bytes(4)
    [leaf] = {pages[path.rpartition("/")[0] + "/"] for path in pages if "+" in path}
    last = list(_cells(data, leaf))[-1]
    assert data[last : last + 2] == b"\x98\x03"  # the payload's length: 3,075 bytes
    data[last : last + 2] = b"\xff\x1b"  # 26 more pages; as much of it stands on the leaf
    database = _database(bytes(data))
    row = database.row("t", 1000)
    assert row is not None
    assert len(bytes(row[0])) == len(_LONG)  # type: ignore[arg-type]  # the record's own header counts


def test_an_endless_chain(tmp_path: Path) -> None:
    """A chain in a circle does not make a row of any length out of a small file."""
    path = make(tmp_path / "db", lambda c: insert(c, "t", [(5, bytes(2000))]), page_size=_PAGE)
    data = bytearray(path.read_bytes())
    circle = (3).to_bytes(4)
    leaf = b"\x0d\0\0\0\1" + b"\0\0\0" + (16).to_bytes(2) + bytes(6)
    leaf += b"\xa0" + b"\x80" * 7 + b"\0"  # 1 << 61 bytes of payload
    leaf += b"\5" + circle * (_PAGE // 4)  # row 5; its chain starts at page 3, wherever told
    data[_at(2) : _at(3) + 4] = leaf[:_PAGE] + circle
    for read in (lambda d: d.row("t", 5), lambda d: list(d.rows("t"))):
        with pytest.raises(BundleCorrupt, match=r"a row of \d+ bytes|more in its rows"):
            read(_database(bytes(data)))


@pytest.mark.parametrize("page", [0, 10**6, 0xFFFFFFFF])
def test_a_chain_that_leads_nowhere(tree: tuple[bytearray, dict[str, int]], page: int) -> None:
    """A chain that ends early, or leaves the file, is damage."""
    data, pages = tree
    for path, number in pages.items():
        if "+" in path:
            data[_at(number) : _at(number) + 4] = page.to_bytes(4)
    with pytest.raises(BundleCorrupt, match="overflow chain leads to"):
        _database(bytes(data)).row("t", 1000)


@pytest.mark.fault(49)
@pytest.mark.parametrize("length", [b"\xff" * 9, b"\xff" * 8 + b"\0", b"\x8f\xff\xff\x7f"])
def test_rows_of_absurd_sizes(tree: tuple[bytearray, dict[str, int]], length: bytes) -> None:
    """A row larger than the file is damage, found before anything is read for it."""
    data, pages = tree
    for cell in _cells(data, pages["/000/000/"]):
        data[cell : cell + len(length) + 1] = length + b"\0"  # row 0
    database = _database(bytes(data))
    for read in (lambda: database.row("t", 0), lambda: list(database.rows("t"))):
        with pytest.raises(BundleCorrupt):
            read()


@pytest.mark.fault(49)
@pytest.mark.parametrize("page_size", PAGE_SIZES)
def test_one_large_row_many_times(tmp_path: Path, page_size: int) -> None:
    """Cells that share a row do not make more of it than there is in the file."""
    rows = [(1, bytes(50 * page_size))]
    path = make(tmp_path / "db", lambda c: insert(c, "t", rows), page_size=page_size)
    data = bytearray(path.read_bytes())
    page = data[page_size : 2 * page_size]
    assert page[:5] == b"\x0d\0\0\0\1"  # the table's root, a leaf of one cell
    page[3:5], page[8:28] = b"\0\x0a", page[8:10] * 10
    data[page_size : 2 * page_size] = page
    with pytest.raises(BundleCorrupt, match="more in its rows than in the file"):
        list(Database(Memory(bytes(data), budget=4 * len(data))).rows("t"))


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (b"\x02\x0a", "reserved serial type"),
        (b"\x02\x0b", "reserved serial type"),
        (b"\x02\x13ab", "ends early"),
        (b"\x02\x0f\xff", "utf-8"),
        (b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff", "ends early"),
        (b"\x7f", "index out of range"),
    ],
)
def test_malformed_records(tmp_path: Path, record: bytes, message: str) -> None:
    """A record that contradicts itself is damage to its table, to a scan and to a search."""
    path = make(tmp_path / "db", lambda c: insert(c, "t", [(5, "." * 20)]), page_size=_PAGE)
    data = bytearray(path.read_bytes())
    [cell] = _cells(data, 2)
    data[cell : cell + 2 + len(record)] = bytes((len(record), 5)) + record
    database = _database(bytes(data))
    reads: list[Callable[[], object]] = [
        lambda: database.row("t", 5),
        lambda: list(database.rows("t")),
        lambda: list(database.tails("t")),
    ]
    for read in reads[
        : 2 if message == "utf-8" else 3
    ]:  # where a text ends can be told all the same
        with pytest.raises(BundleCorrupt, match=message):
            read()


def test_a_page_with_more_cells_than_it_can_hold(small: bytes) -> None:
    """A number of cells is compared with the page's size before any of them is looked at."""
    data = small[: 100 + 3] + b"\x01\x00" + small[100 + 5 :]
    with pytest.raises(BundleCorrupt, match="page 1 claims 256 cells"):
        _ = _database(data).tables


def test_a_cell_that_reaches_past_its_page(tmp_path: Path) -> None:
    """A row that says it is on its page, and would be partly on the next, is damage."""
    path = make(tmp_path / "db", lambda c: insert(c, "t", [(5, "." * 20)]), page_size=_PAGE)
    data = bytearray(path.read_bytes())
    [cell] = _cells(data, 2)
    data[cell] += 1
    data += bytes(_PAGE)  # a page that no one owns: the bytes would be there
    data[28:32] = (3).to_bytes(4)
    database = _database(bytes(data))
    for read in (lambda: database.row("t", 5), lambda: list(database.tails("t"))):
        with pytest.raises(BundleCorrupt, match="past its page"):
            read()
