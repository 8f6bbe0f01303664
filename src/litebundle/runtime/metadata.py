"""Distributions in bundles, for importlib.metadata (A4, F7)."""

import sys

from ..format.listing import PLACED
from .finder import BundleFinder, path_hook
from .mount import resolve
from .paths import BundlePath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import Distribution, DistributionFinder
    from os import PathLike
    from pathlib import Path
    from typing import Any

    from .archive import Archive

_indexes: dict[tuple[str, str], dict[str, list[str]]] = {}  # by identity and directory


def extend(metadata: "Any") -> None:
    """Have the standard finder of distributions (or its backport's) look into bundles.

    A second finder on `sys.meta_path` would find those of zip bundles twice, and could not keep
    to the order of the path: it would have to come before or after all directories.
    """
    finder = getattr(metadata, "MetadataPathFinder", None)
    standard = getattr(finder, "find_distributions", None)
    if finder is None or standard is None or standard.__module__ == __name__:
        return  # another module of that name, or extended already

    def find_distributions(
        _cls: object, context: "DistributionFinder.Context | None" = None
    ) -> "Iterator[Distribution]":
        """Yield the distributions of the context's path, in its order."""
        options = {} if context is None else vars(context)
        name = options.get("name")
        for entry in options.get("path", sys.path):
            bundle = _bundle_at(entry)
            if bundle is None:
                one = metadata.DistributionFinder.Context(**{**options, "path": [entry]})
                yield from standard(one)
            else:
                for path in _metadata_paths(bundle, name):
                    yield metadata.PathDistribution(path)

    finder.find_distributions = classmethod(find_distributions)


def find_distributions(finder: BundleFinder, name: str | None) -> "Iterator[Distribution]":
    """Yield the distributions whose metadata lie in the finder's directory.

    `name` restricts them, compared as PEP 503 says.
    """
    from importlib.metadata import PathDistribution

    return map(PathDistribution, _metadata_paths(finder, name))


def _bundle_at(entry: "str | PathLike[str]") -> BundleFinder | None:
    from os import fspath

    path = fspath(entry)
    finder = sys.path_importer_cache.get(path)
    if finder is None:
        try:
            return path_hook(path)
        except ImportError:
            return None
    return finder if isinstance(finder, BundleFinder) else None


def _metadata_paths(finder: BundleFinder, name: str | None) -> "Iterator[MetadataPath]":
    archive, directory = finder.place
    key = archive.identity, directory
    index = _indexes.get(key)
    if index is None:
        base = finder.path.replace("\\", "/").rpartition("/")[2]
        index = _indexes[key] = _index(archive, directory, base.lower())
    # As the standard finder: no name, or an empty one, means all
    found = index.get(_normalized(name), ()) if name else [e for es in index.values() for e in es]
    prefix = f"{directory}/" if directory else ""
    return (MetadataPath(archive, finder.root, prefix + entry) for entry in found)


def _index(archive: "Archive", directory: str, base: str) -> dict[str, list[str]]:
    """Return what holds metadata in a directory, by normalized names."""
    listing = archive.listing(directory)
    index: dict[str, list[str]] = {}
    for entry in [*listing.directories, *listing.files] if listing else ():
        low = entry.lower()
        if low.endswith((".dist-info", ".egg-info")):
            name = low.rpartition(".")[0]
        elif low == "egg-info" and base.endswith(".egg"):
            name = base.removesuffix(".egg")
        else:
            continue
        index.setdefault(_normalized(name.partition("-")[0]), []).append(entry)
    return index


def _normalized(name: str) -> str:
    # PEP 503, with underscores, as importlib.metadata compares
    for separator in "-.":
        name = name.replace(separator, "_")
    while "__" in name:
        name = name.replace("__", "_")
    return name.lower()


class MetadataPath(BundlePath):
    """A distribution's metadata; its parent is what `locate_file` starts from."""

    __slots__ = ()

    @property
    def parent(self) -> "Site":
        """The directory that the distribution is installed in."""
        return Site(self._archive, self._root, super().parent._inside)  # noqa: SLF001  # one's own


class Site(BundlePath):
    """A directory that distributions are installed in: the way down leads to placed files."""

    __slots__ = ()

    def joinpath(self, *descendants: "str | PathLike[str]") -> "BundlePath | Path":
        """Return the path below this one: a real one where a package's files are placed."""
        path = super().joinpath(*descendants)
        found = resolve(self._root)
        if isinstance(path, BundlePath) and path.exists() and found is not None:
            at = ""
            parts = path.resolve()._inside.split("/")  # noqa: SLF001  # one's own
            for part in parts:
                listing = self._archive.listing(at)
                name = part.partition(".")[0]  # of an extension module or a directory of libraries
                if listing is None:
                    break
                index = listing.find_module(name)
                placed = index is not None and listing.flags(index) & PLACED
                if placed and listing.find_placement(name) is not None:
                    from .files import unit_of
                    from .placed import PlacedPath

                    unit = unit_of(found[0], self._archive, listing, name)
                    at_home = unit.root != self._archive.path
                    return PlacedPath(unit.root, *parts) if at_home else path
                at = f"{at}/{part}" if at else part
        return path
