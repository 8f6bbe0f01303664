"""Positioned reads on one open file: no seek position, no lock, nothing that fork could share.

The only place of the runtime that opens a bundle.
"""

try:
    import posix as _os
except ImportError:  # Windows
    import nt as _os  # type: ignore[no-redef]


from _frozen_importlib_external import path_sep, path_separators

from ..errors import BundleIOError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from os import stat_result

    from .ahead import Run

_FLAGS = _os.O_RDONLY | getattr(_os, "O_CLOEXEC", 0) | getattr(_os, "O_BINARY", 0)


class Descriptor:
    """A file opened once and read at offsets; raises BundleIOError when the system refuses.

    `stamp` is (device, inode, size, mtime in ns) as the file was opened; `ahead` are the parts that
    are read in large pieces.
    """

    __slots__ = ("ahead", "fd", "path", "stamp")

    def __init__(self, path: str) -> None:
        self.path = path
        self.ahead: list[Run] = []
        self.fd = -1
        try:
            self.fd = _os.open(path, _FLAGS)
        except OSError as error:
            raise _refused("cannot open the bundle", path, error) from error
        self.stamp = stamp(_os.fstat(self.fd))

    def __del__(
        self,
        _close: "Callable[[int], None]" = _os.close,
        _fstat: "Callable[[int], stat_result]" = _os.fstat,
    ) -> None:
        # Bound above, and no builtin is used: when an interpreter ends, these and globals are gone.
        if self.fd >= 0:
            try:
                found = _fstat(self.fd)
                # The program may have closed it (closerange), and the number mean a file of its own
                if found.st_ino == self.stamp[1] and found.st_dev == self.stamp[0]:
                    _close(self.fd)
            except OSError:
                pass

    def __repr__(self) -> str:
        return f"<Descriptor {self.fd} of {self.path!r}>"

    @property
    def size(self) -> int:
        """Size of the file in bytes when it was opened."""
        return self.stamp[2]

    def read(self, offset: int, size: int) -> bytes:
        """Return `size` bytes from `offset`, fewer only at the end of the file."""
        for run in self.ahead:
            if run.start <= offset and offset + size <= run.end:
                found = run.read(self, offset, size)
                if found is not None:
                    return found
        return self.fetch(offset, size)

    def fetch(self, offset: int, size: int) -> bytes:
        """Return what `read` does, by a read of its own."""
        try:
            data = pread(self.fd, size, offset)
            while 0 < len(data) < size:  # a short read; most are the end of the file
                more = pread(self.fd, size - len(data), offset + len(data))
                if not more:
                    break
                data += more
        except OSError as error:
            raise _refused("cannot read the bundle", self.path, error, offset) from error
        except OverflowError:  # an offset of 2**63 and more is past every end
            return b""
        return data

    def is_own(self) -> bool:
        """Tell whether the number still means the file that was opened (fault 55)."""
        try:
            return stamp(_os.fstat(self.fd))[:2] == self.stamp[:2]
        except OSError:
            return False

    def touched(self) -> bool:
        """Tell whether the file was changed in place since it was opened (fault 7)."""
        try:
            return stamp(_os.fstat(self.fd)) != self.stamp
        except OSError:
            return False


def stamp(status: "stat_result") -> tuple[int, int, int, int]:
    """Reduce a stat result to what tells one version of a file from another."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def stamp_of(path: str) -> tuple[int, int, int, int] | None:
    """Return the stamp of what stands at a path now, None if nothing does."""
    try:
        return stamp(_os.stat(path))
    except (OSError, ValueError):
        return None


def kind_of(path: str) -> str | None:
    """Return "file", "directory" or "other" for what stands at a path, None if nothing does."""
    try:
        mode = _os.stat(path).st_mode & 0o170000
    except (OSError, ValueError):  # ValueError: a NUL in it
        return None
    return {0o100000: "file", 0o040000: "directory"}.get(mode, "other")


def absolute(path: str) -> str:
    """Return the path from its root; raises OSError if the working directory was removed."""
    if path[:1] in path_separators or path[1:2] == ":":  # Windows: drives
        return path
    return _os.getcwd() + path_sep + path


def _refused(what: str, path: str, error: OSError, offset: int | None = None) -> BundleIOError:
    return BundleIOError(
        f"{what}: {error.strerror}",
        errno=error.errno,
        file=path,
        offset=offset,
        hint="check the file's permissions and the disk it is on",
    )


if hasattr(_os, "pread"):
    pread = _os.pread
else:  # Windows has no pread: a lock keeps seek and read together
    import _thread

    _lock = _thread.allocate_lock()

    def pread(fd: int, size: int, offset: int) -> bytes:
        """Read like POSIX pread, but moving the file position."""
        with _lock:
            _os.lseek(fd, offset, 0)
            return _os.read(fd, size)
