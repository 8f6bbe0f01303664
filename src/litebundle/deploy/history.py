"""The versions of a deployed bundle: TARGET is one of those that lie in TARGET.previous/.

They are named NUMBER-BUILD, and the numbers go up. No record says which one is in place: it is the
one that is the same file (a hard link) as TARGET, or, on file systems without links, the one with
the same content. So there is nothing that a kill could leave contradicting the files themselves.
"""

import contextlib
import filecmp
import re
from dataclasses import dataclass
from pathlib import Path

from litebundle.errors import BundleError
from litebundle.inspect.bundle import Bundle
from litebundle.write.atomic import link, sync_directory

_SUFFIX = ".previous"
_DAMAGED = "damaged"
_NAME = re.compile(rf"(\d{{4,}})-([0-9a-f]{{12}}|{_DAMAGED})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version that is kept: its number, the beginning of its identity, and its file."""

    number: int
    build: str
    path: Path


class History:
    """The versions of the bundle at `target`; raises OSError as the file system does."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.directory = target.with_name(target.name + _SUFFIX)

    def versions(self) -> list[Version]:
        """Return what is kept, the oldest first, the one in place among them."""
        if not self.directory.is_dir():
            return []
        named = [(_NAME.fullmatch(path.name), path) for path in self.directory.iterdir()]
        found = [
            Version(number=int(match[1]), build=match[2], path=path)
            for match, path in named
            if match
        ]
        return sorted(found, key=lambda version: version.number)

    def current(self) -> Version | None:
        """Return the version in place; None if it is not kept, as before the first deploy."""
        try:
            size = self.target.stat().st_size
        except FileNotFoundError:
            return None
        newest_first = self.versions()[::-1]
        for version in newest_first:
            if version.path.samefile(self.target):
                return version
        for version in newest_first:
            same_size = version.path.stat().st_size == size
            if same_size and filecmp.cmp(version.path, self.target, shallow=False):
                return version
        return None

    def build(self) -> str | None:
        """Return the beginning of the identity of what is in place, None if nothing is."""
        return _build(self.target) if self.target.exists() else None

    def beside(self, *, forward: bool) -> Version | None:
        """Return the version before the one in place, or the one after it, None if none is kept."""
        versions = self.versions()
        current = self.current()
        # What was put there by other means is newer than all that are kept
        at = len(versions) if current is None else versions.index(current)
        at += 1 if forward else -1
        return versions[at] if 0 <= at < len(versions) else None

    def keep_current(self) -> None:
        """Keep what is in place, if it was put there by other means."""
        if self.current() is None and self.target.exists():
            self.add(self.target)

    def add(self, path: Path) -> None:
        """Keep a bundle, by a link where that can be, as the newest version."""
        self.directory.mkdir(exist_ok=True)
        sync_directory(self.directory.parent)
        for unfinished in self.directory.glob(".*.tmp"):
            unfinished.unlink()  # a killed deploy's: there is no other while this one has the lock
        number = max((version.number for version in self.versions()), default=0) + 1
        link(path, self.directory / f"{number:04}-{_build(path)}")

    def forget_newer(self) -> None:
        """Drop the versions that were rolled back: as in an editor, a new step ends redoing."""
        current = self.current()
        for version in self.versions():
            if current and version.number > current.number:
                version.path.unlink()

    def prune(self, keep: int) -> None:
        """Keep at most that many versions older than the one in place; 0 keeps nothing at all."""
        current = self.current()
        older = [v for v in self.versions() if current and v.number < current.number]
        for version in older[: max(len(older) - keep, 0)]:
            version.path.unlink()
        if not keep and self.directory.is_dir():
            for version in self.versions():
                version.path.unlink()
            with contextlib.suppress(OSError):  # somebody put a file of his own there
                self.directory.rmdir()


def _build(path: Path) -> str:
    """Return the beginning of a bundle's identity, by which people know it."""
    try:
        build = Bundle(path).identity[:12]
    except BundleError:
        return _DAMAGED
    return build if _NAME.fullmatch(f"0000-{build}") else _DAMAGED
