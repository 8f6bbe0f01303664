"""What nothing uses in a database is zero, in whatever way its trees have grown."""

from pathlib import Path

import apsw

from litebundle.builder import Options, build
from litebundle.inspect.verify import verify
from litebundle.runtime.trust import Trust
from litebundle.write.blank import blank
from tests.rules.places import write_tree
from tests.signing import KEY, signed


def test_a_database_of_many_small_pages_has_no_old_bytes(tmp_path: Path) -> None:
    """Neither as it is built nor as it is signed; and it stays sound for SQLite."""
    write_tree({f"p/m{number:03}.py": f"V = {number}\n" for number in range(900)}, tmp_path / "s")
    build([tmp_path / "s"], tmp_path / "b", Options(compress="zlib", jobs=1))
    signed(tmp_path / "b", tmp_path / "signed")
    for path in (tmp_path / "b", tmp_path / "signed"):
        verdict = verify(
            path, trust=Trust("the key", KEY.public.line) if "s" in path.name else None
        )
        assert (verdict.problems, verdict.notes) == ((), ())
        database = apsw.Connection(str(path))
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        database.close()


def test_what_rows_left_is_zero(tmp_path: Path) -> None:
    """Old cells are gone, the rows and the list of free blocks are not."""
    path = tmp_path / "db"
    database = apsw.Connection(str(path))
    database.execute("PRAGMA page_size = 512; CREATE TABLE t(a)")
    database.executemany("INSERT INTO t VALUES (?)", [(f"secret {n:03}",) for n in range(500)])
    database.execute("DELETE FROM t WHERE rowid % 3")
    database.close()
    assert b"secret 001" in path.read_bytes()
    blank(path)
    assert b"ecret 001" not in path.read_bytes()
    database = apsw.Connection(str(path))
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    found = [row[0] for row in database.execute("SELECT a FROM t")]
    database.close()
    assert found == [f"secret {n - 1:03}" for n in range(3, 501, 3)]
