"""Which bundle a path entry leads to: the opened bundles of this process, by their paths."""

import sys
from _frozen_importlib_external import path_sep, path_separators
from _warnings import warn

from ..errors import BundleError
from .archive import Archive, open_archive
from .descriptor import absolute, exposed, kind_of, stamp_of

try:
    import posix as _os
except ImportError:  # Windows
    import nt as _os  # type: ignore[no-redef]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Literal

SYSTEM_TRUST = "/etc/litebundle/trust"
TRUST_VARIABLE = "LITEBUNDLE_TRUST"

_mounts: dict[str, "Mount"] = {}
_trusted: list[str] | None = None  # trust files, once they were looked for


class Mount:
    """A path at which a bundle is served; `archive` is replaced whole, never in part (F6)."""

    __slots__ = ("archive", "path")

    def __init__(self, path: str, archive: Archive) -> None:
        self.path = path
        self.archive = archive

    def __repr__(self) -> str:
        return f"<Mount of {self.archive!r} at {self.path!r}>"

    def refresh(self) -> None:
        """Look at the file again: serve another sound bundle that stands at the path.

        If nothing stands there, or nothing sound, the opened one is served on (F6, fault 9).
        """
        now = stamp_of(self.archive.path)
        if now is None or now == self.archive.stamp:
            return
        try:
            archive = _open(self.archive.path)
        except BundleError:
            return
        if archive is not None and archive.identity != self.archive.identity:
            # F6: one store, and every finder of this bundle sees the new file, listings included
            self.archive = archive


def trust_files() -> list[str]:
    """Return the trust files that are configured: the system's, the environment's, the program's.

    Looked for once in a process, and whenever the hook is installed.
    """
    return look_for_trust() if _trusted is None else _trusted


def look_for_trust(named: str | None = None) -> list[str]:
    """Look for trust files again, and add one; what was found before stays.

    Without any it costs one failed `stat`. Raises BundleSignatureError if what is open already is
    not admitted by them, or if they say nothing.
    """
    global _trusted  # noqa: PLW0603  # replaced whole
    known = _trusted or []
    found = dict.fromkeys([*known, *_configured(), *([] if named is None else [named])])
    if len(found) == len(known):
        _trusted = known
        return known
    from .signed import checked

    _trusted = list(found)  # first: whatever is opened from here on, by any thread, is checked
    new = _trusted[len(known) :]
    archives = checked([mount.archive for mount in list(_mounts.values())], new)
    for mount in list(_mounts.values()):
        mount.archive = archives.get(mount.archive, mount.archive)
    return _trusted


def _configured() -> "Iterator[str]":
    if sys.platform != "win32" and _may_exist(SYSTEM_TRUST):
        yield SYSTEM_TRUST
    # What the process was started with, and what the program has made of it: neither unsays the
    # other. Set and empty is a mistake, which the empty path will tell.
    given: Any = _os.environ  # of bytes; of str on Windows
    started = given.get(TRUST_VARIABLE.encode(), given.get(TRUST_VARIABLE))
    if isinstance(started, bytes):
        started = started.decode(sys.getfilesystemencoding(), sys.getfilesystemencodeerrors())
    now = getattr(sys.modules.get("os"), "environ", {}).get(TRUST_VARIABLE)
    for text in (started, now):
        if text is not None:
            yield from text.split(";" if sys.platform == "win32" else ":")


def _may_exist(path: str) -> bool:
    try:
        _os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # there may be one: whoever reads it will tell
        pass
    return True


def _open(path: str) -> Archive | None:
    files = trust_files()
    if not files:
        return open_archive(path)
    from .signed import open_trusted

    return open_trusted(path, files)


def refresh_all() -> None:
    """Look at the files of all bundles that are open."""
    for mount in list(_mounts.values()):
        mount.refresh()


def alias(path: str, mount: Mount) -> Mount:
    """Serve a bundle at a second path too (a directory of placed files); return who is there."""
    return _mounts.setdefault(path, mount)


def resolve(path: str) -> tuple[Mount, str, str] | None:
    """Return (mount, directory in the bundle, absolute path entry), None for a path of others.

    Raises BundleError if a bundle stands there that cannot be used (F1).
    """
    try:
        path = absolute(path)
    except OSError:  # the working directory was removed
        return None
    # Bundles that are open are found without asking the disk
    found = _above(path, _mounts.get) or _above(path, _standing)
    if found is None:
        return None
    mount, base, parts = found
    directory = mount.archive.normalized(parts)
    return None if directory is None else (mount, directory, mount_join(base, directory))


def told(path: str) -> tuple[Mount, str, str] | None:
    """Return what `resolve` does, None too where a bundle cannot be used: for what tells of errors.

    Where a trust file says nothing, that is so of every file (TRUST.md).
    """
    try:
        return resolve(path)
    except BundleError:
        return None


def _above(
    path: str, look: "Callable[[str], Mount | Literal[False] | None]"
) -> tuple[Mount, str, list[str]] | None:
    """Return the mount at the path or nearest above it, where, and the components below.

    `look` returns what is at a path: None for nothing, False for what is no mount and ends it.
    """
    parts: list[str] = []
    base = path.rstrip(path_separators)
    while base:
        mount = look(base)
        if mount:
            return mount, base, parts[::-1]
        if mount is False:
            return None
        at = max(map(base.rfind, path_separators))
        parts.append(base[at + 1 :])
        base = base[: max(at, 0)].rstrip(path_separators)
    return None


def mount_join(base: str, directory: str) -> str:
    """Return the path of a directory of the bundle that is served at `base`."""
    return base + path_sep + directory.replace("/", path_sep) if directory else base


def _standing(path: str) -> "Mount | Literal[False] | None":
    kind = kind_of(path)  # once: on a distant disk each call waits
    if kind != "file":
        return None if kind is None else False
    archive = _open(path)
    if archive is not None and (reason := exposed(path)):
        warn(reason, RuntimeWarning)
    # Two threads may both have opened it; one of them is kept.
    return False if archive is None else _mounts.setdefault(path, Mount(path, archive))
