"""`verify`: what our own check sees, and what those see who know the container."""

import shutil
import zipfile
from pathlib import Path

import pytest

from litebundle.errors import BundleError
from litebundle.inspect.verify import verify
from tests.unit.inspect.forge import execute


def told(path: Path) -> list[str]:
    """Return what is wrong with a bundle, in words."""
    return [*map(str, verify(path).problems)]


def test_what_the_builder_writes_is_sound(packed: Path) -> None:
    """In every respect."""
    verdict = verify(packed)
    assert verdict.problems == verdict.notes == ()
    assert verdict.blobs > 20
    assert verdict.size > 2000


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        (
            "UPDATE files SET mode = 493 WHERE path = 'same.txt'",
            "table files: the listings have no row ('same.txt', 'data', 493",
        ),
        (
            "UPDATE files SET kind = 'source' WHERE path = 'same.txt'",
            "table files: lacks row ('same.txt'",
        ),
        ("DELETE FROM files WHERE path = 'same.txt'", "table files: lacks row ('same.txt'"),
        (
            "UPDATE code SET module = 'other' WHERE module = 'pkg.sub'",
            "table code: the listings have no row ('other'",
        ),
        ("DELETE FROM code WHERE module = 'pkg.sub'", "table code: lacks row ('pkg.sub'"),
        ("DELETE FROM distributions", "table distributions: lacks row"),
        ("UPDATE placements SET level = 2", "table placements: the listings have no row (2, "),
        (
            "UPDATE listings SET path = 'else' WHERE path = 'assets'",
            "table listings: the listings have no row",
        ),
        (
            "INSERT INTO blobs SELECT 999, digest, encoding, size, data FROM blobs WHERE id = 1",
            "table blobs: row 999 belongs to nothing",
        ),
        # 1 is the code of a module that a package hides: no listing leads to it
        (
            "UPDATE blobs SET digest = zeroblob(32) WHERE id = 1",
            "table blobs: row 1 is not what it says",
        ),
        (
            "UPDATE blobs SET digest = zeroblob(32) WHERE id = 2",
            "table blobs: row 2 is not what it says",
        ),
        ("UPDATE blobs SET size = size + 1 WHERE id = 1", "table blobs: row 1 is not what it says"),
        ("UPDATE files SET blob = 12345 WHERE path = 'same.txt'", "blobs has not"),
        ("CREATE TABLE more(x)", "table more: not of the format"),
        ("CREATE INDEX fast ON files(path)", "index fast: not of the format"),
        (
            "CREATE TRIGGER evil AFTER INSERT ON files BEGIN DELETE FROM code; END",
            "trigger evil: not of the format",
        ),
        ("DROP VIEW contents", "view contents: of the format, but missing"),
    ],
)
def test_tables_that_tell_something_else_are_told(
    database: Path, statement: str, problem: str
) -> None:
    """The loader never reads those tables, but people do."""
    execute(database, statement)
    found = told(database)
    assert any(problem in sentence for sentence in found), found


def test_a_page_that_sqlite_cannot_read_is_told(database: Path) -> None:
    """Damage where our reader has no business: the b-tree of a table that it does not use."""
    data = bytearray(database.read_bytes())
    at = data.rindex(b"dist-1.dist-info/helper.py") // 4096 * 4096
    data[at] ^= 0xFF
    database.write_bytes(data)
    assert any("SQLite" in sentence for sentence in told(database))


def test_a_vacuumed_database_is_sound_but_slower(database: Path) -> None:
    """That is worth a note, and no more."""
    execute(database, "PRAGMA page_size = 8192", "VACUUM")
    verdict = verify(database)
    assert verdict.problems == ()
    assert "after a VACUUM" in verdict.notes[0].what


@pytest.mark.fault(4)
def test_bytes_behind_the_end_are_told(packed: Path, tmp_path: Path) -> None:
    """Nothing reads them; nothing put them there either."""
    copy = tmp_path / "copy"
    copy.write_bytes(packed.read_bytes() + b"tail")
    [problem] = told(copy)
    assert "bytes stand behind the end of the " in problem


@pytest.mark.fault(52)
def test_a_member_that_only_zipimport_sees_is_told(zipped: Path) -> None:
    """Stock Python would import it, and we not: two programs in one file."""
    with zipfile.ZipFile(zipped, "a") as archive:
        archive.writestr("evil.py", "")
    assert "member evil.py: not in the index" in told(zipped)


def test_a_member_that_is_there_twice_is_told(zipped: Path) -> None:
    """Which of them counts is up to the reader."""
    with zipfile.ZipFile(zipped, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("same.txt", "")
    assert "member same.txt: is there 2 times" in told(zipped)


def test_a_member_that_is_gone_is_told(zipped: Path, tmp_path: Path) -> None:
    """Rewritten without one that only stock Python needs: our own index does not miss it."""
    thinner = tmp_path / "thinner"
    with zipfile.ZipFile(zipped) as old, zipfile.ZipFile(thinner, "w") as new:
        for member in old.infolist():
            if member.filename != "both.pyc":
                new.writestr(member, old.read(member))
    assert "member both.pyc: of the index, but missing" in told(thinner)


def test_a_directory_without_its_entry_is_told(zipped: Path, tmp_path: Path) -> None:
    """Rewritten by a tool that leaves them out: zipimport would not find namespace packages."""
    without = tmp_path / "without"
    with zipfile.ZipFile(zipped) as old, zipfile.ZipFile(without, "w") as new:
        entries = [each.filename for each in old.infolist() if each.is_dir()]
        for member in old.infolist():
            if not member.is_dir():
                new.writestr(member, old.read(member))
    sentence = "member {}: missing: the directory is no namespace package for zipimport"
    assert entries
    assert told(without) == [*map(sentence.format, sorted(entries))]


def test_members_numbered_wrongly_are_told(zipped: Path, tmp_path: Path) -> None:
    """The contents are equal, so no checksum tells; but each file is the member of its name."""
    other = tmp_path / "other"
    with zipfile.ZipFile(zipped) as old, zipfile.ZipFile(other, "w") as new:
        for member in old.infolist():
            data = old.read(member)
            if member.filename == ".litebundle/members":
                swap = {b"same.txt": b"pkg/data.txt", b"pkg/data.txt": b"same.txt"}
                data = b"\0".join(swap.get(name, name) for name in data.split(b"\0"))
            new.writestr(member, data)
    found = told(other)
    names = ["member same.txt", "member pkg/data.txt"]
    assert [problem.partition(": ")[0] for problem in found] == names
    assert all(": not the one that blob " in problem for problem in found)


def test_damage_that_only_the_crc_sees_is_told(zipped: Path) -> None:
    """The header of a `.pyc` is for zipimport; our checksums begin behind it."""
    data = bytearray(zipped.read_bytes())
    with zipfile.ZipFile(zipped) as archive:
        member = archive.getinfo("pkg/sub.pyc")
    at = member.header_offset + 30 + len(member.filename)
    assert data[at + 2 : at + 4] == b"\r\n"  # PEP 552
    data[at + 8] ^= 1
    zipped.write_bytes(data)
    [problem] = told(zipped)
    assert problem.startswith("member pkg/sub.pyc: Bad CRC-32")


def test_a_damaged_manifest_is_a_problem_and_no_error(database: Path, zipped: Path) -> None:
    """The verdict on a file that cannot be opened any more is a verdict too."""
    for path in (database, zipped):
        data = path.read_bytes()
        path.write_bytes(data.replace(b"litebundle ", b"litebungle ", 1))
        [problem] = told(path)
        assert "manifest" in problem
        assert str(path) not in problem


def test_what_is_no_bundle_is_an_error(tmp_path: Path) -> None:
    """There is nothing to give a verdict on."""
    text = tmp_path / "text"
    text.write_text("text")
    with pytest.raises(BundleError, match="not a bundle"):
        verify(text)


@pytest.mark.fault(43)
@pytest.mark.parametrize("name", ["caf\udce9.bundle", "d/" * 300 + "deep.bundle"])
def test_paths_that_sqlite_cannot_open_are_verified_too(
    database: Path, tmp_path: Path, name: str
) -> None:
    """Not UTF-8, or longer than 512 bytes: the database is looked at in memory."""
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(database, path)
    assert told(path) == []
    execute(database, "DELETE FROM distributions")
    shutil.copy(database, path)
    assert any("distributions" in sentence for sentence in told(path))
