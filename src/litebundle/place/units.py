"""The first, simple rule of placement: a package that holds data or native files gets them on disk.

Which packages really open their files by path is for an analyser to find out; until then a package
is placed when it could need to be. Its own sources never are.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from litebundle.collect.tree import Entry, Kind, Tree

LEVEL_DATA = 1
"""Everything but Python sources and bytecode is placed."""

_CODE = (Kind.SOURCE, Kind.BYTECODE, Kind.EXTENSION)
_REASONS = (Kind.DATA, Kind.EXTENSION)
_NEVER = (Kind.SOURCE, Kind.BYTECODE)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedUnit:
    """Packages and native modules whose files go to one directory, and those files.

    `modules` are their paths in the bundle ("numpy", "google/cloud/storage").
    """

    modules: tuple[str, ...]
    entries: tuple[Entry, ...]


def placed_units(tree: Tree) -> list[PlacedUnit]:
    """Return the units to be placed, in the order of their first modules."""
    members = _by_module(tree)
    placed = {path for path, entries in members.items() if _needs_files(entries)}
    owners = {entry.path: path for path in placed for entry in members[path]}
    groups = {path: {path} for path in placed}
    libraries: dict[str, set[str]] = defaultdict(set)
    for record in _records(tree):
        # What one distribution installs may look for each other by relative paths: extensions for
        # the libraries beside their package ($ORIGIN/../numpy.libs), mypyc's for their package.
        together = set().union(*(groups[owners[path]] for path in record & owners.keys()))
        beside = {path for path in record if _is_library(path)}
        for path in together:
            groups[path] = together
            libraries[path] |= beside
    units = {tuple(sorted(group)) for group in groups.values()}
    by_path = {entry.path: entry for entry in tree.entries}
    found = []
    for modules in sorted(units):
        files = {e.path: e for path in modules for e in members[path] if e.kind not in _NEVER}
        files |= {p: by_path[p] for m in modules for p in libraries[m] if p in by_path}
        found.append(
            PlacedUnit(modules=modules, entries=tuple(files[path] for path in sorted(files)))
        )
    return found


def _needs_files(entries: list[Entry]) -> bool:
    return any(entry.kind in _REASONS for entry in entries)


def _by_module(tree: Tree) -> dict[str, list[Entry]]:
    """Return the files below each topmost package, and each native module outside of any."""
    packages = {
        entry.path.rpartition("/")[0]
        for entry in tree.entries
        if entry.path.rpartition("/")[2].startswith("__init__.") and entry.kind in _CODE
    }
    members: dict[str, list[Entry]] = defaultdict(list)
    for entry in tree.entries:
        top = next((above for above in _above(entry.path) if above in packages), None)
        if top is None and entry.kind is Kind.EXTENSION:
            directory, slash, name = entry.path.rpartition("/")
            top = directory + slash + name.partition(".")[0]
        if top:
            members[top].append(entry)
    return members


def _above(path: str) -> Iterator[str]:
    """Yield the directories above a path, topmost first."""
    at = path.find("/")
    while at >= 0:
        yield path[:at]
        at = path.find("/", at + 1)


def _is_library(path: str) -> bool:
    # Where auditwheel and delocate put the shared libraries of a repaired wheel.
    top, slash, _ = path.partition("/")
    return bool(slash) and top.endswith((".libs", ".dylibs"))


def _records(tree: Tree) -> Iterator[set[str]]:
    """Yield for each distribution the paths it installed (PEP 376, RECORD)."""
    for entry in tree.entries:
        if entry.path.endswith(".dist-info/RECORD"):
            rows = csv.reader(io.StringIO(entry.read().decode("utf-8", "replace")))
            yield {row[0] for row in rows if row}
