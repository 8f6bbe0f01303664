"""Compare what two commits measured: what became slower or larger, beyond what is noise."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tools.bench.results import SECONDS, Result, Run, ratios, spread
from tools.bench.table import render
from tools.devtools.process import DevError

LEAST = 0.02
"""Less than this part is never called a change: it is the order of what a relink changes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One result in two runs: `factor` is the second to the first, `noise` how much says nothing.

    Ratios to the base of the same run are compared where there is one, since the machine was not
    the same twice; the base itself, and what has none, as measured. `noise` is None where the
    runs were too few to know it.
    """

    table: str
    key: tuple[str, str, str]
    factor: float
    noise: float | None
    is_base: bool

    @property
    def verdict(self) -> str:
        """Say "worse", "better" or nothing; a base is what it is."""
        if self.noise is None or self.is_base or abs(self.factor - 1) <= max(self.noise, LEAST):
            return ""
        return "worse" if self.factor > 1 else "better"


def changes(before: Run, after: Run) -> Iterator[Change]:
    """Yield a change for every result that both runs have; those of another Python have none."""
    known = {result.key: (result, base) for result, base in before.compared()}
    for result, base in after.compared():
        old, old_base = known.get(result.key, (None, None))
        if old is None or not old.values or not result.values:
            continue
        is_base = result.contestant == after.base
        first, second = _relative(old, old_base), _relative(result, base)
        yield Change(
            table=after.table,
            key=result.key,
            factor=median(second) / median(first) if median(first) else 1.0,
            noise=_noise(result.unit, first, second),
            is_base=is_base,
        )


def _relative(result: Result, base: Result | None) -> list[float]:
    if base is None or base is result or not any(base.values):
        return result.values
    return ratios(result, base)


def _noise(unit: str, first: list[float], second: list[float]) -> float | None:
    if unit != SECONDS:
        return 0.0
    parts = spread(first), spread(second)
    if parts[0] is None or parts[1] is None:
        return None
    return float((parts[0] ** 2 + parts[1] ** 2) ** 0.5)


def report(found: list[Change]) -> str:
    """Lay out the changes, those beyond the noise marked."""
    header = ["table", "case", "", "contestant", "factor", "noise", ""]
    return render(
        header,
        [
            [
                change.table,
                *change.key,
                f"{change.factor:.3f}",
                "?" if change.noise is None else f"{change.noise:.1%}",
                change.verdict,
            ]
            for change in found
        ],
    )


def all_changes(before: Mapping[str, Run], after: Mapping[str, Run]) -> list[Change]:
    """Return the changes of all tables that both have; raises DevError if there is none."""
    shared = [name for name in before if name in after]
    found = [change for name in shared for change in changes(before[name], after[name])]
    if not found:
        raise DevError(
            "the two have no table of the same Python and result in common",
            f"measured are {', '.join(before)} and {', '.join(after)}",
        )
    return found


def kept(results: Path, commit: str) -> dict[str, Run]:
    """Return what is kept of a commit, or in one file: runs by table and Python."""
    path = Path(commit)
    files = [path] if path.is_file() else sorted(results.glob(f"{commit}*/*.json"))
    if len({file.parent for file in files}) > 1:
        names = ", ".join(sorted({file.parent.name for file in files}))
        raise DevError(f"{commit} may be one of {names}", "give more of its digits, or the +")
    if not files:
        raise DevError(
            f"nothing is kept of {commit}",
            "check that commit out and measure there, with the same --work; or name a file",
        )
    runs = [Run.read(file) for file in files]
    return {f"{run.table} ({run.python})": run for run in runs}
