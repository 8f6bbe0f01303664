"""What collecting yields: the entries of a bundle as they lie on disk, not yet read."""

import enum
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from litebundle.errors import BuildError
from litebundle.format import names

_PART = 4 << 20
"""Bytes read at once of a file that is read by and by."""

_FLAGS = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)

_T = TypeVar("_T")

_METADATA = (".dist-info", ".egg-info")


class Kind(enum.Enum):
    """What a file is to Python; every file is of exactly one kind."""

    SOURCE = names.SOURCE
    EXTENSION = names.EXTENSION
    BYTECODE = names.BYTECODE
    TYPING = "typing"  # stubs and py.typed (PEP 561)
    METADATA = "metadata"  # everything of a .dist-info or .egg-info
    PTH = "pth"  # path configuration, which only `site` reads, at the top of a directory
    DATA = "data"

    @classmethod
    def of(cls, path: str) -> "Kind":
        """Return the kind of the file at the path in the bundle."""
        directory, _, name = path.rpartition("/")
        if "-info" in path and any(p.endswith(_METADATA) for p in path.split("/")):
            return cls.METADATA
        if module := names.module_name(name):
            return cls(module[1])
        if name.endswith(".pyi") or name == "py.typed":
            return cls.TYPING
        return cls.PTH if name.endswith(".pth") and not directory else cls.DATA


@dataclass(frozen=True, slots=True)
class Packed:
    """A file's bytes, and as a raw deflate stream (RFC 1951) if that is how they were kept.

    `known` is their SHA-256, if whoever kept them has had to find it out.
    """

    raw: bytes
    deflated: bytes | None = None
    known: bytes | None = None

    @property
    def digest(self) -> bytes:
        """SHA-256 of the bytes."""
        return self.known or hashlib.sha256(self.raw).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file: `path` in the bundle, `location` on disk, `size` in bytes.

    `mode` is 0o644 or 0o755: of the permissions only the owner's execute bit is kept. `archived`
    gets the bytes of a file inside an archive, whose path then begins the `location`; `stamp` is
    what changes with a file on disk: device, inode, size, mtime and ctime, these in nanoseconds.
    """

    path: str
    location: str
    mode: int
    size: int
    kind: Kind
    archived: Callable[[], Packed] | None = field(default=None, compare=False, repr=False)
    stamp: tuple[int, ...] | None = field(default=None, compare=False, repr=False)

    def read(self) -> bytes:
        """Return the content; raises BuildError if it cannot be read or is not at rest."""
        return self.packed().raw

    def packed(self) -> Packed:
        """Return the content as it is kept; raises BuildError as `read` does."""
        return Packed(self._read_file()) if self.archived is None else self.archived()

    def parts(self) -> Iterator[bytes]:
        """Yield the content by and by, if it is not in an archive; raises BuildError as `read`."""
        if self.archived is not None:
            yield self.read()
            return
        try:
            with Path(self.location).open("rb", buffering=0) as file:
                before = os.fstat(file.fileno())
                size = 0
                while part := file.read(_PART):
                    size += len(part)
                    yield part
                after = os.fstat(file.fileno())
        except OSError as error:
            raise unreadable(self.location, error) from error
        self._require_rest(before, after, size)

    def _read_file(self) -> bytes:
        # No file object: it takes twice the time, and threads that read take turns at each call
        try:
            descriptor = os.open(self.location, _FLAGS)
            try:
                before = os.fstat(descriptor)
                data = os.read(descriptor, before.st_size + 1)
                while 0 < len(data) < before.st_size and (more := os.read(descriptor, _PART)):
                    data += more  # Linux gives 2 GiB at once
                after = os.fstat(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise unreadable(self.location, error) from error
        self._require_rest(before, after, len(data))
        return data

    def _require_rest(self, before: os.stat_result, after: os.stat_result, size: int) -> None:
        torn = before.st_mtime_ns != after.st_mtime_ns
        if torn or not size == before.st_size == after.st_size == self.size:
            raise changed(self.location)


def changed(location: str) -> BuildError:
    """Return what to raise for a file that is not what it was when it was read before."""
    return BuildError(
        "changed during the build",
        file=location,
        hint="build again while nothing writes to the sources",
    )


def unreadable(location: str | Path, error: OSError) -> BuildError:
    """Return what to raise for a file that the operating system does not give out."""
    return BuildError(
        f"cannot be read: {error.strerror}",
        file=str(location),
        hint="make it readable, or keep it out of the sources",
    )


def batches(
    items: Iterable[_T],
    *,
    size: int,
    weight: Callable[[_T], int],
    ends: Callable[[_T], bool] | None = None,
) -> Iterator[list[_T]]:
    """Yield the items in lists that each reach the size by what their items weigh, but the last.

    From three quarters of the size on, a list is over with an item that `ends` it: so one item more
    or less changes a list or two, and all behind them are as before.
    """
    batch: list[_T] = []
    total = 0
    for item in items:
        batch.append(item)
        total += weight(item)
        enough = size * 3 // 4 if ends is not None and ends(item) else size
        if total >= enough:
            yield batch
            batch, total = [], 0
    if batch:
        yield batch


def parents(paths: Iterable[str]) -> set[str]:
    """Return all directories that the paths are in, without the top one."""
    found: set[str] = set()
    for path in paths:
        directory = path.rpartition("/")[0]
        while directory and directory not in found:
            found.add(directory)
            directory = directory.rpartition("/")[0]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Something in a source that the bundle leaves out, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two sources that disagree about `path`; `kept` and `dropped` are the places on disk."""

    path: str
    kept: Path
    dropped: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}: {self.kept} and {self.dropped}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What one source brings, `directories` without the top one.

    `distribution` is the normalized name of the one that the source is, None for a directory.
    """

    source: Path
    entries: tuple[Entry, ...]
    directories: tuple[str, ...]
    skipped: tuple[Skipped, ...] = ()
    distribution: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Everything that goes into a bundle, sorted by the UTF-8 bytes of the paths.

    `directories` has every directory, empty ones too (they are namespace portions), but not the
    top one. `warnings` are sentences about names that other platforms cannot tell apart.
    """

    entries: tuple[Entry, ...]
    directories: tuple[str, ...]
    skipped: tuple[Skipped, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    warnings: tuple[str, ...] = ()
