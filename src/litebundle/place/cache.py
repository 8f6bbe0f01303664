"""The cache of placed files: what is in it, and what can go."""

import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from litebundle.errors import BundleIOError
from litebundle.runtime.cache import candidates, refusal
from litebundle.runtime.marker import Marker, open_marker
from litebundle.runtime.placing import discard, is_key, remove_stale

GRACE = 86_400.0
"""Seconds for which nothing is removed after its last recorded use, whoever asks.

A process that closed all its descriptors, as daemons do, has lost the lock that protects its files
until its next import from them; it, and children that only know the paths, get this long.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedUnit:
    """The placed files of a unit: `size` of them in bytes, `used` in seconds since 1970.

    `busy` tells whether a process holds them now.
    """

    name: str
    path: str
    files: int
    size: int
    used: float
    busy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What was removed, what was kept although it was asked for, and leftovers of killed starts."""

    removed: tuple[CachedUnit, ...]
    kept: tuple[CachedUnit, ...]
    stale: int


def directories() -> tuple[list[str], list[BundleIOError]]:
    """Return the cache directories that exist and are safe to use, and why others are not used."""
    found, refused = [], []
    for directory in candidates():
        error = refusal(directory)
        if error is not None:
            refused.append(error)
        # One that cannot be written may be in use all the same: it was filled ahead.
        if Path(directory).is_dir() and (error is None or not os.access(directory, os.W_OK)):
            found.append(directory)
    return found, refused


def units(directory: str) -> Iterator[CachedUnit]:
    """Yield what is placed in a cache directory, by its key."""
    for path in sorted(Path(directory).iterdir()):
        if is_key(path.name) and not path.suffix:
            with contextlib.suppress(OSError):  # removed meanwhile, or another user's
                marker = open_marker(str(path))
                if marker is not None and (facts := marker.read()) is not None:
                    yield _unit(marker, facts, busy=_is_busy(marker.directory))


def prune(
    directory: str, *, older_than: float | None = None, max_size: int | None = None
) -> Pruned:
    """Remove what was not used for `older_than` seconds, and then the least recently used.

    Until what is left has at most `max_size` bytes. Never removes what a process holds, nor what
    was used within GRACE. Raises OSError if the directory refuses.
    """
    now = time.time()
    found = sorted(units(directory), key=lambda unit: unit.used)
    size = sum(unit.size for unit in found)
    removed: list[CachedUnit] = []
    kept: list[CachedUnit] = []
    for unit in found:
        old = older_than is not None and now - unit.used > older_than
        if not old and (max_size is None or size <= max_size):
            continue
        if now - unit.used > GRACE and _remove(unit.path):
            removed.append(unit)
            size -= unit.size
        else:
            kept.append(unit)
    return Pruned(removed=tuple(removed), kept=tuple(kept), stale=remove_stale(directory))


def _unit(marker: Marker, facts: tuple[int, int, int, str], *, busy: bool) -> CachedUnit:
    _, files, size, name = facts
    return CachedUnit(
        name=name,
        path=marker.directory,
        files=files,
        size=size,
        used=marker.used,
        busy=busy,
    )


def _is_busy(path: str) -> bool:
    try:
        marker = open_marker(path, os.O_RDWR)
    except OSError:  # not ours to remove
        marker = open_marker(path)
    return marker is not None and not marker.claim()


def _remove(path: str) -> bool:
    marker = open_marker(path, os.O_RDWR)
    # Who has opened the marker by now sees, once it has the lock, that the directory is gone.
    if marker is None or not marker.claim() or not marker.stands():
        return False
    discard(path)
    return True


def total(found: Sequence[CachedUnit]) -> int:
    """Return how many bytes they have together."""
    return sum(unit.size for unit in found)
