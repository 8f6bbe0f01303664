"""Resources of namespace packages with portions in bundles (A3).

The import system gives such a package a loader of its own, NamespaceLoader, whose reader takes
portions for directories on disk (since 3.13 also in zips) and fails for those of other path hooks.
"""

from _frozen_importlib_external import NamespaceLoader

from .mount import resolve

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
