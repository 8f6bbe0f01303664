"""A bundle's database as SQLite sees it: sound in itself, and saying what the listings say.

The loader reads three tables; the others are there for people, and nothing else would notice if
they told something else.
"""

import hashlib
import os
from collections.abc import Collection, Iterator
from pathlib import Path

import apsw

from litebundle.collect.tree import Kind
from litebundle.format.listing import ENCODING_NONE, PACKAGE, SOURCE
from litebundle.format.signature import SIGNATURE
from litebundle.inspect.bundle import Bundle
from litebundle.inspect.check import Check
from litebundle.runtime.containers import SqliteContainer
from litebundle.write.sqlite import DIGESTS_SCHEMA, SCHEMA

_LONGEST = 480
"""Longest path in bytes that every build of SQLite opens; its limit is 512 less some suffixes."""


def unsound(bundle: Bundle) -> Iterator[str]:
    """Yield what SQLite itself finds wrong, and what does not belong into a bundle."""
    yield from _behind(bundle)
    connection = _open(bundle)
    try:
        for (line,) in connection.execute("PRAGMA integrity_check"):
            if line != "ok":
                yield f"SQLite: {line}"
        for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check"):
            yield f"row {row} of table {table} refers to a row that {parent} has not"
        yield from _schema(connection, signed=SIGNATURE in bundle.manifest)
    except apsw.Error as error:
        yield f"SQLite cannot read it: {error}"
    finally:
        connection.close()


def contradictions(bundle: Bundle, check: Check) -> Iterator[str]:
    """Yield a sentence for every row that says other than the listings, given a sound check."""
    connection = _open(bundle)
    try:
        hidden = set(_hidden(connection, check))
        yield from _blobs(connection, check, hidden)
        for table, columns, rows in _expected(bundle, check):
            found = set(connection.execute(f"SELECT {columns} FROM {table}"))  # noqa: S608 - ours
            if table == "code":
                found -= hidden
            for row in sorted(found - rows, key=repr):
                yield f"table {table} has a row that the listings have not: {row}"
            for row in sorted(rows - found, key=repr):
                yield f"table {table} lacks a row that the listings have: {row}"
    finally:
        connection.close()


def _behind(bundle: Bundle) -> Iterator[str]:
    """Yield what is wrong with the launcher that stands behind the database."""
    with Path(bundle.path).open("rb") as file:
        file.seek(_container(bundle).end)
        found = file.read()
    size, _, digest = bundle.manifest.get("tail", "0").partition(" ")
    if trailing := len(found) - int(size):
        if trailing > 0:
            yield f"{trailing} bytes stand behind the end of the database"
        else:
            yield f"the launcher behind the database is {-trailing} bytes too short"
    elif found and hashlib.sha256(found).hexdigest() != digest:
        yield "the launcher behind the database is damaged"


def _container(bundle: Bundle) -> SqliteContainer:
    container = bundle.archive.container
    assert isinstance(container, SqliteContainer)  # noqa: S101  # the caller's promise
    return container


def _open(bundle: Bundle) -> apsw.Connection:
    name = os.fsencode(os.path.abspath(bundle.path))  # noqa: PTH100 - bytes
    base = _container(bundle).base
    if not base and len(name) <= _LONGEST and _is_utf8(name):
        return apsw.Connection(bundle.path, flags=apsw.SQLITE_OPEN_READONLY)
    connection = apsw.Connection(":memory:")
    connection.deserialize("main", Path(bundle.path).read_bytes()[base:])
    return connection


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def _schema(connection: apsw.Connection, *, signed: bool) -> Iterator[str]:
    sample = apsw.Connection(":memory:")
    sample.execute(SCHEMA)
    if signed:
        sample.execute(DIGESTS_SCHEMA)
    query = "SELECT type, name, sql FROM sqlite_schema"
    expected, found = set(sample.execute(query)), set(connection.execute(query))
    sample.close()
    for kind, name, _ in sorted(found - expected, key=repr):
        yield f"{kind} {name} is not of the format"
    for kind, name, _ in sorted(expected - found, key=repr):
        yield f"{kind} {name} of the format is missing"


def _hidden(connection: apsw.Connection, check: Check) -> Iterator[tuple[object, ...]]:
    """Yield the code of modules that a package of their name hides: no listing refers to it."""
    paths = {
        f"{directory.path}/{name}.py".lstrip("/")
        for root in check.roots
        for directory in root.directories.values()
        for name, module in directory.modules.items()
        if module.flags & PACKAGE and module.flags & SOURCE
    }
    for row in connection.execute("SELECT module, path, variant, blob FROM code"):
        if row[1] in paths:
            yield row


def _blobs(
    connection: apsw.Connection, check: Check, hidden: Collection[tuple[object, ...]]
) -> Iterator[str]:
    unlisted = {row[-1] for row in hidden}
    query = "SELECT id, digest, encoding, size, data FROM blobs"
    for identifier, digest, encoding, size, data in connection.execute(query):
        if blob := check.blobs.get(identifier):
            expected = blob.digest, blob.encoding, blob.raw, blob.stored
        elif identifier in unlisted:  # code is stored as it is
            expected = hashlib.sha256(data).digest(), ENCODING_NONE, len(data), len(data)
        else:
            yield f"blob {identifier} belongs to nothing"
            continue
        if expected != (digest, encoding, size, len(data)):
            yield f"blob {identifier} is not what its row says"


def _expected(bundle: Bundle, check: Check) -> Iterator[tuple[str, str, set[tuple[object, ...]]]]:
    """Yield table, columns and rows of what the listings tell a second time."""
    directories = [found for root in check.roots for found in root.directories.values()]
    files = [file for directory in directories for file in directory.files.values()]
    placements = [found for directory in directories for found in directory.placements.values()]
    yield (
        "listings",
        "id, root, kind, iif(kind = 'directory', path, NULL)",
        {
            (number, root, kind, path if kind == "directory" else None)
            for number, (root, kind, path) in check.listings.items()
        },
    )
    yield (
        "files",
        "path, kind, mode, blob",
        {(f.path, Kind.of(f.path).value, f.mode, f.blob.identifier) for f in files},
    )
    yield "code", "module, path, variant, blob", set(_code(check))
    yield "placements", "level, key", {(found.level, found.key) for found in placements}
    yield (
        "distributions",
        "name, version, path",
        {
            (found.name, found.version, found.path)
            for number in range(len(check.roots))
            for found in bundle.at(number).distributions()
        },
    )


def _code(check: Check) -> Iterator[tuple[object, ...]]:
    for root in check.roots:
        for directory in root.directories.values():
            inside = f"{directory.path}/" if directory.path else ""
            for name, module in directory.modules.items():
                if module.flags & PACKAGE:  # told by the `__init__` of its own directory
                    continue
                stem = inside + name
                dotted = stem.removesuffix("/__init__").replace("/", ".")
                for variant, blob in zip(root.columns, module.codes, strict=True):
                    if blob is not None:
                        yield dotted, f"{stem}.py", variant, blob.identifier
