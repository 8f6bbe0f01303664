"""The closed index: what a verified bundle has is imported from it, whatever else is on the path.

Else a file dropped into a directory that comes before the bundle on `sys.path`, as the working
directory or a script's does, would take the place of a module of it.
"""

import sys
from _frozen_importlib_external import PathFinder

from ..errors import BundleError
from .extend import BundleMetaFinder, extended
from .finder import BundleFinder, path_hook

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.machinery import ModuleSpec
    from typing import Any


class ClosedFinder:
    """An entry of `sys.meta_path` that looks into verified bundles before all other path entries.

    A regular module or package is the bundle's alone. A namespace package may have portions
    elsewhere, but no regular package elsewhere replaces it.
    """

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def find_spec(
        self, fullname: str, path: "Any" = None, target: object = None
    ) -> "ModuleSpec | None":
        """Return the spec of a module that a verified bundle of the path has, else None."""
        portions = []
        for finder in _verified(sys.path if path is None else path):
            spec = finder.find_spec(fullname)
            if spec is not None and spec.loader is not None:
                return extended(fullname, spec)
            if spec is not None:
                portions.append(finder.path)
        if not portions:
            return None
        joined = PathFinder.find_spec(fullname, path)
        if joined is not None and joined.loader is None:
            return joined
        return PathFinder.find_spec(fullname, portions)


def close_names() -> None:
    """Have verified bundles asked first; doing it again changes nothing."""
    if not any(isinstance(finder, ClosedFinder) for finder in sys.meta_path):
        # Before the finders of paths, among them ours of standard modules that are to be extended
        paths = [
            index
            for index, finder in enumerate(sys.meta_path)
            if finder is PathFinder or isinstance(finder, BundleMetaFinder)
        ]
        sys.meta_path.insert(min(paths, default=0), ClosedFinder())


def _verified(entries: "Any") -> "Iterator[BundleFinder]":
    for entry in entries:
        if not isinstance(entry, str) or not entry:
            continue
        finder = sys.path_importer_cache.get(entry)
        if finder is None:
            try:
                finder = path_hook(entry)
            # Refused when its turn comes: until then it is a name of no verified bundle
            except (ImportError, BundleError):
                continue
            sys.path_importer_cache[entry] = finder
        if isinstance(finder, BundleFinder) and finder.place[0].signed:
            yield finder
