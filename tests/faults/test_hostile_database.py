"""Databases that somebody crafted: nothing of theirs is run, and nothing they claim is believed."""

import shutil
import sqlite3
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import apsw
import pytest

from litebundle.errors import BundleCorrupt, BundleError
from litebundle.inspect import database as view
from litebundle.inspect.bundle import Bundle
from litebundle.inspect.engine import opened
from litebundle.inspect.verify import verify
from litebundle.runtime.archive import open_archive
from litebundle.runtime.containers import SqliteContainer
from litebundle.runtime.pages import LEAF, layout, varint
from tests.rules.places import Library, Tree

TREE: Tree = {
    "pkg/__init__.py": "VALUE = 1\n",
    "pkg/data.txt": "data\n" * 90,
    "top.py": "",
    **{f"many/m{number:03}.py": f"VALUE = {number}\n" for number in range(150)},
}


@pytest.fixture
def bundle(library: Library, tmp_path: Path) -> Path:
    """Return a bundle of the test's own, with tables of several pages."""
    return Path(shutil.copy(library.place(TREE, "sqlite").entry, tmp_path / "app.bundle"))


@contextmanager
def rewritten(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database whose schema is to be written by hand."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA writable_schema = ON")
        yield database


def look(path: Path) -> list[object]:
    """Ask what the reading commands ask; return what is seen before it is refused."""
    seen: list[object] = []
    try:
        bundle = Bundle(path)
        seen += [*bundle.modules(), *bundle.files(), *bundle.distributions()]
        seen += [bundle.read(file.path) for file in bundle.files()]
    except BundleError as error:
        seen.append(error)
    return seen


def refuse_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail if SQLite the engine is let at a bundle."""

    def never(*arguments: object) -> None:
        pytest.fail(f"the engine was let at {arguments}")

    monkeypatch.setattr(view, "opened", never)


_SCHEMAS = {
    "a view in the place of a table": "DROP TABLE files; CREATE VIEW files AS SELECT 1",
    "another view": "CREATE VIEW more AS SELECT * FROM files",
    "a trigger": "CREATE TRIGGER t AFTER INSERT ON files BEGIN DELETE FROM code; END",
    "a virtual table": "CREATE VIRTUAL TABLE v USING fts5(x)",
    "an index on an expression": "CREATE INDEX i ON files(hex(path))",
    "a generated column": "CREATE TABLE g(a, b AS (hex(a)))",
    "a check": "CREATE TABLE c(a CHECK (hex(a) > '0'))",
    "a default": "CREATE TABLE d(a DEFAULT (randomblob(9)))",
    "a collation": "CREATE TABLE n(a COLLATE nocase)",
}


@pytest.mark.fault(50)
@pytest.mark.parametrize("statements", _SCHEMAS.values(), ids=_SCHEMAS)
def test_another_schema_never_reaches_the_engine(
    bundle: Path, statements: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told, each thing by its name; our own reader goes on with the three tables it knows."""
    with closing(sqlite3.connect(bundle)) as database:
        database.executescript(statements)
    refuse_engine(monkeypatch)
    problems = [*map(str, verify(bundle).problems)]
    assert any("not of the format" in problem for problem in problems), problems
    assert len(look(bundle)) > 300


@pytest.mark.fault(50)
def test_a_row_of_the_schema_that_has_no_columns(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where an import does not look, for the manifest's row comes first."""
    data = bytearray(bundle.read_bytes())
    kind, first, count = layout(bytes(data[:512]), 1)
    assert kind == LEAF
    last = first + 2 * (count - 1)
    record = int.from_bytes(data[last : last + 2])
    for _ in ("length of the payload", "rowid"):
        _, record = varint(bytes(data), record)
    data[record] = 1  # the length of its header, itself included
    bundle.write_bytes(data)
    refuse_engine(monkeypatch)
    [problem] = verify(bundle).problems
    assert "damaged schema: a row of 0 columns" in str(problem)
    assert open_archive(str(bundle)) is not None


_TRICKS = {
    "a check in the SQL": (
        "UPDATE sqlite_schema SET sql = replace(sql, 'data BLOB', "
        "'data CHECK(load_extension(1)) BLOB') WHERE name = 'blobs'"
    ),
    "no SQL": "UPDATE sqlite_schema SET sql = NULL WHERE name = 'files'",
    "no name": "UPDATE sqlite_schema SET name = NULL WHERE name = 'files'",
    "a table twice": "INSERT INTO sqlite_schema SELECT * FROM sqlite_schema WHERE name = 'code'",
    "a page that is text": "UPDATE sqlite_schema SET rootpage = 'one' WHERE name = 'files'",
    "a page far away": "UPDATE sqlite_schema SET rootpage = 1 << 40 WHERE name = 'blobs'",
    "a page below zero": "UPDATE sqlite_schema SET rootpage = -3 WHERE name = 'listings'",
    "the schema for a table": "UPDATE sqlite_schema SET rootpage = 1 WHERE name = 'manifest'",
    "a table for another": "UPDATE sqlite_schema SET rootpage = 2 WHERE name = 'listings'",
    "gigabytes of SQL": "UPDATE sqlite_schema SET sql = zeroblob(900000) WHERE name = 'modules'",
}


@pytest.mark.fault(50)
@pytest.mark.parametrize("statement", _TRICKS.values(), ids=_TRICKS)
def test_a_schema_written_by_hand_is_told(bundle: Path, statement: str) -> None:
    """Whatever stands in its columns; and no reading command does anything but refuse or read."""
    with rewritten(bundle) as database:
        database.execute(statement)
    assert verify(bundle).problems
    assert look(bundle)


def test_the_engine_can_do_nothing_but_read(bundle: Path) -> None:
    """No writing, no other file, no code of others, and no query that does not end."""
    archive = open_archive(str(bundle))
    assert archive is not None
    assert isinstance(archive.container, SqliteContainer)
    before = bundle.read_bytes(), sorted(bundle.parent.iterdir())
    with opened(archive.container, archive.descriptor) as connection:
        assert connection.execute("SELECT count(*) FROM code").get == 152
        assert connection.execute("PRAGMA trusted_schema").get == 0
        for statement in (
            "DELETE FROM code",
            "CREATE TABLE t(x)",
            f"ATTACH '{bundle.parent}/other' AS other",
            "SELECT load_extension('x')",
            "SELECT * FROM modules",  # no view is run, ours neither
            "SELECT hex(zeroblob(500000000))",
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
        ):
            with pytest.raises(apsw.Error):
                connection.execute(statement).fetchall()
    assert (bundle.read_bytes(), sorted(bundle.parent.iterdir())) == before


def test_the_engine_reads_what_the_reader_has_opened(bundle: Path) -> None:
    """Through its descriptor: what stands at the path meanwhile, or beside it, is not seen."""
    found = Bundle(bundle)
    container = found.archive.container
    assert isinstance(container, SqliteContainer)
    bundle.rename(bundle.with_name("elsewhere"))
    bundle.write_text("another file")
    bundle.with_name("app.bundle-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" * 100)
    with opened(container, found.archive.descriptor) as connection:
        assert connection.execute("SELECT count(*) FROM code").get == 152


def pages(data: bytes | bytearray, kind: int) -> list[int]:
    """Return where the pages of a kind begin: 5 are interior ones of tables, 13 leaves."""
    return [at for at in range(4096, len(data), 4096) if data[at] == kind]


@pytest.mark.fault(49)
def test_cycles_of_pages_are_cut(bundle: Path) -> None:
    """A tree that leads back to its root is refused by every command, after few reads."""
    data = bytearray(bundle.read_bytes())
    interior = pages(data, 5)
    assert interior
    for at in interior:
        page = at // 4096 + 1
        count = int.from_bytes(data[at + 3 : at + 5])
        for pointer in range(at + 12, at + 12 + 2 * count, 2):
            cell = at + int.from_bytes(data[pointer : pointer + 2])
            data[cell : cell + 4] = page.to_bytes(4)
        data[at + 8 : at + 12] = page.to_bytes(4)
    bundle.write_bytes(data)
    assert any("SQLite: " in str(problem) for problem in verify(bundle).problems)
    assert look(bundle)


@pytest.mark.fault(49)
@pytest.mark.parametrize("start", [16, 20, 28, 36, 100, 103, 105])
@pytest.mark.parametrize("value", [b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\1\0\0"])
def test_absurd_numbers_cost_nothing(bundle: Path, start: int, value: bytes) -> None:
    """Page sizes, page counts, free pages, cells: refused or told, and never allocated."""
    data = bytearray(bundle.read_bytes())
    data[start : start + 4] = value
    bundle.write_bytes(data)
    tracemalloc.start()
    try:
        seen = look(bundle)
        with suppress(BundleError):
            assert verify(bundle).problems
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert seen
    assert peak < 10 * len(data) + (4 << 20)


@pytest.mark.fault(49)
def test_cells_that_claim_gigabytes_are_not_believed(bundle: Path) -> None:
    """Every row of every leaf says that it has 2 GB."""
    data = bytearray(bundle.read_bytes())
    for at in pages(data, 13):
        for pointer in range(at + 8, at + 8 + 2 * int.from_bytes(data[at + 3 : at + 5]), 2):
            cell = at + int.from_bytes(data[pointer : pointer + 2])
            data[cell : cell + 5] = b"\x87\xff\xff\xff\x7f"
    bundle.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(BundleCorrupt):
            Bundle(bundle)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


@pytest.mark.fault(4)
def test_what_stands_behind_is_told_and_never_read(bundle: Path, tmp_path: Path) -> None:
    """Garbage, and another bundle: imports do not see it, `verify` does."""
    data = bundle.read_bytes()
    for garbage in (b"x", bytes(64 << 10), data, b"PK\5\6" + bytes(18)):
        path = tmp_path / "longer"
        path.write_bytes(data + garbage)
        assert len(look(path)) == len(look(bundle))
        [problem] = verify(path).problems
        assert f"{len(garbage)} bytes stand behind" in problem.what
