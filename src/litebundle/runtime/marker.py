"""The marker of a directory of placed files: it says that they are whole, and is their lock.

Who uses the files holds a shared lock on it for as long as the process lives, who writes or removes
them an exclusive one. It is a flock: the kernel gives it up for a process that was killed, a forked
child shares its parent's, and nothing has to be written, so that it works on read-only disks.
A program that closes all descriptors loses it, and gets it back at its next import from there.
"""

import os

from .descriptor import pread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from os import stat_result

NAME = ".litebundle"

_RECORDED = 3600
"""How old the record of the last use may become, in seconds, before it is renewed."""

PATIENCE = 60.0
"""Seconds to wait for others. The locks save work and files; what is there is right without."""


class Marker:
    """The open marker of a directory; closed, and its lock given up, when it is forgotten.

    `used` is when it was last used before, in seconds since 1970, to `_RECORDED` seconds exactly.
    """

    __slots__ = ("_identity", "directory", "fd", "used")

    def __init__(self, directory: str, fd: int) -> None:
        self.directory = directory
        self.fd = fd
        status = os.fstat(fd)
        self._identity = status.st_dev, status.st_ino
        self.used = status.st_mtime

    def __del__(self, _close: "Callable[[int], None]" = os.close) -> None:
        if self.is_own():
            _close(self.fd)

    def close(self) -> None:
        """Give the descriptor and the lock up now."""
        os.close(self.fd)
        self.fd = -1

    def is_own(self, _fstat: "Callable[[int], stat_result]" = os.fstat) -> bool:
        """Tell whether the number still means the marker (fault 55)."""
        # Bound above: globals are gone when an interpreter ends.
        try:
            status = _fstat(self.fd)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._identity

    def stands(self) -> bool:
        """Tell whether it is still the one of the directory, which others may have removed."""
        try:
            status = os.stat(os.path.join(self.directory, NAME))
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._identity

    def write(self, time: int, sizes: "list[int]", name: str) -> None:
        """Declare the directory whole; `time` is that of its files (ns), `sizes` are in bytes."""
        os.write(self.fd, f"{time} {len(sizes)} {sum(sizes)} {name}\n".encode())

    def read(self) -> "tuple[int, int, int, str] | None":
        """Return time (ns), number and size of the files and the unit; None if it is not whole."""
        try:
            time, count, size, name = pread(self.fd, 4096, 0).decode().split(" ", 3)
            return int(time), int(count), int(size), name.rstrip("\n")
        except (OSError, ValueError):
            return None

    def is_recent(self) -> bool:
        """Tell whether the record of the last use need not be renewed yet."""
        from time import time

        return abs(time() - self.used) <= _RECORDED

    def record_use(self) -> None:
        """Record that it is being used: seldom, in its own time, and only where that is allowed."""
        if not self.is_recent():
            try:
                os.utime(self.fd)
            except (OSError, TypeError):  # TypeError: not by descriptor on Windows
                pass

    def share(self) -> None:
        """Hold it as a user, as far as the file system knows locks."""
        lock(self.fd, exclusive=False, seconds=PATIENCE)

    def claim(self, *, wait: bool = False) -> bool:
        """Tell whether nobody else holds it, now or in a while, and hold it alone."""
        return lock(self.fd, exclusive=True, seconds=PATIENCE if wait else 0.0)


def open_marker(directory: str, flags: int = os.O_RDONLY, mode: int = 0o600) -> Marker | None:
    """Return the marker of a directory, None if there is none; raises OSError if it is refused.

    To `claim` it, a network file system wants O_RDWR. `mode` is for a new one.
    """
    flags |= getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    try:
        return Marker(directory, os.open(os.path.join(directory, NAME), flags, mode))
    except (FileNotFoundError, NotADirectoryError):
        return None


def hold(directory: str) -> Marker | None:
    """Keep a directory from being removed while the result lives; None if it has no marker."""
    marker = open_marker(directory)
    if marker is not None:
        marker.share()
        marker.record_use()
    return marker


def lock(fd: int, *, exclusive: bool, seconds: float = 0.0) -> bool:
    """Tell whether the lock was had in that time; False too where there are no locks."""
    try:
        import fcntl
    except ImportError:  # Windows, where files in use cannot be removed anyway
        return False
    kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
    pause = 0.001
    while True:
        try:
            fcntl.flock(fd, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if seconds <= 0:
                return False
        except OSError:
            return False
        else:
            return True
        # Not a waiting flock: a stopped process that holds it would stop all others.
        from time import sleep

        sleep(pause)
        seconds -= pause
        pause = min(2 * pause, 0.05)
