"""What a table is: whom it compares in what cases, and how they are measured in turn."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tools.bench.environment import Environment
from tools.bench.results import Result
from tools.devtools.process import DevError

Entrant = tuple[Sequence[Result], Callable[[], Sequence[float]]]
"""What is measured together: results, and what takes a value for each of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What of a table is to be measured, and how often; no case or contestant: all of them."""

    runs: int
    cases: Sequence[str] = ()
    contestants: Sequence[str] = ()

    def case(self, name: str) -> bool:
        """Tell whether the case is wanted."""
        return not self.cases or name in self.cases

    def contestant(self, name: str) -> bool:
        """Tell whether the contestant is wanted."""
        return not self.contestants or name in self.contestants


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """One command of `tools/bench`, and one section of BENCHMARKS.md.

    `help` is a line, `about` what a reader of the figures must know. The first of the `contestants`
    is what the others' ratios are to; it is always measured. A result's case is one of the `cases`,
    with what one should know of it in brackets behind it. `runs` is how often unless one says
    otherwise: all tables together fit into twenty minutes.
    """

    name: str
    help: str
    about: str
    runs: int
    cases: tuple[str, ...]
    contestants: tuple[str, ...]
    measure: Callable[[Environment, Wanted], list[Result]]


def in_turn(entrants: Sequence[Entrant], runs: int, *, warm_up: bool = True) -> list[Result]:
    """Measure all entrants once, then again, `runs` times; return their results.

    Neighbours in time are compared with each other: what else the machine does meets them all. The
    first round warms the disk's cache and finds out who fails; it counts only without `warm_up`.
    """
    for number in range(runs + warm_up):
        for results, take in entrants:
            if results[0].failure is None:
                with noting_failure(*results):
                    for result, value in zip(results, take(), strict=True):
                        if number >= warm_up:
                            result.values.append(value)
    return [result for results, _ in entrants for result in results]


@contextmanager
def noting_failure(*results: Result) -> Iterator[None]:
    """Let a contestant that fails stand in the table with its reason, instead of vanishing."""
    try:
        yield
    except DevError as error:
        for result in results:
            result.failure = str(error)
