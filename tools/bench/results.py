"""What was measured: results by case and contestant, and the file that keeps a table's."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from tools.devtools.process import DevError

FORMAT = 1
SECONDS, BYTES, COUNT = "s", "B", ""
"""Units. Bytes and counts are taken once: they do not depend on what else the machine does."""

RATIO, VALUE, MORE = "ratio", "value", "more"
"""What a goal is about: the ratio to the first contestant, the value itself, what it has more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Goal:
    """What is to be reached: `kind` is RATIO, VALUE or MORE."""

    kind: str
    at_most: float


@dataclass(kw_only=True, slots=True)
class Result:
    """What a contestant took in a case, a value a run in `unit`; or why it could not.

    `what` tells apart what a table measures of the same contestant.
    """

    case: str
    contestant: str
    what: str = ""
    unit: str = SECONDS
    values: list[float] = field(default_factory=list)
    goals: tuple[Goal, ...] = ()
    failure: str | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is the result of, in any run."""
        return self.case, self.what, self.contestant


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One run of a table: its results, and what else they depend on.

    `base` is the contestant that ratios are to, `commit` the checkout that was measured, with a "+"
    where files of it were changed; `date` is UTC, `versions` are those of the peers.
    """

    table: str
    base: str
    commit: str
    date: str
    python: str
    machine: Mapping[str, str]
    versions: Mapping[str, str]
    results: Sequence[Result]

    @property
    def failed(self) -> bool:
        """Whether anybody could not do it."""
        return any(result.failure for result in self.results)

    def compared(self) -> Iterator[tuple[Result, Result | None]]:
        """Yield each result with the one that its ratio is to, None if there is none."""
        bases = {
            (result.case, result.what): result
            for result in self.results
            if result.contestant == self.base and result.values
        }
        for result in self.results:
            yield result, bases.get((result.case, result.what))

    def write(self, path: Path) -> None:
        """Keep the run in a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"format": FORMAT} | asdict(self), indent=1) + "\n", "utf-8")

    @classmethod
    def read(cls, path: Path) -> "Run":
        """Return the run that a file keeps; raises DevError if it keeps none."""
        try:
            known = json.loads(path.read_text("utf-8"))
            if known.pop("format") != FORMAT:
                raise ValueError("of another format")
            results = [_result(each) for each in known.pop("results")]
            return cls(results=results, **known)
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise DevError(
                f"{path} keeps no figures: {error}", "name a file that tools/bench wrote"
            ) from error


def _result(known: dict[str, Any]) -> Result:
    goals = tuple(Goal(**goal) for goal in known.pop("goals"))
    return Result(goals=goals, **known)


def ratios(result: Result, base: Result) -> list[float]:
    """Return the ratio of each run to the base's at the same time."""
    return [mine / its for mine, its in zip(result.values, base.values, strict=False) if its]


def reached(goal: Goal, result: Result, base: Result | None) -> bool | None:
    """Tell whether a result reaches a goal, by the least values; None if nobody knows."""
    if not result.values:
        return None
    found = min(result.values)
    if goal.kind == VALUE:
        return found <= goal.at_most
    if base is None or not min(base.values):
        return None
    to = min(base.values)
    return (found / to if goal.kind == RATIO else found - to) <= goal.at_most


def spread(values: Sequence[float]) -> float | None:
    """Return how uncertain the median of the values is, as a part of it; None for fewer than 4.

    The notch of a box plot: 1.57 times the distance of the quartiles over the root of their number
    (McGill, Tukey and Larsen, 1978), about 95 %.
    """
    if len(values) < 4:
        return None
    ordered = sorted(values)
    quarter = len(ordered) // 4
    width = ordered[-1 - quarter] - ordered[quarter]
    return float(1.57 * width / len(ordered) ** 0.5 / median(ordered))
