"""Directories to entries: walk them, follow links, lay several over each other."""

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from litebundle.collect.overlay import counted, merged
from litebundle.collect.tree import Entry, Kind, Layer, Skipped, Tree
from litebundle.errors import BuildError, BundleError
from litebundle.format import names
from litebundle.runtime.archive import open_archive

_LEFT_OUT = {names.PYCACHE: "bytecode cache"} | dict.fromkeys(
    # A worktree's .git is a file, and names a directory of the builder's machine.
    (".git", ".hg", ".svn"),
    "version control",
)
_BROKEN_LINK = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_SPECIAL = {
    stat.S_IFIFO: "named pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


def collect(sources: Sequence[Path], *, overlay: bool = False, exclude: Path | None = None) -> Tree:
    """Return what the directories hold, laid over each other, earlier ones on top.

    Raises BuildError as `walked` and `merged` do.
    """
    return merged(walked(sources, exclude=exclude), overlay=overlay)


def walked(sources: Sequence[Path], *, exclude: Path | None = None) -> list[Layer]:
    """Return a layer for each directory.

    `exclude` is the file being built: a bundle there is left out where it lies inside a source, and
    anything else would be lost. Raises BuildError for that, and for what cannot be packed or read;
    each error lists everything of its kind.
    """
    walks = [_Walk(source.absolute()) for source in sources]
    _require_directories(walks)
    output = _identity(exclude) if exclude else None
    for walk in walks:
        walk.run(output)
    _require_packable(walks)
    return [
        Layer(
            source=walk.source,
            entries=tuple(walk.entries),
            directories=tuple(walk.directories),
            skipped=tuple(walk.skipped),
        )
        for walk in walks
    ]


def _require_directories(walks: "list[_Walk]") -> None:
    problems = [reason for walk in walks if (reason := _refusal(walk.source))]
    if problems:
        raise BuildError(
            "; ".join(problems) if len(problems) == 1 else f"{len(problems)} sources are unusable",
            problems=tuple(problems),
            hint="name directories that hold modules and packages, as sys.path would; projects;"
            " wheels; or packages with a version, as NAME==1.2",
        )


def _refusal(source: Path) -> str | None:
    try:
        if not stat.S_ISDIR(source.stat().st_mode):
            return f"{printable(str(source))} is not a directory"
        os.scandir(source).close()
    except OSError as error:
        return f"{printable(str(source))} cannot be read: {error.strerror}"
    return None


def _require_packable(walks: "list[_Walk]") -> None:
    problems = [problem for walk in walks for problem in sorted(walk.problems)]
    if problems:
        raise BuildError(
            f"{counted(problems, 'path')} of the sources cannot be packed",
            problems=tuple(problems),
            hint="rename, repair or remove them",
        )


def printable(path: str) -> str:
    """Return the path for a message: on one line, and encodable whatever its bytes were."""
    return path if path.isprintable() else ascii(path)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        info = path.lstat()
    except OSError:
        return None
    return info.st_dev, info.st_ino


def _within(source: Path) -> frozenset[tuple[int, int]]:
    """Return device and inode of a source, nothing if it is gone: reading it will tell."""
    try:
        info = source.stat()
    except OSError:
        return frozenset()
    return frozenset([(info.st_dev, info.st_ino)])


def _is_bundle(path: str) -> bool:
    try:
        return open_archive(path) is not None
    except BundleError:  # damaged, or of another format
        return True


@dataclass(slots=True)
class _Walk:
    """The files of one source; `problems` are those that cannot be packed."""

    source: Path
    entries: list[Entry] = field(default_factory=list)
    directories: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    _pending: "list[_Directory]" = field(default_factory=list)
    _output: tuple[int, int] | None = None

    def run(self, output: tuple[int, int] | None) -> None:
        """Fill the lists; a loop over what is pending, for trees deeper than the stack."""
        self._output = output
        self._pending.append(_Directory("", str(self.source), _within(self.source)))
        while self._pending:
            directory = self._pending.pop()
            try:
                with os.scandir(directory.location) as found:
                    for item in found:
                        self._visit(item, directory)
            except OSError as error:
                self._refuse(directory.location, f"cannot be read: {error.strerror}")
        self.skipped.sort(key=lambda skipped: skipped.path)

    def _visit(self, item: "os.DirEntry[str]", directory: "_Directory") -> None:
        # By its bytes: what a file is named in a bundle is not for the locale of a build to decide
        name = item.name
        if not name.isascii():
            name = os.fsencode(name).decode(errors="surrogateescape")
        path = f"{directory.path}/{name}" if directory.path else name
        if reason := _LEFT_OUT.get(item.name):
            self._skip(path, reason)
            return
        if reason := names.problem(name):  # the directories have none
            self._refuse(item.path, reason)
            return
        try:
            info = item.stat()
            if not info.st_ino:  # Windows: a directory says nothing of who its files are
                info = Path(item.path).stat()
        except OSError as error:
            if item.is_symlink() and error.errno in _BROKEN_LINK:
                self._skip(path, "broken link")
            else:
                self._refuse(item.path, f"cannot be read: {error.strerror}")
            return
        self._add(path, item, info, directory)

    def _add(
        self, path: str, item: "os.DirEntry[str]", info: os.stat_result, directory: "_Directory"
    ) -> None:
        if stat.S_ISDIR(info.st_mode):
            own = info.st_dev, info.st_ino
            if own in directory.within:
                self._skip(path, "link to a directory it lies in")
                return
            self.directories.append(path)
            self._pending.append(_Directory(path, item.path, directory.within | {own}))
        elif not stat.S_ISREG(info.st_mode):
            self._skip(path, _SPECIAL.get(stat.S_IFMT(info.st_mode), "not a regular file"))
        elif self._output is not None and self._is_output(item, info):
            if not _is_bundle(item.path):
                raise BuildError(
                    "is one of the sources, and would be replaced by the bundle",
                    file=item.path,
                    hint="name another file to write",
                )
            self._skip(path, "the file being built")
        else:
            self.entries.append(
                Entry(
                    path=path,
                    location=item.path,
                    mode=0o755 if info.st_mode & stat.S_IXUSR else 0o644,
                    size=info.st_size,
                    kind=Kind.of(path),
                    stamp=_stamp(info),
                )
            )

    def _is_output(self, item: "os.DirEntry[str]", info: os.stat_result) -> bool:
        # A link itself is what is replaced, not the file that it leads to
        own = item.stat(follow_symlinks=False) if item.is_symlink() else info
        return (own.st_dev, own.st_ino) == self._output

    def _skip(self, path: str, reason: str) -> None:
        self.skipped.append(Skipped(path=path, reason=reason))

    def _refuse(self, location: str, reason: str) -> None:
        self.problems.append(f"{printable(location)} {reason}")


def _stamp(info: os.stat_result) -> tuple[int, ...] | None:
    if os.name != "posix":  # the last is the time of creation elsewhere
        return None
    return info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns


@dataclass(frozen=True, slots=True)
class _Directory:
    """A directory to be walked; `within` are device and inode of it and of those above."""

    path: str
    location: str
    within: frozenset[tuple[int, int]]
