"""Where placed files may go: which directories are looked at, and why one is passed over.

A directory is taken if nobody but its user and root can have put anything there: what stands in it
is executed. It is not asked to be writable if the files are there already (`bundle place`).
"""

import os
import sys

from ..errors import BundleIOError
from .marker import NAME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_VARIABLE = "LITEBUNDLE_CACHE"
_OTHERS = 0o022  # write permission of group and others
_KIND, _DIRECTORY, _LINK = 0o170000, 0o040000, 0o120000  # of a file's mode
_chosen: dict[str, str] = {}
HINT = (
    f"set {_VARIABLE} to a directory of your own that can be written,"
    " or to one filled ahead with `bundle place FILE --to DIR`"
)


def candidates() -> list[str]:
    """Return the cache directories in the order in which they are tried.

    LITEBUNDLE_CACHE is taken at its word and stands alone; else the user's cache directory, and
    one in the directory for temporary files.
    """
    chosen = os.environ.get(_VARIABLE)
    if chosen:  # where it was when it was first asked for, wherever the program goes
        return [_chosen.setdefault(chosen, os.path.abspath(chosen))]
    home = os.path.expanduser("~")
    bases = [os.environ.get("XDG_CACHE_HOME"), os.path.join(home, ".cache")]
    if sys.platform == "darwin":
        bases[1] = os.path.join(home, "Library", "Caches")
    elif sys.platform == "win32":
        bases = [os.environ.get("LOCALAPPDATA"), os.path.join(home, "AppData", "Local")]
    # XDG: relative ones are to be ignored. Nor is there a home where `~` stays what it is.
    base = next((base for base in bases if base and os.path.isabs(base)), None)
    found = [os.path.join(base, "litebundle", "placed")] if base else []
    # Not tempfile.gettempdir, which writes a file to find out.
    temporary = (os.environ.get("TMPDIR") or os.environ.get("TEMP"), "/tmp", "/var/tmp")  # noqa: S108  # `refusal` sees to whose it is
    own = f"litebundle-{_user()}"
    found += [os.path.join(base, own) for base in temporary if base and os.path.isabs(base)]
    return list(dict.fromkeys(found))


def choose(
    directories: list[str], key: str, has_native: "Callable[[], bool]"
) -> tuple[str | None, list[BundleIOError]]:
    """Return which of them is the cache of a unit, None if none is, and what was passed over.

    Native files need a file system that lets them be executed; if only others are left, the
    first of these is taken, and extension modules are loaded through memory.
    """
    second = None
    refused = []
    for directory in directories:
        error = refusal(directory, key)
        if error is not None:
            refused.append(error)
        elif not executable(directory) and has_native():
            second = second or directory
        else:
            return directory, refused
    return second, refused


def refusal(directory: str, key: str = "") -> BundleIOError | None:
    """Return why a directory cannot be the cache of a unit, None if it can."""
    existing, link = directory, _status(directory)
    while link is None and existing != os.path.dirname(existing):
        existing = os.path.dirname(existing)
        link = _status(existing)
    error = _unsafe(existing, link, is_cache=existing == directory)
    if error is not None or (key and os.path.exists(os.path.join(directory, key, NAME))):
        return error
    effective = os.access in os.supports_effective_ids
    if os.access(existing, os.W_OK | os.X_OK, effective_ids=effective):
        return None
    return _refused("cannot be written", existing, 13)  # EACCES


def _status(path: str) -> "os.stat_result | None":
    """Return what stands at a path, a symbolic link itself; None if nothing does."""
    try:
        return os.lstat(path)
    except (OSError, ValueError):
        return None


def _unsafe(
    directory: str, link: "os.stat_result | None", *, is_cache: bool
) -> BundleIOError | None:
    """Return why others could put files into a cache, or into the one to be made in a directory.

    `link` is what `_status` has found there.
    """
    try:
        # On a distant disk each call waits: what is no link was looked at already
        status = os.stat(directory) if link is None or link.st_mode & _KIND == _LINK else link
    except OSError as error:
        return _refused(error.strerror or str(error), directory, error.errno)
    if status.st_mode & _KIND != _DIRECTORY:
        return _refused("is no directory", directory, 20)  # ENOTDIR
    if not hasattr(os, "geteuid"):  # Windows: the user's directories are the user's
        return None
    # Of a symbolic link its own owner too: in /tmp anyone may put one.
    foreign = {each.st_uid for each in (link, status) if each} - {0, os.geteuid()}
    if foreign:
        return _refused(f"belongs to another user (uid {foreign.pop()})", directory, 1)  # EPERM
    if is_cache and status.st_mode & _OTHERS:
        return BundleIOError(
            f"can be written by other users (mode {status.st_mode & 0o7777:o})",
            errno=1,
            file=directory,
            hint=f"chmod go-w {directory}, or set {_VARIABLE} to a new directory inside it",
        )
    return None


def executable(path: str) -> bool:
    """Tell whether native code is executed from a path's file system, which need not exist yet."""
    if not hasattr(os, "ST_NOEXEC"):  # Linux has it
        return True
    while True:
        try:
            return not os.statvfs(path).f_flag & os.ST_NOEXEC
        except OSError:
            if path == os.path.dirname(path):
                raise
            path = os.path.dirname(path)


def is_chosen() -> bool:
    """Tell whether the user has said where the cache is."""
    return bool(os.environ.get(_VARIABLE))


def _refused(why: str, directory: str, errno: int | None) -> BundleIOError:
    return BundleIOError(why, errno=errno, file=directory, hint=HINT)


def _user() -> int:
    return os.geteuid() if hasattr(os, "geteuid") else 0
