"""Results of earlier builds, kept by a key over everything that they were made of.

A build adds one file, a *pack*, and nobody ever changes it: so builds that run at the same time
need no lock, and one that is killed leaves nothing that is read. It has the results one after
another, then an index (marshal: key -> offset, size, raw size, encoding, checksum, digest, seal),
then the index's checksum and size, eight bytes each, and MAGIC. The checksums are format/'s.
"""

import contextlib
import marshal
import os
import re
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from litebundle.format import checksum
from litebundle.runtime.descriptor import Descriptor
from litebundle.write.encoding import Encoded

MAGIC = b"LBpack\0\1"
SUFFIX = ".pack"
ASIDE = ".tmp"
"""Ends the names of files that are being written."""

LARGEST = 16 << 20
"""Bytes of a result that is kept: reading a larger file once more is no great loss."""

UNUSED = 30 * 86_400.0
"""Seconds after which a pack goes that no build has used."""

TOTAL = 2 << 30
"""Bytes of all packs together; the least recently used go first."""

_OURS = re.compile(r"^[0-9a-f]{16,}(-[0-9a-f]+)?\.(pack|seen)(-[0-9a-f]+)?(\.tmp)?$")
_ABANDONED = 86_400.0  # seconds after which an unfinished pack is a dead build's
_TRAILER = 16 + len(MAGIC)
_SMALL = 32 << 20
_MANY = 8
"""So many packs below _SMALL become one: each costs every build the reading of its index."""

_Place = tuple[int, int, int, int, bytes, bytes, bytes]


class Packs:
    """The packs of a directory, which may not exist yet; of None: no packs, and none are made.

    What the disk refuses, and damage, is as if nothing were kept. Any thread may call `find`,
    `add` and `in`.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._index: dict[bytes, tuple[_Pack, _Place]] = {}
        self._packs: list[_Pack] = []
        self._added: dict[bytes, _Place] = {}
        self._file: IO[bytes] | None = None
        self._end = 0
        for path in [] if directory is None else _files(directory):
            if path.suffix != SUFFIX:
                continue
            with contextlib.suppress(OSError, ValueError, EOFError, TypeError):
                pack = _Pack(path)
                self._packs.append(pack)
                # In the order of their making: what was damaged in one is in a later one anew.
                self._index.update((key, (pack, place)) for key, place in pack.index.items())

    def __contains__(self, key: bytes) -> bool:
        return key in self._index

    def find(self, key: bytes) -> Encoded | None:
        """Return what is kept under a key, None if that is nothing, or damaged."""
        pack, place = self._index.get(key, (None, None))
        if pack is None or place is None:
            return None
        pack.used = True
        try:
            return pack.read(place)
        except OSError:
            return None

    def add(self, key: bytes, result: Encoded) -> None:
        """Keep a result; equal keys must have equal results."""
        if self._directory is None or result.stored > LARGEST:
            return
        data = result.whole
        seal = checksum(data) if result.encoding else result.checksum
        with self._lock:
            if key in self._added:
                return
            if self._file is None:
                self._file = _create(self._directory)
            if self._file is None or not self._write(data):
                self._directory = None  # no room, or no permission: this build keeps nothing
                return
            size = len(data)
            facts = (result.raw, result.encoding, result.checksum, result.digest, seal)
            self._added[key] = (self._end, size, *facts)
            self._end += size

    def finish(self) -> None:
        """Put the new pack in place, mark those that were used, and remove what is old."""
        small = [pack for pack in self._packs if pack.end < _SMALL]
        if self._file is None or len(small) < _MANY:
            small = []
        for pack in small:
            self._take_over(pack)
        placed = self._place()
        for pack in self._packs:
            with contextlib.suppress(OSError):
                if pack in small and placed:
                    pack.path.unlink()
                elif pack.used:
                    os.utime(pack.path)
        self._index.clear()
        self._packs.clear()
        if self._directory is not None and placed:
            prune(self._directory, older_than=UNUSED, max_size=TOTAL)

    def _take_over(self, pack: "_Pack") -> None:
        for key, place in pack.index.items():
            with contextlib.suppress(OSError):
                if self._index[key][0] is pack and (result := pack.read(place)):
                    self.add(key, result)

    def _write(self, data: bytes) -> bool:
        assert self._file is not None  # noqa: S101  # `add` has opened it
        try:
            self._file.write(data)
        except OSError:
            return False
        return True

    def _place(self) -> bool:
        """Finish the new pack and give it its name; tell whether there is one."""
        if self._file is None:
            return False
        path = Path(self._file.name)
        index = marshal.dumps(self._added, 2)
        try:
            with self._file as file:
                if self._directory is not None:
                    file.write(index + checksum(index) + len(index).to_bytes(8, "little") + MAGIC)
            # No fsync: after a power failure, what is missing is seen by its checksum.
            if self._directory is not None:
                path.replace(path.with_suffix(""))
                return True
        except OSError:
            pass
        path.unlink(missing_ok=True)
        return False


class _Pack:
    """One pack; raises OSError or ValueError if it is none."""

    __slots__ = ("_file", "end", "index", "path", "used")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.used = False
        self._file = Descriptor(str(path))
        start = max(self._file.size - _TRAILER, 0)
        trailer = self._file.read(start, _TRAILER)
        length = int.from_bytes(trailer[8:16], "little")
        self.end = start - length
        if trailer[16:] != MAGIC or self.end < 0:
            raise ValueError(path)
        data = self._file.read(self.end, length)
        if checksum(data) != trailer[:8]:
            raise ValueError(path)
        self.index: dict[bytes, _Place] = marshal.loads(data)

    def read(self, place: _Place) -> Encoded | None:
        """Return a result, None if it is damaged."""
        offset, size, raw, encoding, check, digest, seal = place
        data = self._file.read(offset, size)
        if checksum(data) != seal:
            return None
        return Encoded(data=data, raw=raw, encoding=encoding, checksum=check, digest=digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A file of the cache on disk; `size` in bytes, `used` in seconds since 1970."""

    path: str
    size: int
    used: float


def kept(directory: Path) -> Iterator[Kept]:
    """Yield every file of the cache, but for those that a build is writing."""
    for path in _files(directory):
        if path.suffix != ASIDE:
            with contextlib.suppress(OSError):  # removed meanwhile
                status = path.stat()
                yield Kept(path=str(path), size=status.st_size, used=status.st_mtime)


def _files(directory: Path) -> list[Path]:
    """Return our files in a directory, packs in the order in which they were made."""
    try:
        return [path for path in sorted(directory.iterdir()) if _OURS.search(path.name)]
    except OSError:
        return []


def prune(
    directory: Path, *, older_than: float | None = None, max_size: int | None = None
) -> tuple[list[Kept], int]:
    """Remove what was not used for `older_than` seconds, then the least recently used.

    Until at most `max_size` bytes are left. Returns what was removed, and how many unfinished
    files of killed builds.
    """
    now = time.time()
    files = sorted(kept(directory), key=lambda file: file.used)
    size = sum(file.size for file in files)
    removed = []
    for file in files:
        old = older_than is not None and now - file.used > older_than
        if old or (max_size is not None and size > max_size):
            with contextlib.suppress(OSError):
                Path(file.path).unlink()
                removed.append(file)
                size -= file.size
    stale = 0
    for path in _files(directory):
        with contextlib.suppress(OSError):
            if path.suffix == ASIDE and now - path.stat().st_mtime > _ABANDONED:
                path.unlink()
                stale += 1
    return removed, stale


def _create(directory: Path) -> IO[bytes] | None:
    name = f"{time.time_ns():016x}-{secrets.token_hex(4)}{SUFFIX}{ASIDE}"
    try:
        make(directory)
        return (directory / name).open("xb", buffering=1 << 20)
    except OSError:
        return None


def make(directory: Path) -> None:
    """Make a directory of the cache, and those above it, the user's alone."""
    for path in (*reversed(directory.parents), directory):
        if not path.exists():
            path.mkdir(mode=0o700, exist_ok=True)
