"""Putting the files of a unit into their directory, where they are not there or not sound any more.

They are written aside and renamed whole, so that what has a marker was complete. A start that finds
all in place gets by without this module.
"""

import os

from .cache import refusal
from .marker import PATIENCE, Marker, lock, open_marker
from .standard import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .files import PlacedDirectory, UnitFiles

PUBLIC = 0o755
"""The mode of directories that are for all users."""

ASIDE = ".tmp"
"""How the names of directories end that are being written or removed."""

_KEY_LENGTH = 64
_PART = 1 << 20  # bytes that are read at once


def create(placed: "PlacedDirectory") -> Marker:
    """Write the directory unless another process is faster; hold it and return its marker."""
    cache = os.path.dirname(placed.path)
    make_directory(cache, placed.mode)
    error = refusal(cache)  # once more: others may have been faster to make it
    if error is not None:
        raise error
    with Turn(cache):
        remove_stale(cache)
        while True:
            marker = placed.enter() or _write(placed)
            if marker.stands():
                return marker


def _write(placed: "PlacedDirectory") -> Marker:
    from time import time

    files = placed.files
    # Whole seconds, and even ones: archives and FAT keep no finer times.
    stamp = int(time()) // 2 * 2 * 10**9
    with Aside(placed.path, placed.mode) as aside:
        digests = {
            path: _write_file(files, path, aside.path, stamp, placed.mode)
            for path in files.listing.files
        }
        files.require_key(digests)
        aside.marker.write(stamp, [*map(files.listing.size, range(len(digests)))], files.name)
        if os.name == "nt":  # which renames no directory with an open file in it
            aside.marker.close()
        # No fsync: after a power failure, what is missing is seen by its size.
        try:
            os.rename(aside.path, placed.path)
        except OSError:
            if not os.path.lexists(placed.path):
                raise
            other = placed.enter()
            if other is not None:  # where there are no locks, others may have been faster
                return other
            discard(placed.path)  # nothing of ours, or spoilt: it has no sound marker
            os.rename(aside.path, placed.path)
        aside.marker.directory = placed.path
        aside.marker.share()
        return aside.marker


def put_right(placed: "PlacedDirectory", suspects: "Iterable[str]", time: int) -> None:
    """Write those files again whose content is not what was built.

    They are replaced one by one: processes that use the directory always see all of them.
    """
    altered = [path for path in suspects if not _is_sound(placed, path, time)]
    if not altered:
        return
    placed.files.require_key()  # others rely on what stands there under that key
    mode = os.stat(placed.path).st_mode & PUBLIC
    with Aside(placed.path, mode) as aside:
        for path in altered:
            _write_file(placed.files, path, aside.path, time, mode)
            target = _cleared(placed.path, path)
            make_directory(os.path.dirname(target), mode)
            os.replace(os.path.join(aside.path, *path.split("/")), target)


def _is_sound(placed: "PlacedDirectory", path: str, time: int) -> bool:
    """Compare a file's content, and give it back its time if only that differs."""
    ref = placed.files.ref(path)[1]  # first: it refuses names that lead elsewhere
    target = os.path.join(placed.path, *path.split("/"))
    try:
        if os.path.islink(target):
            return False
        with open(target, "rb") as file:
            data = file.read()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return False
    if not placed.files.archive.holds(ref, data):
        return False
    try:
        os.utime(target, ns=(time, time))
    except OSError:  # on a read-only disk it will be read each time
        pass
    return True


def _cleared(root: str, path: str) -> str:
    """Return where a file is to stand, with nothing in its way that would lead elsewhere."""
    target = root
    *directories, name = path.split("/")
    for directory in directories:
        target = os.path.join(target, directory)
        if os.path.lexists(target) and (os.path.islink(target) or not os.path.isdir(target)):
            os.unlink(target)
    target = os.path.join(target, name)
    if os.path.isdir(target):
        remove(target)
    return target


def _write_file(files: "UnitFiles", path: str, directory: str, time: int, mode: int) -> str:
    """Write a file below a directory; return SHA-256 of its content, hexadecimal."""
    bits, ref = files.ref(path)
    target = os.path.join(directory, *path.split("/"))
    make_directory(os.path.dirname(target), mode)
    # Readable as the directories are, executable for whoever may read it
    bits = mode & 0o644 | (mode & 0o111 if bits & 0o100 else 0)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with open(os.open(target, flags, bits), "w+b") as file:
        files.archive.copy(ref, file)
        file.seek(0)
        digest = sha256()()
        while part := file.read(_PART):
            digest.update(part)
    os.utime(target, ns=(time, time))
    return str(digest.hexdigest())


class Turn:
    """One's turn to write in a cache directory, so that of many first starts one does the work."""

    __slots__ = ("_fd",)

    def __init__(self, directory: str) -> None:
        self._fd = -1
        try:  # the directory itself: a file for it would have to stay
            self._fd = os.open(directory, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
        except OSError:
            return
        lock(self._fd, exclusive=True, seconds=PATIENCE)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        if self._fd < 0:
            return
        try:
            import fcntl

            # Said, not only closed: a child that was forked meanwhile has the descriptor too.
            fcntl.flock(self._fd, fcntl.LOCK_UN)
        except (ImportError, OSError):
            pass
        os.close(self._fd)


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
