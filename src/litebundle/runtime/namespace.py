"""Resources of namespace packages with portions in bundles (A3).

The import system gives such a package a loader of its own, NamespaceLoader, whose reader takes
portions for directories on disk (since 3.13 also in zips) and fails for those of other path hooks.
"""

from _frozen_importlib_external import NamespaceLoader

from .mount import resolve
from .paths import BundlePath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.resources.abc import Traversable, TraversableResources
    from typing import Any

_standard_reader = NamespaceLoader.get_resource_reader


def extend_loader() -> None:
    """Have NamespaceLoader read portions in bundles; all others go the standard way."""
    # There is no hook for it: neither path entry finders nor portions have a say in the loader.
    NamespaceLoader.get_resource_reader = _get_resource_reader  # type: ignore[method-assign, assignment]


def _get_resource_reader(self: NamespaceLoader, module: "Any") -> "TraversableResources":
    portions: list[str] = list(self._path)  # type: ignore[attr-defined]
    paths: list[Traversable | None] = [_bundle_path(portion) for portion in portions]
    if not any(paths):
        return _standard_reader(self, module)
    for index, portion in enumerate(portions):
        paths[index] = paths[index] or _standard_path(portion)
    return _reader(paths)


def _bundle_path(portion: str) -> BundlePath | None:
    found = resolve(portion)
    if found is None:
        return None
    mount, directory, location = found
    root = location[: -len(directory) - 1] if directory else location
    path = BundlePath(mount.archive, root, directory)
    return path if path.is_dir() else None


def _standard_path(portion: str) -> "Traversable | None":
    from importlib.readers import NamespaceReader
    from pathlib import Path

    if hasattr(NamespaceReader, "_resolve"):  # 3.13, where a portion may be in a zip
        return NamespaceReader._resolve(portion)  # type: ignore[no-any-return]  # noqa: SLF001
    return Path(portion)


def _reader(paths: "list[Traversable | None]") -> "TraversableResources":
    from importlib.readers import MultiplexedPath, NamespaceReader

    class Portions(MultiplexedPath):
        """Portions of any kind, joined by the running Python's own rules."""

        def __init__(self, *paths: "Traversable") -> None:
            self._paths = list(paths)
            if not paths:
                raise FileNotFoundError("MultiplexedPath must contain at least one path")
            if not all(path.is_dir() for path in paths):
                raise NotADirectoryError("MultiplexedPath only supports directories")

    class Reader(NamespaceReader):
        """The standard reader over these portions."""

        def __init__(self) -> None:
            self.path = Portions(*(path for path in paths if path is not None))

    return Reader()
