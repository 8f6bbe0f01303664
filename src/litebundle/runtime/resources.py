"""Resource readers (A3). Imported by nobody who has not importlib.resources already."""

import sys
from importlib import readers, resources

from .paths import BundlePath
from .placed import PlacedPath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager
    from importlib.resources.abc import Traversable
    from pathlib import Path
    from typing import Any


class BundleReader(readers.FileReader):
    """Resources of one package, or beside one module."""

    def __init__(self, path: "Traversable") -> None:
        self.path = path  # type: ignore[assignment]  # typeshed: of a directory

    def resource_path(self, resource: "Any") -> str:
        """Return the path on disk; raises FileNotFoundError where `as_file` has to make one."""
        path: Any = self.path.joinpath(resource)
        if isinstance(path, BundlePath) or not path.exists():
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return str(path)


class Portions(readers.MultiplexedPath):
    """Portions of a namespace package, of any kind, joined by the running Python's own rules."""

    def __init__(self, *paths: "Traversable") -> None:
        self._paths = list(dict.fromkeys(paths))
        if not paths:
            raise FileNotFoundError("MultiplexedPath must contain at least one path")
        if not all(path.is_dir() for path in self._paths):
            raise NotADirectoryError("MultiplexedPath only supports directories")

    def joinpath(self, *descendants: "Any") -> "Traversable":
        """Return what the standard one returns, without listing all that the portions hold."""
        name = str(descendants[0]) if len(descendants) == 1 else ""
        first, slash, rest = name.partition("/")
        if first in ("", ".", ".."):
            return super().joinpath(*descendants)
        if slash and sys.version_info >= (3, 12):
            return self.joinpath(first).joinpath(rest)
        paths: Any = [path.joinpath(name) for path in self._paths]
        found = [path for path in paths if path.exists()]
        if not found or slash:
            return paths[0]  # type: ignore[no-any-return]
        if sys.version_info >= (3, 12):
            return self._follow(found)  # type: ignore[no-any-return]
        return found[0]  # type: ignore[no-any-return]  # names are not joined there

    __truediv__ = joinpath  # type: ignore[assignment]  # of 3.11 in typeshed


class PortionsReader(readers.NamespaceReader):
    """Resources of a namespace package."""

    def __init__(self, paths: "Iterable[Traversable]") -> None:
        self.path = Portions(*paths)


def _as_file(path: BundlePath) -> "AbstractContextManager[Path]":
    """Copy a file or directory to a path of its own name, for as long as the context lasts.

    The standard one gives files another name, and directories only since 3.12.
    """
    from contextlib import contextmanager
    from pathlib import Path
    from tempfile import TemporaryDirectory

    @contextmanager
    def copied() -> "Any":
        with TemporaryDirectory() as directory:
            target = Path(directory, path.resolve().name)
            _copy(path, target)
            yield target

    return copied()


def _placed_as_file(path: PlacedPath) -> "AbstractContextManager[Path]":
    from contextlib import nullcontext

    stored = path.stored()
    if stored is None or path.on_disk() or not stored.exists():
        return nullcontext(path)
    return _as_file(stored)


def _copy(source: "BundlePath", target: "Path") -> None:
    if source.is_dir():
        target.mkdir()
        for child in source.iterdir():
            _copy(child, target / child.name)
    elif source.is_file():  # else nothing, as from a directory: whoever opens it will be told
        target.write_bytes(source.read_bytes())
        target.chmod(0o600 | source.mode & 0o100)


_dispatch: "Any" = resources.as_file  # functools.singledispatch, as which typeshed does not know it
_dispatch.register(BundlePath, _as_file)
_dispatch.register(PlacedPath, _placed_as_file)
