"""Bundles that no builder writes: sound ones, changed afterwards with every checksum put right."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from litebundle.format import checksum
from litebundle.format.encode import encode_listing
from litebundle.format.listing import Listing, Ref
from litebundle.format.manifest import columns_text, parse_root, seal

Parts = tuple[
    dict[str, tuple[int, list[bytes]]],
    dict[str, bytes],
    dict[str, tuple[int, bytes, bytes]],
    dict[str, tuple[int, bytes]],
]
"""What `encode_listing` takes: modules, directories, placements, files."""


def change_root(bundle: Path, change: Callable[[Parts], object]) -> None:
    """Let `change` work on the parts of a database's top listing, and seal it anew."""

    def encoded(data: bytes) -> bytes:
        listing = Listing(data)
        parts = taken_apart(listing)
        change(parts)
        return encode_listing(listing.variants, *parts)

    replace_root(bundle, encoded)


def replace_root(bundle: Path, change: Callable[[bytes], bytes]) -> None:
    """Put other bytes in the place of a database's top listing, with references that fit."""
    with closing(sqlite3.connect(bundle)) as database, database:
        pairs = dict(database.execute("SELECT key, value FROM manifest ORDER BY id"))
        root = parse_root(pairs["root.0"])
        identifier = root.ref.identifier
        [data] = database.execute("SELECT listing FROM listings WHERE id = ?", [identifier])
        new = change(data[0])
        database.execute("UPDATE listings SET listing = ? WHERE id = ?", (new, identifier))
        columns = columns_text(root.columns)
        pairs["root.0"] = f"{reference(identifier, new).hex()} {columns}"
        write_manifest(database, pairs)


def change_manifest(bundle: Path, **values: str) -> None:
    """Change values of a database's manifest, and seal it anew."""
    with closing(sqlite3.connect(bundle)) as database, database:
        pairs = dict(database.execute("SELECT key, value FROM manifest ORDER BY id"))
        write_manifest(database, pairs | values)


def write_manifest(database: sqlite3.Connection, pairs: dict[str, str]) -> None:
    """Write the pairs, the old checksum among them replaced."""
    del pairs["checksum"]
    for key, value in seal(list(pairs.items())):
        database.execute("UPDATE manifest SET value = ? WHERE key = ?", (value, key))


def reference(identifier: int, data: bytes) -> bytes:
    """Return the encoded reference to bytes stored as they are, found by their number alone."""
    return Ref(
        identifier=identifier,
        at=(0, 0),
        sizes=(len(data), len(data)),
        encoding=0,
        checksum=checksum(data),
    ).encode()


def taken_apart(listing: Listing) -> Parts:
    """Return the parts that `encode_listing` makes the listing of."""

    def encoded(ref: Ref | None) -> bytes:
        return bytes(32) if ref is None else ref.encode()

    modules = {
        name: (
            listing.flags(index),
            [listing.code(variant, index) for variant in range(listing.variants)],
        )
        for name, index in listing.modules.items()
    }
    directories = {
        name: encoded(listing.directory(index)) for name, index in listing.directories.items()
    }
    placements = {}
    for name, index in listing.placements.items():
        level, key, ref = listing.placement(index)
        placements[name] = (level, key, encoded(ref))
    files = {}
    for name, index in listing.files.items():
        mode, ref = listing.file(index)
        files[name] = (mode, encoded(ref))
    return modules, directories, placements, files


def execute(bundle: Path, *statements: str, values: Sequence[object] = ()) -> list[Any]:
    """Run SQL on a database; return the first column of what the last statement selects."""
    with closing(sqlite3.connect(bundle, isolation_level=None)) as database:
        found: list[Any] = []
        for statement in statements:
            found = [row[0] for row in database.execute(statement, values)]
        return found
