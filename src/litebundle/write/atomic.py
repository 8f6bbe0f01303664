"""Never written in place: aside in the same directory, checked, then renamed (decision 8)."""

import contextlib
import errno
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from litebundle.errors import BuildError, BundleIOError

try:
    import fcntl
except ImportError:  # Windows: what a killed build left behind stays there
    _LOCKS = False
else:
    _LOCKS = True

_TOKEN = 8
"""Random bytes in the name of a temporary file: nobody else's is ever met."""

_WAITED_FOR = 8 << 20
"""Bytes of a file that a disk takes some milliseconds for."""


def check_output(output: Path) -> None:
    """Raise BuildError, before any work, if the output could not be put in place."""
    if output.is_dir():
        raise BuildError("is a directory", file=str(output), hint="name a file to write")
    if (output.exists() and not output.is_file()) or output.parent == Path("/dev"):
        raise BuildError(
            "is no regular file, and would be replaced by one",
            file=str(output),
            hint="name a new file, or one to replace",
        )
    directory = output.parent
    if not directory.is_dir():
        raise BuildError(
            "the directory does not exist", file=str(directory), hint="create it first"
        )
    if not os.access(directory, os.W_OK | os.X_OK):
        raise BuildError(
            "the directory cannot be written",
            file=str(directory),
            hint="choose another place",
        )


@contextlib.contextmanager
def replacing(output: Path, check: Callable[[Path], None]) -> Iterator[Path]:
    """Yield an empty file beside `output`; rename it there at the end, if `check` finds it sound.

    Killed at any moment, the old file stands whole. The order is: write, fsync, read back through
    a new descriptor, rename, fsync the directory. Raises BuildError for what the disk refuses.
    """
    _remove_stale(output)
    aside = _aside(output)
    descriptor = None
    written = 0
    try:
        try:  # around the creation too: an interrupt may come right after it
            descriptor = _create(aside)
            yield aside
            os.fsync(descriptor)
            check(aside)
            aside.replace(output)
            sync_directory(output.parent)
        finally:
            with contextlib.suppress(OSError):  # renamed already
                written = aside.stat().st_size
            if descriptor is not None:
                with contextlib.suppress(OSError):  # of no account: what counts was synced
                    os.close(descriptor)
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise _refusal(output, error, written) from error


@contextlib.contextmanager
def flushing(path: Path) -> Iterator[None]:
    """Have the disk take what a large file has by now, while the block goes on writing it.

    So the sync that counts, at the end, waits for less. What fails here, fails there, too.
    """
    if path.stat().st_size < _WAITED_FOR or os.name != "posix":
        yield
        return
    from concurrent.futures import ThreadPoolExecutor  # builds have it; who replaces a link has not

    with path.open("rb") as file, ThreadPoolExecutor(1) as beside:
        beside.submit(os.fsync, file.fileno())
        yield


@contextlib.contextmanager
def replacing_directory(output: Path) -> Iterator[Path]:
    """Yield an empty directory beside `output`; rename it there at the end, if nothing is raised.

    What stood there goes, or is back if that fails. Killed between the two renames, it is beside
    it, as `.NAME.*.old`. Raises OSError as the file system does.
    """
    _remove_stale_directories(output)
    aside = _aside(output)
    old = aside.with_suffix(".old")
    with contextlib.ExitStack() as held:
        try:
            held.callback(os.close, _make(aside))
            yield aside
            if output.is_dir():
                held.callback(os.close, _hold(output))
                output.rename(old)
            aside.rename(output)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
            if old.exists() and not os.path.lexists(output):
                old.rename(output)
            shutil.rmtree(old, ignore_errors=True)


def _refusal(output: Path, error: OSError, written: int) -> BuildError:
    # What is read back is checked as any bundle is, and its errors name the file aside
    what = "read back" if isinstance(error, BundleIOError) else "written"
    cause = f"cannot be {what}: {error.strerror or os.strerror(error.errno or 0)}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        free = shutil.disk_usage(output.parent).free
        cause += f", needed are more than {written:,} bytes, free are {free:,}"
    return BuildError(
        cause, file=str(output), hint="check the free space and the permissions there"
    )


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Keep others that lock the directory out, having waited for them.

    No file has to be made for it, and none is left: a process that is killed gives the lock back.
    """
    if not _LOCKS:
        yield
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def link(source: Path, output: Path, check: Callable[[Path], None] | None = None) -> None:
    """Have a file that is whole stand at another path, too: by a link, or else by a copy.

    Raises OSError as the file system does, and what `check` raises of what is to be renamed there;
    what stood at `output` is then untouched.
    """
    _remove_stale(output)
    aside = _aside(output)
    with source.open("rb") as file:
        if _LOCKS:  # so that the name aside is not taken for a dead build's
            with contextlib.suppress(BlockingIOError):  # it is locked: even better
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        try:
            try:
                os.link(source, aside)
            except OSError:  # no links here, or (Linux) none to what belongs to somebody else
                shutil.copy2(source, aside)
                with aside.open("rb") as copy:
                    os.fsync(copy.fileno())
            if check is not None:
                check(aside)
            aside.replace(output)
            sync_directory(output.parent)
        finally:
            aside.unlink(missing_ok=True)


def let_run(path: Path) -> None:
    """Let those run a file who may read it, if it begins with the line for that."""
    with path.open("rb") as file:
        if file.read(2) == b"#!":
            mode = path.stat().st_mode
            path.chmod(mode | (mode & 0o444) >> 2)


def _aside(output: Path) -> Path:
    return output.with_name(f".{output.name}.{secrets.token_hex(_TOKEN)}.tmp")


def _create(aside: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
    while True:
        descriptor = os.open(aside, flags, 0o666)
        if not _LOCKS:
            return descriptor
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # tells other builds that this one lives
        if aside.exists():  # else one of them took it for a dead one's before it was locked
            return descriptor
        os.close(descriptor)


def _make(aside: Path) -> int:
    """Make a directory and hold it; see `_create`."""
    while True:
        aside.mkdir()
        with contextlib.suppress(FileNotFoundError):
            descriptor = _hold(aside)
            if aside.exists():
                return descriptor
            os.close(descriptor)


def _hold(directory: Path) -> int:
    descriptor = os.open(directory, os.O_RDONLY)
    if _LOCKS:
        with contextlib.suppress(OSError):  # NFS locks no directories, nor for those who remove
            fcntl.flock(descriptor, fcntl.LOCK_SH)
    return descriptor


def _remove_stale(output: Path) -> None:
    """Remove what killed builds of this output left: files that nobody holds a lock on."""
    for path in _stale(output, "tmp", os.O_RDWR):
        with contextlib.suppress(OSError):
            path.unlink()


def _remove_stale_directories(output: Path) -> None:
    """Remove directories likewise; what was renamed last only where something is in its place."""
    for suffix in ("tmp", "old") if output.exists() else ("tmp",):
        for path in _stale(output, suffix, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)):
            shutil.rmtree(path, ignore_errors=True)


def _stale(output: Path, suffix: str, flags: int) -> Iterator[Path]:
    """Yield the names aside of an output that nobody holds a lock on, locked meanwhile."""
    if not _LOCKS:
        return
    for path in output.parent.glob(f".{_literal(output.name)}.{'?' * 2 * _TOKEN}.{suffix}"):
        with contextlib.suppress(OSError):
            descriptor = os.open(path, flags)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield path
            finally:
                os.close(descriptor)


def _literal(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def sync_directory(directory: Path) -> None:
    """Have the names in a directory survive a power loss."""
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
