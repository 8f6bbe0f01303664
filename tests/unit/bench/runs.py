"""Runs of a table that was never measured."""

from collections.abc import Mapping, Sequence

from tools.bench.environment import Environment
from tools.bench.frame import Table, Wanted
from tools.bench.results import SECONDS, Goal, Result, Run

BASE, OURS = "floor", "litebundle"


def run(
    values: Mapping[str, Sequence[float]], *, unit: str = SECONDS, goal: Goal | None = None
) -> Run:
    """Return a run of one case, given what each contestant took."""
    results = [
        Result(
            case="sympy (573)",
            contestant=name,
            unit=unit,
            values=[*taken],
            goals=(goal,) if goal and name == OURS else (),
            failure=None if taken else "no such module",
        )
        for name, taken in values.items()
    ]
    return Run(
        table="imports",
        base=BASE,
        commit="0123456789ab",
        date="2026-01-02T03:04:05+00:00",
        python="CPython 3.13.0",
        machine={"system": "Linux 6.1", "processor": "2 x Processor"},
        versions={"sqliteimport": "0.14.0"},
        results=results,
    )


def table(results: Sequence[Result] = ()) -> Table:
    """Return a table that measures these results."""

    def measure(_environment: Environment, _wanted: Wanted) -> list[Result]:
        return [*results]

    return Table(
        name="imports",
        help="time imports",
        about="How long an import takes.",
        runs=3,
        cases=("sympy",),
        contestants=(BASE, OURS),
        measure=measure,
    )
