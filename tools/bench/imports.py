"""Import workloads in fresh processes, the contestants in turn, and see that all import alike."""

import ast
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tools.bench.contestants import (
    CONTESTANTS,
    DIRECTORY,
    LITEBUNDLE_TRACED,
    LITEBUNDLE_TRACED_ZIP,
    Contestant,
    artefact,
)
from tools.bench.environment import Environment
from tools.bench.frame import Entrant, Table, Wanted, in_turn
from tools.bench.results import RATIO, Goal, Result
from tools.bench.workloads import WORKLOADS, Workload, module_files
from tools.devtools.process import Command, DevError

CHILD = Path(__file__).with_name("child.py")

# Over the floor. Of "flat" one module is imported: opening is what is measured.
_GOALS = {"tiny": 1.15, "flat": None}
_PROGRAMS = tuple(workload for workload in WORKLOADS if workload.requirements)
_CONTESTANTS = (*CONTESTANTS, LITEBUNDLE_TRACED, LITEBUNDLE_TRACED_ZIP)
# Whose setup imports nothing of the standard library, which would be a gift to it.
_BARE = tuple(one for one in _CONTESTANTS if one.access != "sqliteimport")


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What importing a workload from a directory brings: modules of its tree, and the library's."""

    tree: frozenset[str]
    imported: frozenset[str]
    library: tuple[str, ...]

    def check(self, names: Iterable[str]) -> None:
        """Raise DevError unless the modules of the tree among the names are just the same."""
        imported = self.tree.intersection(names)
        if imported != self.imported:
            missing = ", ".join(sorted(self.imported - imported)[:3])
            more = ", ".join(sorted(imported - self.imported)[:3])
            raise DevError(
                f"imported {len(imported)} modules, a directory {len(self.imported)}"
                f" (missing: {missing or 'none'}; more: {more or 'none'})",
                "the contestant's artefact does not hold what the tree does",
            )


class Sample(NamedTuple):
    """What child.py prints.

    How long the import took; how long the contestant's setup and how many modules came with it, if
    it has one; what modules the import brought; the resident memory after it, in bytes.
    """

    seconds: float
    setup: list[float]
    names: list[str]
    resident: int


def measure(environment: Environment, wanted: Wanted) -> list[Result]:
    """Time every contestant on every workload."""
    contestants = _chosen(_CONTESTANTS, wanted)
    found: list[Result] = []
    for workload in WORKLOADS:
        if wanted.case(workload.name):
            goal = _GOALS.get(workload.name, 1.03)
            expected = expect(environment, workload)
            found += compare(environment, workload, contestants, expected, (wanted.runs, goal))
    return found


def measure_whole(environment: Environment, wanted: Wanted) -> list[Result]:
    """Time them on the programs, the standard library's share of each import included."""
    contestants = _chosen(_BARE, wanted)
    found: list[Result] = []
    for workload in _PROGRAMS:
        if wanted.case(workload.name):
            expected = replace(expect(environment, workload), library=())
            found += compare(environment, workload, contestants, expected, (wanted.runs, 1.05))
    return found


def _chosen(contestants: Sequence[Contestant], wanted: Wanted) -> list[Contestant]:
    floor = contestants[0]
    return [one for one in contestants if one is floor or wanted.contestant(one.name)]


def compare(
    environment: Environment,
    workload: Workload,
    contestants: Sequence[Contestant],
    expected: Expected,
    runs_and_goal: tuple[int, float | None],
) -> list[Result]:
    """Time every contestant as often as is wanted, one after the other in each round."""
    runs, goal = runs_and_goal
    case = f"{workload.name} ({len(expected.imported):,})"
    entrants: list[Entrant] = [
        (
            [Result(case=case, contestant=contestant.name, goals=_goals(contestant, goal))],
            partial(seconds, environment, contestant, workload, expected),
        )
        for contestant in contestants
    ]
    return in_turn(entrants, runs)


def _goals(contestant: Contestant, goal: float | None) -> tuple[Goal, ...]:
    if contestant.access != "litebundle" or goal is None:
        return ()
    return (Goal(kind=RATIO, at_most=goal),)


def seconds(
    environment: Environment, contestant: Contestant, workload: Workload, expected: Expected
) -> list[float]:
    """Import the workload once, and return how long that took."""
    command = child_command(environment, contestant, workload, expected.library)
    found = sample(environment, command)
    expected.check(found.names)
    return [found.seconds]


def expect(environment: Environment, workload: Workload) -> Expected:
    """Import the workload from a directory to learn which modules that brings."""
    tree = frozenset(module_files(environment.tree(workload)))
    tops = {name.partition(".")[0] for name in tree}
    names = sample(environment, child_command(environment, DIRECTORY, workload, ())).names
    return Expected(
        tree=tree,
        imported=tree.intersection(names),
        # sys.modules is in the order of completion; backwards, cycles are entered as they were.
        library=tuple(name for name in reversed(names) if name.partition(".")[0] not in tops),
    )


def child_command(
    environment: Environment, contestant: Contestant, workload: Workload, library: Iterable[str]
) -> list[str | Path]:
    """Make the contestant ready, and return the command that imports the workload; see child.py."""
    entry = artefact(environment, contestant, workload)
    # -I, but heeding PYTHONHASHSEED; and no site-packages that could supply a module instead.
    python: list[str | Path] = [sys.executable, "-P", "-s", "-S", CHILD, contestant.access]
    return [*python, entry, environment.site, " ".join(library), workload.statement]


def sample(environment: Environment, command: Command) -> Sample:
    """Run child.py once."""
    return Sample(*ast.literal_eval(environment.run(command).splitlines()[-1]))


TABLE = Table(
    name="imports",
    help="time imports from everything that holds modules",
    about="""\
Opening and importing in a fresh process, with a warm disk cache; in brackets the number of modules
that come. The floor has the same code in one dict in memory, and does nothing but unmarshal and
execute it. What the standard library has to add was imported before the clock started. The traced
bundles were built with --trace.""",
    runs=9,
    cases=tuple(workload.name for workload in WORKLOADS),
    contestants=tuple(contestant.name for contestant in _CONTESTANTS),
    measure=measure,
)
WHOLE = Table(
    name="whole",
    help="time whole imports, the standard library's modules among them",
    about="""\
The same with nothing imported before: what a workload needs of the standard library comes from its
directory for every contestant, the floor too, and counts.""",
    runs=9,
    cases=tuple(workload.name for workload in _PROGRAMS),
    contestants=tuple(contestant.name for contestant in _BARE),
    measure=measure_whole,
)
