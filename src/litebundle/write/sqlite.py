"""Writing the database, through apsw.

References carry the byte offset of what they mean, and SQLite decides where things go. So the
database is written in three transactions: contents; room for the listings, whose sizes follow
from their names; and at last the listings themselves, with the offsets of both, and the manifest.
Nothing moves after the first two.
"""

import contextlib
import errno
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import apsw

from litebundle.format import APPLICATION_ID, VERSION, checksum
from litebundle.format.manifest import STARTUP, columns_text, seal, startup_text
from litebundle.runtime.descriptor import Descriptor
from litebundle.runtime.pages import Database
from litebundle.write.blank import blank
from litebundle.write.compression import Compression
from litebundle.write.content import DIRECTORY, Blob, Content
from litebundle.write.digests import Complete, digests_reference, digests_table
from litebundle.write.encoding import Encoded, Part, Parts, as_part
from litebundle.write.launcher import tail
from litebundle.write.listings import Listings, Tails
from litebundle.write.readback import Wrote
from litebundle.write.startup import extent

SCHEMA = """
CREATE TABLE manifest(id INTEGER PRIMARY KEY, key TEXT NOT NULL, value TEXT NOT NULL);
CREATE TABLE listings(id INTEGER PRIMARY KEY, root INTEGER NOT NULL, kind TEXT NOT NULL,
    path TEXT NOT NULL, listing BLOB NOT NULL);
CREATE TABLE blobs(id INTEGER PRIMARY KEY, digest BLOB NOT NULL, encoding INTEGER NOT NULL,
    size INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE files(id INTEGER PRIMARY KEY, path TEXT NOT NULL, kind TEXT NOT NULL,
    mode INTEGER NOT NULL, blob INTEGER NOT NULL REFERENCES blobs);
CREATE TABLE code(id INTEGER PRIMARY KEY, module TEXT NOT NULL, path TEXT NOT NULL,
    variant INTEGER NOT NULL, blob INTEGER NOT NULL REFERENCES blobs);
CREATE TABLE distributions(id INTEGER PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL,
    path TEXT NOT NULL);
CREATE TABLE placements(id INTEGER PRIMARY KEY, unit TEXT NOT NULL, level INTEGER NOT NULL,
    key BLOB NOT NULL, listing INTEGER NOT NULL REFERENCES listings);
CREATE VIEW modules AS SELECT module, code.path, variant, size, blobs.id AS blob,
    hex(digest) AS digest FROM code JOIN blobs ON blobs.id = code.blob;
CREATE VIEW contents AS SELECT path, kind, mode, size, length(data) AS stored, encoding,
    blobs.id AS blob, hex(digest) AS digest FROM files JOIN blobs ON blobs.id = files.blob;
"""

DIGESTS_SCHEMA = "CREATE TABLE digests(id INTEGER PRIMARY KEY, digests BLOB NOT NULL)"

# A page holds a blob in one piece if the blob fits; large pages read fast and waste little in a
# large bundle, small ones keep a small bundle small (measured: FORMAT.md, "Page size").
_PAGE_SIZES = ((4 << 20, 65536), (2 << 20, 32768), (1 << 20, 16384), (512 << 10, 8192))
_SMALLEST = 4096
_FOR_SIZE = 1024  # what no row fits in is of pages of 4 KiB a tenth of sympy, of these 5 %
_CACHE = 1024  # KiB of pages: no page is needed again soon, and so few stay in the processor's
_LONGEST_PATH = 480  # in bytes; SQLite's limit is 512, less what it appends
_UNLOCKED = "win32-none" if sys.platform == "win32" else "unix-none"


_Value = str | int | bytes | apsw.zeroblob


class SqliteWriter:
    """Writes a bundle's database to `path`, an empty file that nobody else has open.

    `expected` is roughly how many bytes come; it chooses the page size. Raises OSError as the disk
    does.
    """

    def __init__(self, path: Path, compression: Compression, expected: int) -> None:
        self.encode_code, self.encode_file = compression.code, compression.file
        self._compression = compression
        self._path = path
        self._work = _workable(path)
        self._known: dict[bytes, Blob] = {}
        self._groups: dict[bytes, Blob] = {}  # by digest, too: never what a listing refers to
        self._parts: dict[int, tuple[Blob, int]] = {}  # by number: the group, and where in it
        self._codes: list[tuple[str, str, int, int]] = []
        self._tail = b""
        fitting = (size for least, size in _PAGE_SIZES if expected >= least)
        self._page_size = _FOR_SIZE if compression.is_for_size else next(fitting, _SMALLEST)
        with _as_os_errors:
            self._connection = _connected(self._work)
            for pragma in (
                f"page_size={self._page_size}",
                "encoding='UTF-8'",
                "auto_vacuum=NONE",
                f"cache_size=-{_CACHE}",
                f"application_id={APPLICATION_ID}",
                f"user_version={VERSION}",
            ):
                self._connection.execute(f"PRAGMA {pragma}")
            self._connection.execute("BEGIN")
            self._connection.execute(SCHEMA)
            self._cursor = self._connection.cursor()

    def code(self, module: str, path: str, variant: int, content: Encoded) -> Blob:
        """Store the code of a module, whose source has that path."""
        blob = self._blob(content)
        self._codes.append((module, path, variant, blob.identifier))
        return blob

    def joined(self, variant: int, number: int, content: Encoded) -> Blob:
        """Store a joined stream of a variant."""
        del variant, number  # the manifest has them
        return self._blob(self._compression.joined(content))

    def file(self, path: str, content: Encoded, mode: int) -> Blob:
        """Store the content of a file; equal contents are stored once."""
        del path, mode  # `finish` writes the table
        return self._blob(content)

    def launcher(self, members: Mapping[str, bytes]) -> list[tuple[str, str]]:
        """Have a zip of the members stand behind the database; return what the manifest says."""
        self._tail = tail(members, small=self._compression.is_for_size)
        return [("tail", f"{len(self._tail)} {hashlib.sha256(self._tail).hexdigest()}")]

    def finish(self, content: Content, distributions: list[tuple[str, str, str]]) -> Wrote:
        """Write listings, tables and manifest, close the database, and return what is there."""
        with _as_os_errors:
            self._insert("code", list(dict.fromkeys(self._codes)))
            self._insert(
                "files", [(f.path, f.kind, f.mode, f.blob.identifier) for f in content.files()]
            )
            self._insert("distributions", distributions)
            self._next_transaction()
            blobs = _tails(self._work, "blobs")
            listings = Listings(content, blobs)
            self._lead_to_groups(listings)
            rows = [(*key, apsw.zeroblob(size)) for key, size in listings.sizes.items()]
            self._insert("listings", rows)
            self._insert("placements", listings.placements())
            self._next_transaction()
            listings.offsets = _tails(self._work, "listings")
            final = listings.encode()
            for key, data in final.items():
                self._patch("listings", "listing", listings.ids[key], [data])
            roots = [
                (f"root.{number}", f"{listings.refs[number, DIRECTORY, ''].hex()} {text}")
                for number, text in enumerate(columns_text(r.columns) for r in content.roots)
            ]
            known = []
            if content.first:
                known.append((STARTUP, startup_text(self._runs(content, blobs, listings))))
            known += content.joined_pairs(listings.blob_ref)
            manifest = [*content.manifest, *known, *roots]
            self._insert("manifest", seal(manifest))
            self._connection.execute("COMMIT")
            self._connection.close()
        blank(self._work)
        if self._work != self._path:
            shutil.copyfile(self._work, self._path)
        with self._path.open("ab") as file:
            file.write(self._tail)
        written = (*self._known.values(), *self._groups.values())
        return Wrote(
            manifest=dict(manifest),
            listings=[(listings.refs[key], data) for key, data in final.items()],
            blobs=[(listings.blob_ref(blob), blob) for blob in written],
        )

    def close(self) -> None:
        """Close the database, finished or not."""
        self._connection.close()
        if self._work != self._path:
            self._work.unlink(missing_ok=True)

    def _runs(
        self, content: Content, blobs: Tails, listings: "Listings"
    ) -> Iterator[tuple[int, int, int]]:
        """Yield the runs that start-up reads, see `extent`."""
        source = Descriptor(str(self._work))
        blobs_of = self._with_groups(content.run)
        files = [(*blobs[each.identifier], each.stored) for each in blobs_of]
        for run in (files, *listings.first()):
            parts = [part for place in run for part in _parts(source, self._page_size, place)]
            if parts:
                yield extent(parts, parts[-1][0])

    def _with_groups(self, blobs: Iterable[Blob]) -> Iterator[Blob]:
        """Yield each blob after what it is a part of."""
        for blob in blobs:
            if blob.identifier in self._parts:
                yield self._parts[blob.identifier][0]
            yield blob

    def _blob(self, content: Encoded) -> Blob:
        if known := self._known.get(content.digest):
            return known
        part = None
        if isinstance(content.data, Part):
            part = self._group(content.data.group), content.data.start
        blob = self._known[content.digest] = self._row(content)
        if part is not None:
            self._parts[blob.identifier] = part
        return blob

    def _group(self, content: Encoded) -> Blob:
        if known := self._groups.get(content.digest):
            return known
        blob = self._groups[content.digest] = self._row(content)
        return blob

    def _row(self, content: Encoded) -> Blob:
        data = content.data
        blob = content.as_blob(len(self._known) + len(self._groups) + 1)
        large = isinstance(data, Parts)
        stored = data if isinstance(data, bytes) else apsw.zeroblob(content.stored)
        row = (blob.identifier, content.digest, content.encoding, content.raw, stored)
        with _as_os_errors:
            self._cursor.execute("INSERT INTO blobs VALUES (?, ?, ?, ?, ?)", row)
            if large:  # SQLite would take all of a row into memory
                self._patch("blobs", "data", blob.identifier, content.parts())
        return blob

    def _lead_to_groups(self, listings: Listings) -> None:
        """Write where the groups are, now that it is known, to their parts."""
        for digest, blob in self._known.items():
            if blob.identifier in self._parts:
                group, start = self._parts[blob.identifier]
                stored = as_part(listings.blob_ref(group), start)
                self._patch("blobs", "data", blob.identifier, [stored])
                self._known[digest] = replace(blob, seal=checksum(stored))

    def _insert(self, table: str, rows: Sequence[tuple[_Value, ...]]) -> None:
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            self._connection.executemany(f"INSERT INTO {table} VALUES (NULL, {marks})", rows)  # noqa: S608  # our own names

    def _patch(self, table: str, column: str, rowid: int, parts: Iterable[bytes]) -> None:
        """Overwrite a blob with one of its size, which moves nothing."""
        with self._connection.blob_open("main", table, column, rowid, writeable=True) as blob:
            for part in parts:
                blob.write(part)

    def _next_transaction(self) -> None:
        self._connection.execute("COMMIT")
        self._connection.execute("BEGIN")


def _tails(path: Path, table: str) -> Tails:
    """Return where the last column of each row committed stands, by row id."""
    tails = Database(Descriptor(str(path))).tails(table)
    return {rowid: (offset, local) for rowid, offset, local in tails}


def _parts(
    source: Descriptor, page_size: int, place: tuple[int, int, int]
) -> Iterator[tuple[int, int]]:
    """Yield start and end of the runs of bytes that a blob is: see `Database.tail`."""
    offset, local, size = place
    if not local:
        if offset:
            yield offset, offset + size
        return
    yield offset, offset + local + 4
    pages, rest = divmod(size - local - 1, page_size - 4)
    start = (int.from_bytes(source.read(offset + local, 4)) - 1) * page_size
    yield start, start + pages * page_size + 4 + rest + 1


def add_digests(path: Path, runs: Sequence[bytes], complete: Complete) -> None:
    """Add the digests of what is in a finished database to it, and have the manifest say so.

    They are rows behind all others, so that nothing moves. Raises OSError as the disk does.
    """
    work = _workable(path)
    if work != path:
        shutil.copyfile(path, work)
    try:
        with _as_os_errors, contextlib.closing(_connected(work)) as connection:
            _add_digests(connection, work, runs, complete)
        blank(work)
        if work != path:
            shutil.copyfile(work, path)
    finally:
        if work != path:
            work.unlink(missing_ok=True)


def _add_digests(
    connection: apsw.Connection, work: Path, runs: Sequence[bytes], complete: Complete
) -> None:
    # In three transactions, since each needs to know where the one before has put things
    insert = "INSERT INTO digests VALUES (NULL, ?)"
    with connection:
        connection.execute("DROP TABLE IF EXISTS digests")
        connection.execute(DIGESTS_SCHEMA)
        connection.executemany(insert, [(run,) for run in runs])
    table = digests_table(runs, _tails(work, "digests"))
    with connection:
        connection.execute(insert, (table,))
    number = len(runs) + 1
    pairs = complete(digests_reference(table, number, _tails(work, "digests")[number]))
    with connection:
        connection.execute("DELETE FROM manifest")
        connection.executemany("INSERT INTO manifest VALUES (NULL, ?, ?)", pairs)


def _connected(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path), vfs=_UNLOCKED)
    # The file is written aside, whole or thrown away, and `atomic` syncs it once
    connection.execute("PRAGMA journal_mode=OFF")
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA secure_delete=ON")  # what nothing uses is zero
    return connection


def _workable(path: Path) -> Path:
    """Return the path, or another one if SQLite cannot take it: it wants short ones in UTF-8."""
    try:
        if len(str(path).encode()) <= _LONGEST_PATH:
            return path
    except UnicodeEncodeError:
        pass
    descriptor, name = tempfile.mkstemp(suffix=".bundle")
    os.close(descriptor)
    return Path(name)


# The file is ours alone: where it is no database any more, or cannot be written, the disk did it
_DISK_ERRORS = (
    apsw.IOError,
    apsw.CantOpenError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.ReadOnlyError,
)


class _AsOsErrors:
    """Raises what SQLite says of the disk as the system does; no generator: each blob has one."""

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, apsw.FullError):
            raise OSError(errno.ENOSPC, "no space left for the database") from error
        if isinstance(error, _DISK_ERRORS):
            raise OSError(errno.EIO, f"SQLite: {error}") from error


_as_os_errors = _AsOsErrors()
