"""Placed files: what a package wants to open by path is put on disk, once, by content (decision 5).

A unit is a top-level package or module with the files it needs. Its directory mirrors the bundle
from the root, so that paths below it read as they would in site-packages:
`<cache>/<key>/django/templates/...`, where `key` is a digest over paths, modes and contents.
"""

import os  # every program that gets here has it; a bare interpreter never does
import sys

from ..errors import BundleCorrupt, BundleIOError
from ..format.listing import Listing
from .mount import Mount, alias

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .archive import Archive

_units: dict[str, "Unit"] = {}


class Unit:
    """The files of one placed package; `root` is the directory that mirrors the bundle."""

    __slots__ = ("_archive", "_files", "_ready", "name", "root")

    def __init__(self, name: str, archive: "Archive", root: str, files: Listing) -> None:
        self.name = name
        self.root = root
        self._archive = archive
        self._files = files
        self._ready = False

    def __repr__(self) -> str:
        return f"<Unit {self.name!r} at {self.root!r}>"

    def place(self) -> None:
        """Put the files there unless they are; raises BundleIOError if the disk refuses.

        They are written aside and renamed whole: other processes see all of them or none, and of
        two that place at once the second finds the work done.
        """
        if not self._ready:
            if not os.path.isdir(self.root):
                self._write()
            self._ready = True

    def _write(self) -> None:
        aside = f"{self.root}.{os.getpid()}-{os.urandom(4).hex()}.tmp"
        try:
            os.makedirs(os.path.dirname(self.root), mode=0o700, exist_ok=True)
            os.mkdir(aside, 0o700)
            try:
                for path, index in self._files.files.items():
                    self._write_file(os.path.join(aside, *path.split("/")), index)
                os.rename(aside, self.root)
            except BaseException:
                _remove(aside)
                if not os.path.isdir(self.root):  # else another process was faster
                    raise
        except BundleIOError:
            raise
        except OSError as error:
            raise BundleIOError(
                f"cannot place the files of {self.name}: {error.strerror}",
                errno=error.errno,
                file=error.filename or self.root,
                hint="set LITEBUNDLE_CACHE to a directory that can be written",
            ) from error

    def _write_file(self, target: str, index: int) -> None:
        mode, ref = self._files.file(index)
        if ref is None:
            raise BundleCorrupt(f"placed file without content: {target}", file=self._archive.path)
        os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 | mode & 0o100)
        with open(descriptor, "wb") as file:
            file.write(self._archive.blob(ref))


def unit_of(mount: Mount, archive: "Archive", listing: Listing, name: str) -> Unit:
    """Return the unit that a module flagged PLACED belongs to; its files may not be there yet."""
    _, key, ref = listing.placement(listing.placements[name])
    root = os.path.join(cache_directory(), key.hex())
    # Two bundles in one process may have equal files but other code: each is served at its own.
    if alias(root, mount) is not mount:
        root = f"{root}-{archive.identity[:16]}"
        alias(root, mount)
    unit = _units.get(root)
    if unit is None:
        if ref is None:
            raise BundleCorrupt(f"placed unit {name!r} without files", file=archive.path)
        files = archive.placed_files(ref, name)
        unit = _units.setdefault(root, Unit(name, archive, root, files))
    return unit


def unit_at(path: str) -> Unit | None:
    """Return the unit that a path is below, None if there is none."""
    for root, unit in list(_units.items()):
        if path.startswith(root) and path[len(root) : len(root) + 1] in ("", os.sep):
            return unit
    return None


def cache_directory() -> str:
    """Return where placed files go: LITEBUNDLE_CACHE, else the user's cache directory."""
    chosen = os.environ.get("LITEBUNDLE_CACHE")
    if chosen:
        return os.path.abspath(chosen)
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser(
        "~/Library/Caches" if sys.platform == "darwin" else "~/.cache"
    )
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or base
    return os.path.join(base, "litebundle", "placed")


def _remove(directory: str) -> None:
    for base, directories, files in os.walk(directory, topdown=False):
        for name in files:
            os.unlink(os.path.join(base, name))
        for name in directories:
            os.rmdir(os.path.join(base, name))
    if os.path.isdir(directory):
        os.rmdir(directory)
