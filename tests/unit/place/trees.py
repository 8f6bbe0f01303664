"""Trees of files, and what the analyser makes of them."""

from collections.abc import Mapping
from pathlib import Path

from litebundle.collect.directory import collect
from litebundle.place.analyser import Analyser
from litebundle.place.decide import Decision, decided
from litebundle.place.units import PlacedUnit, placed_units
from tests.unit.collect.trees import make

VERSION = (3, 13, 0)


def analysed(top: Path, files: Mapping[str, str], version: tuple[int, ...] = VERSION) -> Analyser:
    """Return an analyser that has seen all sources of the files, which are created in `top`."""
    tree = collect([make(top, files)])
    analyser = Analyser(tree, version)
    analyser.see_all()
    return analyser


def decisions(
    top: Path, files: Mapping[str, str], chosen: Mapping[str, str] | None = None
) -> dict[str, Decision]:
    """Return the decisions about the units of the files, all reasons among them."""
    return decided(analysed(top, files).evidence(thorough=True), chosen or {})


def levels(top: Path, files: Mapping[str, str]) -> dict[str, str]:
    """Return the levels of the units of the files, by path."""
    return {unit: str(decision.level) for unit, decision in decisions(top, files).items()}


def units(
    top: Path, files: Mapping[str, str], chosen: Mapping[str, str] | None = None
) -> list[PlacedUnit]:
    """Return what is placed of the files."""
    analyser = analysed(top, files)
    return placed_units(analyser.ground, decided(analyser.evidence(thorough=False), chosen or {}))
