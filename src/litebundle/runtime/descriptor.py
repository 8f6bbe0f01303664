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
    from collections.abc import Callable, Iterator
    from os import stat_result

    from .startup import Run

PART = 4 << 20
"""Bytes read at once of what is too large for memory."""

_FLAGS = (
    _os.O_RDONLY
    | getattr(_os, "O_CLOEXEC", 0)
    | getattr(_os, "O_BINARY", 0)
    | getattr(_os, "O_NONBLOCK", 0)  # a named pipe that nobody writes to would be waited for
)


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
            status = _os.fstat(self.fd)
        except OSError as error:
            if self.fd >= 0:
                _os.close(self.fd)
                self.fd = -1
            raise _refused("cannot open the bundle", path, error) from error
        self.stamp = stamp(status)
        kind = status.st_mode & 0o170000
        if kind != 0o100000:  # a pipe has no offsets, and /dev/zero no end
            raise _refused(
                "cannot open the bundle",
                path,
                OSError(21, "Is a directory")
                if kind == 0o040000
                else OSError(22, "Not a regular file"),
            )

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

    def parts(self, offset: int, size: int) -> "Iterator[bytes]":
        """Yield what `read` returns, in parts."""
        while size > 0:
            part = self.read(offset, min(size, PART))
            yield part
            offset += len(part)
            size = size - len(part) if part else 0

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


def exposed(path: str) -> str | None:
    """Tell that every user can replace what root is about to run, None if that is not so.

    Fault 21: where strangers may write the file, or exchange it in its directory.
    """
    if not hasattr(_os, "geteuid") or _os.geteuid():
        return None
    directory = path[: max(path.rfind(separator) for separator in path_separators)] or path_sep
    try:
        for each, mask, where in ((path, 0o002, ""), (directory, 0o1002, f"{path}: ")):
            # From a sticky directory, as /tmp is, only the owner removes a file
            if _os.stat(each).st_mode & mask == 0o002:
                return f"{where}{each} can be written by every user, and this process is root's"
    except OSError:  # gone already
        pass
    return None


def absolute(path: str) -> str:
    """Return the path from its root; raises OSError if the working directory was removed."""
    if path[:1] in path_separators or path[1:2] == ":":  # Windows: drives
        return path
    return _os.getcwd() + path_sep + path


def _refused(what: str, path: str, error: OSError, offset: int | None = None) -> BundleIOError:
    hint = "check the file's permissions and the disk it is on"
    if error.errno in (2, 20, 21):  # ENOENT, ENOTDIR, EISDIR
        hint = "name the file of a bundle that is there"
    if error.errno in (23, 24):  # ENFILE, EMFILE
        # A bundle stays open, so that one that is replaced goes on being served (F6)
        hint = "each bundle takes a descriptor: raise the limit (ulimit -n), or make one of several"
    return BundleIOError(
        f"{what}: {error.strerror}", errno=error.errno, file=path, offset=offset, hint=hint
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
