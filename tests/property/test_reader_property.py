"""Whatever a database or a zip holds: it is read as SQLite and the standard library read it."""

import io
import zipfile
from typing import Any

import apsw
from hypothesis import given, settings
from hypothesis import strategies as st

from litebundle.runtime.pages import Database
from tests.property.targets import SPLICES, Splice, spliced
from tests.unit.runtime import databases, zips
from tests.unit.runtime.databases import PAGE_SIZES, Memory, exact, found, looked_up

_INT64 = st.integers(-(1 << 63), (1 << 63) - 1)
# Few of them, so that rows are replaced and deleted; or any.
_ROWIDS = st.integers(-5, 20) | _INT64


@st.composite
def _blobs(draw: st.DrawFn) -> bytes:
    """Draw bytes of a length around what fits on so many pages."""
    length = draw(st.sampled_from([*PAGE_SIZES[:5], 100])) * draw(st.integers(0, 4))
    length = max(length + draw(st.integers(-50, 50)), 0)
    pattern = draw(st.binary(min_size=1, max_size=8))
    return (pattern * length)[:length]


_VALUES = st.none() | _INT64 | st.floats(allow_nan=False) | st.text(max_size=80) | _blobs()
_CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), _ROWIDS, st.tuples(_VALUES, _VALUES, _VALUES)),
        st.tuples(st.just("delete"), _ROWIDS),
        st.just(("vacuum",)),
    ),
    max_size=30,
)


def _written(options: dict[str, Any], changes: list[Any]) -> apsw.Connection:
    connection = databases.connect(":memory:", **options)
    connection.execute("CREATE TABLE t(a, b, c)")
    for kind, *arguments in changes:
        if kind == "insert":
            rowid, values = arguments
            connection.execute(
                "INSERT OR REPLACE INTO t(rowid, a, b, c) VALUES (?, ?, ?, ?)", (rowid, *values)
            )
        elif kind == "delete":
            connection.execute("DELETE FROM t WHERE rowid = ?", arguments)
        else:
            connection.execute("VACUUM")
    return connection


@settings(deadline=None, max_examples=150)
@given(
    st.fixed_dictionaries(
        {
            "page_size": st.sampled_from(PAGE_SIZES),
            "reserved": st.sampled_from([0, 0, 1, 32]),
            "pragmas": st.sampled_from([(), ("auto_vacuum=FULL",), ("auto_vacuum=INCREMENTAL",)]),
        }
    ),
    _CHANGES,
    st.binary(max_size=40),
)
def test_any_table_reads_as_sqlite_reads_it(
    options: dict[str, Any], changes: list[Any], prefix: bytes
) -> None:
    """Rows of any values, after any changes, in any kind of file, anywhere in it."""
    connection = _written(options, changes)
    rows = [
        (rowid, values)
        for rowid, *values in connection.execute("SELECT rowid, * FROM t ORDER BY rowid")
    ]
    data = prefix + connection.serialize("main") + b"behind it"
    connection.close()
    database = Database(Memory(data), len(prefix))
    assert exact(found(database)) == exact({"t": rows})
    assert exact(looked_up(database, {"t": rows})) == exact({"t": rows})
    for rowid, offset, local in database.tails("t"):
        last = dict(rows)[rowid][-1]
        if offset and isinstance(last, str | bytes):
            content = last.encode() if isinstance(last, str) else last
            assert database.tail(offset, local, len(content)) == content


def _small() -> bytes:
    connection = databases.connect(":memory:", page_size=512)
    databases.fill_small(connection)
    return connection.serialize("main")


_SMALL = _small()


@settings(deadline=None, max_examples=300)
@given(SPLICES)
def test_any_damage_to_a_database_is_refused_or_read(splices: list[Splice]) -> None:
    """Bytes removed, added and changed anywhere end in rows or BundleCorrupt, after few reads."""
    databases.read_damaged(spliced(_SMALL, splices))


_NAMES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30
)
_MEMBERS = st.dictionaries(
    _NAMES,
    st.tuples(
        _blobs() | st.binary(),
        st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
        st.booleans(),
    ),
    max_size=12,
)


def _zipped(members: dict[str, tuple[bytes, int, bool]], comment: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, (content, method, wide) in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            with archive.open(info, "w", force_zip64=wide) as member:
                member.write(content)
        archive.comment = comment
    return file.getvalue()


@settings(deadline=None, max_examples=150)
@given(
    _MEMBERS,
    # Of what looks like the locator of a zip64 record the standard library believes more
    st.binary(max_size=60).filter(lambda prefix: b"PK\6\7" not in prefix),
    st.binary(max_size=60).filter(lambda comment: b"PK\5\6" not in comment),
)
def test_any_zip_reads_as_the_standard_library_reads_it(
    members: dict[str, tuple[bytes, int, bool]], prefix: bytes, comment: bytes
) -> None:
    """Members of any names and contents, with anything in front and a comment behind."""
    data = prefix + _zipped(members, comment)
    assert zips.contents(data) == zips.stock_contents(data)
    assert list(zips.contents(data).values()) == [content for content, _, _ in members.values()]


@settings(deadline=None, max_examples=300)
@given(_MEMBERS, SPLICES)
def test_any_damage_to_a_zip_is_refused_or_read(
    members: dict[str, tuple[bytes, int, bool]], splices: list[Splice]
) -> None:
    """Bytes removed, added and changed anywhere end in contents or BundleCorrupt."""
    zips.assert_agree(spliced(_zipped(members, b"comment"), splices))
