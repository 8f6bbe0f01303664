"""Which files go on disk, and which of them together."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from litebundle.collect.tree import Entry
from litebundle.place.decide import Decision
from litebundle.place.ground import Ground
from litebundle.place.level import NEVER, Level


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedUnit:
    """Packages and modules whose files go to one directory, at one level, and those files.

    `modules` are their paths in the bundle ("numpy", "google/cloud/storage"), `decisions` what was
    decided about each.
    """

    modules: tuple[str, ...]
    decisions: tuple[Decision, ...]
    level: Level
    entries: tuple[Entry, ...]


def placed_units(ground: Ground, decisions: Mapping[str, Decision]) -> list[PlacedUnit]:
    """Return the units to be placed, in the order of their first modules."""
    placed = {unit for unit, decision in decisions.items() if decision.level is not Level.CODE}
    beside: dict[str, set[str]] = defaultdict(set)
    groups = {unit: {unit} for unit in placed}
    for record in ground.records:
        # What one distribution installs may look for each other by relative paths: extensions for
        # the libraries beside their package ($ORIGIN/../numpy.libs), mypyc's for their package.
        units = {unit for path in record if (unit := ground.unit(path)) in placed}
        _join(groups, units)
        for unit in units:
            beside[unit] |= {path for path in record if _is_library(path)}
    for unit in placed:
        reach = {path for finding in decisions[unit].findings for path in finding.reach}
        beside[unit] |= reach
        _join(groups, {unit, *(there for path in reach if (there := ground.unit(path)) in placed)})
    found = []
    for modules in sorted({tuple(sorted(group)) for group in groups.values()}):
        taken = tuple(decisions[unit] for unit in modules)
        level = max(decision.level for decision in taken)
        members = (entry.path for unit in modules for entry in ground.members[unit])
        others = (path for unit in modules for path in beside[unit])
        entries = _placed(ground, {*members, *others}, level)
        found.append(PlacedUnit(modules=modules, decisions=taken, level=level, entries=entries))
    return found


def _join(groups: dict[str, set[str]], units: Iterable[str]) -> None:
    together = set().union(*(groups[unit] for unit in units))
    for unit in together:
        groups[unit] = together


def _placed(ground: Ground, paths: set[str], level: Level) -> tuple[Entry, ...]:
    there = [ground.entries[path] for path in sorted(paths) if path in ground.entries]
    return tuple(entry for entry in there if entry.kind not in NEVER[level])


def _is_library(path: str) -> bool:
    # Where auditwheel and delocate put the shared libraries of a repaired wheel.
    top, slash, _ = path.partition("/")
    return bool(slash) and top.endswith((".libs", ".dylibs"))
