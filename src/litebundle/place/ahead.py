"""Placing the files of a bundle ahead of time, for machines where the program may write nothing."""

import errno
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from litebundle.inspect.bundle import Bundle
from litebundle.runtime.cache import refusal
from litebundle.runtime.files import PlacedDirectory, UnitFiles
from litebundle.runtime.placing import PUBLIC

_HINT = "name a directory of your own with --to, that can be written and has space"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A unit whose files are in place at `path`; `size` of them in bytes."""

    name: str
    path: str
    files: int
    size: int


def place_ahead(bundle: Path, directory: Path) -> Iterator[Placed]:
    """Place the files of every unit of a bundle in a directory, and yield each when it is there.

    Files that stand there already are compared to the last byte. Others than the owner may read
    them as far as the umask lets them. Raises BundleError if the file is no bundle or is damaged,
    BundleIOError if the directory refuses.
    """
    root = directory.absolute()
    for key, files in _units(Bundle(bundle)):
        error = refusal(str(root), key)
        if error is not None:
            if error.errno == errno.EACCES:  # else its own hint says more
                error.hint = _HINT
            raise error
        placed = PlacedDirectory(str(root / key), files)
        placed.mode = PUBLIC
        marker = placed.take(_HINT, thorough=True)
        _, count, size, _ = marker.read() or (0, 0, 0, "")
        yield Placed(name=files.name, path=placed.path, files=count, size=size)


def _units(bundle: Bundle) -> Iterator[tuple[str, UnitFiles]]:
    """Yield key and files of every unit once."""
    seen: set[str] = set()
    for directory, listing in bundle.listings():
        for name, index in listing.placements.items():
            _, key, ref = listing.placement(index)
            if key.hex() not in seen:
                seen.add(key.hex())
                unit = f"{directory}/{name}" if directory else name
                yield key.hex(), UnitFiles(bundle.archive, ref, key, unit)
