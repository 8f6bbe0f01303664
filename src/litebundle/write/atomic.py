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


def check_output(output: Path) -> None:
    """Raise BuildError, before any work, if the output could not be put in place."""
    if output.is_dir():
        raise BuildError("the output is a directory", file=str(output), hint="name a file with -o")
    if (output.exists() and not output.is_file()) or output.parent == Path("/dev"):
        raise BuildError(
            "the output is no regular file, and would be replaced by one",
            file=str(output),
            hint="name a new file, or one to replace, with -o",
        )
    directory = output.parent
    if not directory.is_dir():
        raise BuildError(
            "the output's directory does not exist", file=str(directory), hint="create it first"
        )
    if not os.access(directory, os.W_OK | os.X_OK):
        raise BuildError(
            "the output's directory cannot be written",
            file=str(directory),
            hint="choose another place with -o",
        )


@contextlib.contextmanager
def replacing(output: Path, check: Callable[[Path], None]) -> Iterator[Path]:
    """Yield an empty file beside `output`; rename it there at the end, if `check` finds it sound.

    Killed at any moment, the old file stands whole. The order is: write, fsync, read back through
    a new descriptor, rename, fsync the directory. Raises BuildError for what the disk refuses.
    """
    _remove_stale(output)
    aside = output.with_name(f".{output.name}.{secrets.token_hex(_TOKEN)}.tmp")
    descriptor = None
    written = 0
    try:
        try:  # around the creation too: an interrupt may come right after it
            descriptor = _create(aside)
            yield aside
            os.fsync(descriptor)
            check(aside)
            aside.replace(output)
            _sync_directory(output.parent)
        finally:
            with contextlib.suppress(OSError):  # renamed already
                written = aside.stat().st_size
            if descriptor is not None:
                with contextlib.suppress(OSError):  # of no account: what counts was synced
                    os.close(descriptor)
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise _refusal(output, error, written) from error


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


def _remove_stale(output: Path) -> None:
    """Remove what killed builds of this output left: files that nobody holds a lock on."""
    if not _LOCKS:
        return
    for path in output.parent.glob(f".{_literal(output.name)}.{'?' * 2 * _TOKEN}.tmp"):
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            finally:
                os.close(descriptor)


def _literal(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _sync_directory(directory: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
