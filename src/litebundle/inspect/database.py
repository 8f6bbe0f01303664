"""A bundle's database as SQLite sees it: sound in itself, and saying what the listings say.

The loader reads three tables; the others are there for people, and nothing else would notice if
they told something else. What they tell is read by our own reader; the engine, which does more with
a file than reading it, is asked only whether the file is one, and only if the schema is ours.
"""

import contextlib
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import apsw

from litebundle.collect.tree import Kind
from litebundle.errors import BundleCorrupt
from litebundle.format.listing import ENCODING_PART, Ref
from litebundle.format.signature import SIGNATURE
from litebundle.inspect import spare
from litebundle.inspect.bundle import Bundle
from litebundle.inspect.check import Check
from litebundle.inspect.engine import opened
from litebundle.inspect.finding import Finding
from litebundle.inspect.launcher import launcher_behind
from litebundle.runtime.containers import BLOBS, LISTINGS, SqliteContainer
from litebundle.runtime.groups import parted
from litebundle.write.sqlite import DIGESTS_SCHEMA, SCHEMA

Row = tuple[Any, ...]

_COLUMNS = {"listings": 5, "blobs": 5, "files": 5, "code": 5, "placements": 5, "distributions": 4}

_MOST = 10_000
"""Complaints of SQLite's that are listed: it goes on for each row of a broken page."""


def unsound(bundle: Bundle) -> Iterator[Finding]:
    """Yield what SQLite itself finds wrong, and what does not belong into a bundle."""
    container = _container(bundle)
    yield from launcher_behind(bundle, container.end)
    try:
        schema = [*_schema(container, signed=SIGNATURE in bundle.manifest)]
        yield from schema
        if schema:  # nothing that would be let at it
            return
        yield from spare.header(container.database)
        with opened(container, bundle.archive.descriptor) as connection:
            for (lines,) in connection.execute(f"PRAGMA integrity_check({_MOST})"):
                for line in str(lines).splitlines():
                    if line != "ok" and not line.startswith("***"):
                        yield Finding(where="database", what=f"SQLite: {line}")
            for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check"):
                yield Finding(
                    where=f"table {table}", what=f"row {row} refers to a row that {parent} has not"
                )
    except BundleCorrupt as error:
        yield Finding(where="database", what=error.message)
    except apsw.Error as error:
        yield Finding(where="database", what=f"SQLite cannot read it: {error}")


def contradictions(bundle: Bundle, check: Check) -> Iterator[Finding]:
    """Yield a finding for every row that says other than the listings, given all of them."""
    hidden = set(_hidden(bundle, check))
    yield from _blobs(bundle, check, {row[-1] for row in hidden})
    for table, (expected, columns) in _expected(bundle, check).items():
        found = Counter(columns(row) for row in _rows(bundle, table))
        if table == "code":
            found.subtract(hidden)
        for row in sorted(expected - found.keys(), key=repr):
            yield Finding(where=f"table {table}", what=f"lacks {_shown(row)}")
        for row in sorted(found, key=repr):
            if row not in expected and found[row] > 0:
                yield Finding(where=f"table {table}", what=f"the listings have no {_shown(row)}")
            elif found[row] > 1:
                yield Finding(where=f"table {table}", what=f"{_shown(row)} is there twice")
    yield from _numbers(bundle)


def unused(bundle: Bundle) -> spare.Spare:
    """Measure what nothing uses of a sound database."""
    return spare.spare(_container(bundle).database)


def _container(bundle: Bundle) -> SqliteContainer:
    container = bundle.archive.container
    assert isinstance(container, SqliteContainer)  # noqa: S101  # the caller's promise
    return container


def _rows(bundle: Bundle, table: str) -> Iterator[Row]:
    """Yield the rows of a table, with the row id in the place of the `id` that stands for it."""
    for rowid, values in _container(bundle).database.rows(table):
        if len(values) != _COLUMNS[table]:
            raise BundleCorrupt(f"table {table} has a row of {len(values)} columns")
        yield rowid, *values[1:]


def _schema(container: SqliteContainer, *, signed: bool) -> Iterator[Finding]:
    sample = apsw.Connection(":memory:")
    sample.execute(SCHEMA)
    if signed:
        sample.execute(DIGESTS_SCHEMA)
    expected = Counter(sample.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema"))
    sample.close()
    found: Counter[Row] = Counter(
        (kind, name, table, sql) for _, (kind, name, table, _, sql) in container.database.schema()
    )
    for kind, name, *_ in sorted((found - expected).elements(), key=repr):
        yield Finding(where=f"{kind} {name}", what="not of the format")
    for kind, name, *_ in sorted((expected - found).elements(), key=repr):
        yield Finding(where=f"{kind} {name}", what="of the format, but missing")


def _numbers(bundle: Bundle) -> Iterator[Finding]:
    """Yield the tables whose rows are not numbered from 1, which a reference's number relies on."""
    for table in sorted(_container(bundle).database.tables):
        for expected, (rowid, values) in enumerate(_container(bundle).database.rows(table), 1):
            if rowid != expected or values[0] is not None:
                yield Finding(
                    where=f"table {table}", what="not numbered", expected=expected, found=rowid
                )
                break


def _hidden(bundle: Bundle, check: Check) -> Iterator[Row]:
    """Yield the code of modules that a package of their name hides: no listing refers to it."""
    paths = check.hidden()
    return (
        tuple(row)
        for _, *row in _rows(bundle, "code")
        if row[1] in paths and row[0] == _dotted(row[1])
    )


def _blobs(bundle: Bundle, check: Check, unlisted: set[object]) -> Iterator[Finding]:
    tails = {
        table: {
            number: (at, local) for number, at, local in _container(bundle).database.tails(table)
        }
        for table in (BLOBS, LISTINGS)
    }
    for (table, number), ref in check.at.items():
        if tails[table].get(number) not in ((ref.offset, ref.local), None):
            yield Finding(where=f"table {table}", what=f"references to row {number} lead elsewhere")
    unlisted = {*unlisted, *_groups(bundle, unlisted)}
    for identifier, digest, encoding, size, data in _rows(bundle, BLOBS):
        content = data if isinstance(data, bytes) else b""
        if blob := check.blobs.get(identifier):
            expected = blob.digest or digest, blob.encoding, blob.raw, blob.stored
        elif identifier in unlisted:
            ref = Ref(
                identifier=identifier,
                at=(0, 0),
                sizes=(len(content), size),
                encoding=encoding,
                checksum=b"",
            )
            try:
                raw = bundle.archive.unpack(content, ref)
            except ValueError as error:
                yield Finding(where=f"table {BLOBS}", what=f"row {identifier}: {error}")
                continue
            expected = hashlib.sha256(raw).digest(), encoding, len(raw), len(content)
        else:
            yield Finding(where=f"table {BLOBS}", what=f"row {identifier} belongs to nothing")
            continue
        if expected != (digest, encoding, size, len(content)):
            yield Finding(where=f"table {BLOBS}", what=f"row {identifier} is not what it says")


def _groups(bundle: Bundle, identifiers: Iterable[object]) -> Iterator[int]:
    """Yield what blobs are parts of that no listing refers to."""
    database = _container(bundle).database
    for identifier in identifiers:
        row = database.row(BLOBS, identifier) if isinstance(identifier, int) else None
        if row is not None and row[2] == ENCODING_PART and isinstance(row[-1], bytes):
            with contextlib.suppress(ValueError):  # which is told when all rows are looked at
                yield parted(row[-1]).identifier


def _expected(bundle: Bundle, check: Check) -> dict[str, tuple[set[Row], Callable[[Row], Row]]]:
    """Return, by table, the rows of what the listings tell a second time, and what to compare."""
    directories = [found for root in check.roots for found in root.directories.values()]
    files = [file for directory in directories for file in directory.files.values()]

    def named(row: Row, number: int, path: object) -> Row:
        # Of modules that are placed together the builder chooses which gives the name.
        return (*row, path if number not in check.units else path in check.units[number])

    return {
        "listings": (
            {
                named((number, root, kind), number, path)
                for number, (root, kind, path) in check.listings.items()
            },
            lambda row: named(row[:3], row[0], row[3]),
        ),
        "files": (
            {(f.path, Kind.of(f.path).value, f.mode, f.blob.identifier) for f in files},
            lambda row: row[1:],
        ),
        "code": (
            {
                (_dotted(path), path, variant, blob.identifier)
                for path, variant, blob in check.codes()
            },
            lambda row: row[1:],
        ),
        "placements": (
            {(found.level, found.key, number, True) for number, found in check.placements.items()},
            lambda row: named(row[2:5], row[4], row[1]),
        ),
        "distributions": (
            {
                (found.name, found.version, found.path)
                for number in range(len(check.roots))
                for found in bundle.at(number).distributions()
            },
            lambda row: row[1:],
        ),
    }


def _dotted(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _shown(row: Row) -> str:
    return "row (" + ", ".join(v.hex() if isinstance(v, bytes) else repr(v) for v in row) + ")"
