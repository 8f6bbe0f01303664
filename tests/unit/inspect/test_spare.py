"""Bytes that nothing uses are counted, and are zero unless somebody was there."""

from pathlib import Path

import pytest

from litebundle.inspect.verify import verify
from tests.unit.inspect.forge import execute


def test_fresh_bundles_have_only_zeros(packed: Path) -> None:
    """Some bytes are unused, in pages or in headers; all as they were built."""
    verdict = verify(packed)
    assert verdict.notes == ()
    assert 0 < verdict.unused < packed.stat().st_size


def test_bytes_hidden_in_a_page_are_noted(database: Path) -> None:
    """Between the cells of the last page and its pointers."""
    before = verify(database)
    data = bytearray(database.read_bytes())
    data[-4096 + 200 : -4096 + 206] = b"hidden"
    database.write_bytes(data)
    after = verify(database)
    assert after.problems == ()
    assert after.unused == before.unused
    assert [str(note) for note in after.notes] == [
        f"unused bytes: not all as they were built (found 6 of {before.unused})"
    ]


def test_free_pages_are_unused(database: Path) -> None:
    """What stood there is still there, unless SQLite was told to wipe it."""
    before = verify(database).unused
    execute(
        database,
        "PRAGMA secure_delete = OFF",
        "CREATE TABLE more(x)",
        "INSERT INTO more VALUES (randomblob(20000))",
        "DROP TABLE more",
    )
    verdict = verify(database)
    assert verdict.problems == ()
    assert verdict.unused >= before + 5 * 4096
    assert verdict.notes[-1].where == "unused bytes"


def test_bytes_between_members_are_noted(zipped: Path) -> None:
    """The directory and all offsets in it moved by as much: readers see nothing of it."""
    data = zipped.read_bytes()
    at = data.rindex(b"PK\5\6")
    start = int.from_bytes(data[at + 16 : at + 20], "little")
    moved = data[at:][:16] + (start + 4).to_bytes(4, "little") + data[at:][20:]
    zipped.write_bytes(data[:start] + b"more" + data[start:at] + moved)
    verdict = verify(zipped)
    assert verdict.problems == ()
    assert [note.where for note in verdict.notes] == ["unused bytes"]


@pytest.mark.parametrize(
    ("at", "value", "where"),
    [
        (21, 65, "header of the database at byte 21"),
        (50, 1, "header of the database at byte 48"),
        (80, 1, "header of the database at byte 72"),
        (95, 77, "header of the database at byte 92"),
        (35, 3, "header of the database at byte 32"),
    ],
)
def test_a_header_that_no_sqlite_writes_is_told(
    database: Path, at: int, value: int, where: str
) -> None:
    """Our reader does not look there, and SQLite does not mind."""
    data = bytearray(database.read_bytes())
    data[at] = value
    database.write_bytes(data)
    assert where in [problem.where for problem in verify(database).problems]
