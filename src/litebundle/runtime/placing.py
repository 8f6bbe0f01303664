"""Putting the files of a unit into their directory, and finding out whether they are there.

They are written aside and renamed whole, so that what has a marker was complete. Later it is known
by size and time, as in git's index: placement gives all files one time, kept in the marker, and one
`stat` each (2 us; a digest would read them all at every start) tells those that somebody touched.
Of these the content decides, and what differs is written again. So a file that was cut, altered,
removed or lost with the power is put right at the next start; where there are many, within the hour
(Django has 4,000 files, and would start 7 ms later each time). Only who sets size and time back is
believed: that takes the rights of the owner, against whom nothing here could be defended.
"""

import os

from ..errors import BundleIOError
from .cache import refusal
from .marker import ASIDE, Marker, Turn, open_marker
from .standard import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..format.listing import Listing
    from .files import UnitFiles

PRIVATE = 0o700
PUBLIC = 0o755

_KEY_LENGTH = 64
_PART = 1 << 20  # bytes that are read at once
_FEW = 64
"""Files that are looked at in every start: 0.1 ms."""


class PlacedDirectory:
    """The directory at `path` for the files of a unit; `mode` is that of new directories."""

    __slots__ = ("_placed", "mode", "path")

    def __init__(self, path: str, placed: "UnitFiles") -> None:
        self.path = path
        self.mode = PRIVATE
        self._placed = placed

    @property
    def name(self) -> str:
        """The unit's name."""
        return self._placed.name

    @property
    def _files(self) -> "Listing":
        return self._placed.listing

    def take(self, hint: str, *, thorough: bool = False) -> Marker:
        """Hold the directory, made if it is not there, and return its marker; see `enter`.

        Raises BundleIOError, with the hint, where the disk refuses.
        """
        try:
            return self.enter(thorough=thorough) or self.create()
        except BundleIOError:
            raise
        except OSError as error:
            raise BundleIOError(
                f"cannot place the files of {self.name}: {error.strerror}",
                errno=error.errno,
                file=error.filename or self.path,
                hint=hint,
            ) from error

    def enter(self, *, thorough: bool = False) -> Marker | None:
        """Hold the directory and return its marker, None if it is not there.

        Altered files have been put right; if `thorough`, those too that only look right. Raises
        OSError where the disk refuses.
        """
        marker = open_marker(self.path)
        while marker is not None:
            marker.share()
            if marker.stands():
                break
            marker = open_marker(self.path)  # it was just removed
        facts = None if marker is None else marker.read()
        if marker is None or facts is None:
            return None
        time, count = facts[:2]
        # Size and time are no proof of what was signed
        thorough = thorough or self._placed.archive.signed
        # Whoever lets the record of the last use grow old looks at the files, too.
        if not thorough and count > _FEW and marker.is_recent():
            return marker
        suspects = self._files.files if thorough else self._touched(time)
        altered = [path for path in suspects if not self._is_sound(path, time)]
        if altered:
            self._put_right(altered, time)
        marker.record_use()
        return marker

    def create(self) -> Marker:
        """Write the directory unless another process is faster; hold it and return its marker."""
        cache = os.path.dirname(self.path)
        make_directory(cache, self.mode)
        error = refusal(cache)  # once more: others may have been faster to make it
        if error is not None:
            raise error
        with Turn(cache):
            remove_stale(cache)
            while True:
                marker = self.enter() or self._write()
                if marker.stands():
                    return marker

    def _write(self) -> Marker:
        from time import time

        # Whole seconds, and even ones: archives and FAT keep no finer times.
        stamp = int(time()) // 2 * 2 * 10**9
        with Aside(self.path, self.mode) as aside:
            digests = {
                path: self._write_file(path, aside.path, stamp, self.mode)
                for path in self._files.files
            }
            self._placed.require_key(digests)
            aside.marker.write(stamp, [*map(self._files.size, range(len(digests)))], self.name)
            if os.name == "nt":  # which renames no directory with an open file in it
                aside.marker.close()
            # No fsync: after a power failure, what is missing is seen by its size.
            try:
                os.rename(aside.path, self.path)
            except OSError:
                if not os.path.lexists(self.path):
                    raise
                other = self.enter()
                if other is not None:  # where there are no locks, others may have been faster
                    return other
                discard(self.path)  # nothing of ours, or spoilt: it has no sound marker
                os.rename(aside.path, self.path)
            aside.marker.directory = self.path
            aside.marker.share()
            return aside.marker

    def _touched(self, time: int) -> list[str]:
        """Return the files whose size or time is not that of their placement."""
        found = []
        files = self._placed.stored  # it is only looked whether they are there
        for path, index in files.files.items():
            try:
                status = os.lstat(f"{self.path}/{path}")
            except (FileNotFoundError, NotADirectoryError):
                found.append(path)
            else:
                if status.st_size != files.size(index) or status.st_mtime_ns != time:
                    found.append(path)
        return found

    def _is_sound(self, path: str, time: int) -> bool:
        """Compare a file's content, and give it back its time if only that differs."""
        ref = self._placed.ref(path)[1]  # first: it refuses names that lead elsewhere
        target = os.path.join(self.path, *path.split("/"))
        try:
            if os.path.islink(target):
                return False
            with open(target, "rb") as file:
                data = file.read()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return False
        if not self._placed.archive.holds(ref, data):
            return False
        try:
            os.utime(target, ns=(time, time))
        except OSError:  # on a read-only disk it will be read each time
            pass
        return True

    def _put_right(self, paths: "Iterable[str]", time: int) -> None:
        """Replace files one by one: processes that use the directory always see all of them."""
        self._placed.require_key()  # others rely on what stands there under that key
        mode = os.stat(self.path).st_mode & PUBLIC
        with Aside(self.path, mode) as aside:
            for path in paths:
                self._write_file(path, aside.path, time, mode)
                target = self._cleared(path)
                make_directory(os.path.dirname(target), mode)
                os.replace(os.path.join(aside.path, *path.split("/")), target)

    def _cleared(self, path: str) -> str:
        """Return where a file is to stand, with nothing in its way that would lead elsewhere."""
        target = self.path
        *directories, name = path.split("/")
        for directory in directories:
            target = os.path.join(target, directory)
            if os.path.lexists(target) and (os.path.islink(target) or not os.path.isdir(target)):
                os.unlink(target)
        target = os.path.join(target, name)
        if os.path.isdir(target):
            remove(target)
        return target

    def _write_file(self, path: str, directory: str, time: int, mode: int) -> str:
        """Write a file below a directory; return SHA-256 of its content, hexadecimal."""
        bits, ref = self._placed.ref(path)
        target = os.path.join(directory, *path.split("/"))
        make_directory(os.path.dirname(target), mode)
        # Readable as the directories are, executable for whoever may read it
        bits = mode & 0o644 | (mode & 0o111 if bits & 0o100 else 0)
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        with open(os.open(target, flags, bits), "w+b") as file:
            self._placed.archive.copy(ref, file)
            file.seek(0)
            digest = sha256()()
            while part := file.read(_PART):
                digest.update(part)
        os.utime(target, ns=(time, time))
        return str(digest.hexdigest())


class Aside:
    """A new directory beside another one, locked: what is in it is being worked on.

    At the end it is removed, unless it was renamed.
    """

    __slots__ = ("marker", "path")

    def __init__(self, beside: str, mode: int) -> None:
        while True:
            self.path = f"{beside}.{os.urandom(4).hex()}{ASIDE}"
            try:
                os.mkdir(self.path, mode)
                flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
                marker = open_marker(self.path, flags, mode & 0o644)
                # Before each of these steps others may take it for a dead process's
                if marker is not None:
                    marker.claim(wait=True)
                    if marker.stands():
                        self.marker = marker
                        return
            except FileExistsError:
                raise
            except BaseException:  # an interrupt: no context is left that would remove it
                remove(self.path)
                raise

    def __enter__(self) -> "Aside":  # noqa: PYI034  # typing is nothing for the loader
        return self

    def __exit__(self, *_: object) -> None:
        if self.marker.directory == self.path:
            remove(self.path)


def make_directory(path: str, mode: int) -> None:
    """Make a directory and those above it, all with the mode."""
    try:
        os.mkdir(path, mode)
    except FileExistsError:
        pass
    except FileNotFoundError:
        make_directory(os.path.dirname(path), mode)
        make_directory(path, mode)


def discard(path: str) -> None:
    """Take a directory away under its name at once, and then remove it."""
    aside = f"{path}.{os.urandom(4).hex()}{ASIDE}"
    os.rename(path, aside)
    remove(aside)


def remove(path: str) -> None:
    """Remove a directory as far as possible; what is left is removed by a later `remove_stale`."""
    from shutil import rmtree

    if os.path.isdir(path) and not os.path.islink(path):
        rmtree(path, ignore_errors=True)
    else:
        try:
            os.unlink(path)
        except FileNotFoundError:  # others do the same
            pass


def remove_stale(cache: str) -> int:
    """Remove what processes that were killed have left in a cache; return how many directories."""
    count = 0
    for name in os.listdir(cache):
        if is_key(name.partition(".")[0]) and name.endswith(ASIDE):
            try:
                count += _remove_if_stale(os.path.join(cache, name))
            except OSError:  # another user's, or no disk to write to: no reason to fail
                pass
    return count


def _remove_if_stale(path: str) -> bool:
    marker = open_marker(path, os.O_RDWR)
    if marker is None:
        try:
            os.rmdir(path)  # of a process killed just before its marker; else it makes a new one
        except OSError:
            marker = open_marker(path, os.O_RDWR)
            if marker is None:  # who writes has one before anything else: the rest of a removal
                remove(path)
    if marker is not None and not marker.claim():
        return False
    remove(path)
    return True


def is_key(name: str) -> bool:
    """Tell whether a directory of that name in a cache may be a unit's."""
    return len(name.partition("-")[0]) == _KEY_LENGTH
