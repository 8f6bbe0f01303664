"""Loaders of others that are given a path in a bundle (A1, A3, I4).

Import hooks put a loader of their own in the place of a module's, for the same path (typeguard's
does), and programs make modules of paths that they put together (`spec_from_file_location`). All of
them read by importlib's FileLoader, which learns here where else to look.

The import system gives a namespace package a loader of its own, NamespaceLoader, whose reader of
resources takes portions for directories on disk (since 3.13 also in zips) and fails for those of
other path hooks.
"""

from _frozen_importlib_external import FileLoader, NamespaceLoader

from .mount import resolve

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.resources.abc import Traversable, TraversableResources
    from typing import Any

_standard = FileLoader.get_data
_standard_reader = NamespaceLoader.get_resource_reader


def extend_loaders() -> None:
    """Have FileLoader read from bundles what is not on disk, and NamespaceLoader portions there."""
    FileLoader.get_data = _get_data  # type: ignore[method-assign]
    # There is no hook for it: neither path entry finders nor portions have a say in the loader.
    NamespaceLoader.get_resource_reader = _get_resource_reader  # type: ignore[method-assign, assignment]


def _get_data(self: FileLoader, path: "Any") -> bytes:
    try:
        return _standard(self, path)
    except (FileNotFoundError, NotADirectoryError):
        data = _stored(str(path))
        if data is None:
            raise
        return data


def _stored(path: str) -> bytes | None:
    found = resolve(path)
    if found is None or path[-1:] == "/":
        return None
    mount, inside, location = found
    data = mount.archive.read(inside)
    root = location[: -len(inside) - 1]
    if data is not None and root != mount.archive.path:
        from .files import unit_at

        unit = unit_at(root)
        if unit is not None:  # the module is about to run, and to open what is beside it
            unit.place()
    return data


def _get_resource_reader(self: NamespaceLoader, module: "Any") -> "TraversableResources":
    portions: list[str] = list(self._path)  # type: ignore[attr-defined]
    if not any(resolve(portion) for portion in portions):
        return _standard_reader(self, module)
    from .resources import PortionsReader

    return PortionsReader(map(_path_of, portions))


def _path_of(portion: str) -> "Traversable":
    from pathlib import Path

    from .paths import path_at
    from .placed import PlacedPath

    path = path_at(portion)
    if path is not None:
        return PlacedPath(portion) if path.placed else path
    return _zip_path(portion) or Path(portion)


def _zip_path(portion: str) -> "Traversable | None":
    # What 3.13 does, on every version
    from zipfile import Path as ZipPath
    from zipimport import ZipImportError, zipimporter

    try:
        zipped = zipimporter(portion)
    except ZipImportError:
        return None
    return ZipPath(zipped.archive, zipped.prefix)
