"""What a build reports: what went in, what did not, and what becomes of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from litebundle.collect.tree import Conflict, Skipped
from litebundle.place.units import PlacedUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncompiled:
    """A Python file that this interpreter cannot compile, kept as source; and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A package whose files go to the disk when it is imported: its level, and one reason why.

    `files` is their number, those of the packages that are placed together with it among them.
    """

    package: str
    level: str
    why: str
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What was built: every file of the sources is in `counts` (by kind) or in `skipped`.

    `size` is the bundle's in bytes, `targets` are whom it is for, `modules` how many have stored
    code, `stripped` how many sources were left out, `placed` the packages whose files go to the
    disk when they are imported, `seconds` how long it took.
    """

    output: Path
    container: str
    identity: str
    size: int
    targets: tuple[str, ...]
    counts: dict[str, int]
    modules: int
    stripped: int
    placed: tuple[Placed, ...]
    uncompiled: tuple[Uncompiled, ...]
    skipped: tuple[Skipped, ...]
    conflicts: tuple[Conflict, ...]
    warnings: tuple[str, ...]
    seconds: float


def reported(units: Iterable[PlacedUnit]) -> Iterator[Placed]:
    """Yield what is to be said of the units, package by package."""
    for unit in units:
        for decision in unit.decisions:
            why = decision.reasons[0]
            if unit.level is not decision.level:
                why += "; and what is kept together has one level"
            files = len(unit.entries)
            yield Placed(package=decision.package, level=str(unit.level), why=why, files=files)
