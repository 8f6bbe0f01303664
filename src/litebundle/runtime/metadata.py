"""Distributions in bundles, for importlib.metadata (A4, F7)."""

import sys

from .extend import find_extended
from .finder import BundleFinder, path_hook
from .paths import BundlePath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from importlib.machinery import ModuleSpec
    from importlib.metadata import Distribution, DistributionFinder

_SUFFIXES = (".dist-info", ".egg-info")


class BundleMetaFinder:
    """An entry of `sys.meta_path` for what the import system asks of no path entry finder.

    importlib.metadata asks only here for distributions; some standard modules are extended.
    """

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> "ModuleSpec | None":
        """Leave modules to the path hook, but for the standard ones that `extend` is about."""
        return find_extended(fullname, path)

    def find_distributions(
        self, context: "DistributionFinder.Context | None" = None
    ) -> "Iterator[Distribution]":
        """Yield the distributions of the bundles on the context's path, in its order.

        Those that a directory in front of the bundle has too are left to the standard finder,
        which comes after this one and would be too late with them.
        """
        name = getattr(context, "name", None)
        before: list[str] = []
        for entry in getattr(context, "path", sys.path):
            finder = _bundle_at(entry)
            if finder is None or _is_zip(finder):
                before.append(entry)
                continue
            shadowed = _names_in(before, name)
            for distribution in find_distributions(finder, name):
                if not shadowed or _normalized(distribution.name) not in shadowed:
                    yield distribution


def _is_zip(finder: BundleFinder) -> bool:
    # The standard finder looks into zips itself, and one distribution must not be found twice.
    archive, directory = finder.place
    return archive.container.name == "zip" and not directory


def _bundle_at(entry: str) -> BundleFinder | None:
    finder = sys.path_importer_cache.get(entry)
    if finder is None:
        try:
            return path_hook(entry)
        except ImportError:
            return None
    return finder if isinstance(finder, BundleFinder) else None


def _names_in(entries: list[str], name: str | None) -> set[str]:
    from importlib.metadata import DistributionFinder, MetadataPathFinder

    if not entries:
        return set()
    context = DistributionFinder.Context(path=entries, name=name)
    found = MetadataPathFinder.find_distributions(context)
    return {_normalized(distribution.name) for distribution in found}


def find_distributions(finder: BundleFinder, name: str | None) -> "Iterator[Distribution]":
    """Yield the distributions whose metadata lie in the finder's directory.

    `name` restricts them, compared as PEP 503 says. Those of a zip are left to the standard finder.
    """
    from importlib.metadata import PathDistribution

    if _is_zip(finder):
        return
    archive, directory = finder.place
    listing = archive.listing(directory)
    wanted = None if name is None else _normalized(name)
    if listing is None:
        return
    for entry in _metadata([*listing.directories, *listing.files]):
        if (
            wanted is None
            or _normalized(entry.partition("-")[0].removesuffix(".egg-info")) == wanted
        ):
            inside = f"{directory}/{entry}" if directory else entry
            yield PathDistribution(BundlePath(archive, finder.root, inside))


def _metadata(names: "Iterable[str]") -> "Iterable[str]":
    return (name for name in names if name.lower().endswith(_SUFFIXES))


def _normalized(name: str) -> str:
    # PEP 503, with underscores, as importlib.metadata compares
    for separator in "-.":
        name = name.replace(separator, "_")
    while "__" in name:
        name = name.replace("__", "_")
    return name.lower()
