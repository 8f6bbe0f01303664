"""pkg_resources, which keeps registries of its own of who knows what (A3, A4).

It is deprecated, and gone from setuptools 81 on; programs as they are ask it for their version.
"""

import sys
from _frozen_importlib_external import path_sep

from .finder import BundleFinder
from .loader import BundleLoader
from .paths import path_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_MARK = "__litebundle__"


def extend(pkg_resources: "Any") -> None:
    """Have pkg_resources find distributions, resources and namespaces in bundles."""
    if not hasattr(pkg_resources, "register_finder") or hasattr(pkg_resources, _MARK):
        return  # another module of that name, or extended already
    setattr(pkg_resources, _MARK, True)
    provider = _provider(pkg_resources)

    def find(finder: BundleFinder, entry: str, _only: bool = False) -> "Iterator[Any]":  # noqa: FBT001, FBT002  # as it is called
        archive, directory = finder.place
        listing = archive.listing(directory)
        for name in sorted(listing.directories if listing else ()):
            if name.lower().endswith((".dist-info", ".egg-info")):
                metadata = provider(None)  # of no module
                metadata.module_path, metadata.egg_info = entry, entry + path_sep + name
                yield pkg_resources.Distribution.from_location(
                    entry, name, metadata, precedence=pkg_resources.DEVELOP_DIST
                )

    pkg_resources.register_finder(BundleFinder, find)
    pkg_resources.register_loader_type(BundleLoader, provider)
    pkg_resources.register_namespace_handler(BundleFinder, pkg_resources.file_ns_handler)
    if any(isinstance(sys.path_importer_cache.get(entry), BundleFinder) for entry in sys.path):
        # It has looked at the path already, when it was executed.
        pkg_resources._initialize_master_working_set()  # noqa: SLF001  # what there is for this


def _provider(pkg_resources: "Any") -> "Any":
    standard: Any = pkg_resources.DefaultProvider

    class BundleProvider(standard):  # type: ignore[misc]  # of a module that may not be there
        """Resources and metadata: on disk where files are placed, else in the bundle."""

        def _has(self, path: str) -> bool:
            found = path_at(path)
            return (found is not None and found.exists()) or super()._has(path)

        def _isdir(self, path: str) -> bool:
            found = path_at(path)
            return (found is not None and found.is_dir()) or super()._isdir(path)

        def _listdir(self, path: str) -> list[str]:
            found = path_at(path)
            if found is None or not found.is_dir():
                return super()._listdir(path)  # type: ignore[no-any-return]
            return [child.name for child in found.iterdir()]

        def _get(self, path: str) -> bytes:
            found = path_at(path)
            if found is None or not found.is_file():
                return super()._get(path)  # type: ignore[no-any-return]
            return found.read_bytes()

    return BundleProvider
