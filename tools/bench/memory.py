"""Compare the resident memory of processes that imported the same modules."""

from functools import partial

from tools.bench import imports
from tools.bench.contestants import CONTESTANTS, DIRECTORY, Contestant
from tools.bench.environment import Environment
from tools.bench.frame import Entrant, Table, Wanted, in_turn
from tools.bench.imports import Expected
from tools.bench.results import BYTES, MORE, Goal, Result
from tools.bench.workloads import WORKLOADS, Workload
from tools.devtools.process import DevError

_CONTESTANTS = (DIRECTORY, *(one for one in CONTESTANTS if one is not DIRECTORY))
_CASES = ("sympy", "tiny")
_GOAL = Goal(kind=MORE, at_most=1 << 20)


def measure(environment: Environment, wanted: Wanted) -> list[Result]:
    """Import the workloads and look at the process."""
    entrants: list[Entrant] = []
    for workload in (one for one in WORKLOADS if one.name in _CASES and wanted.case(one.name)):
        expected = imports.expect(environment, workload)
        case = f"{workload.name} ({len(expected.imported):,})"
        for contestant in _CONTESTANTS:
            if contestant is DIRECTORY or wanted.contestant(contestant.name):
                goal = (_GOAL,) if contestant.access == "litebundle" else ()
                result = Result(case=case, contestant=contestant.name, unit=BYTES, goals=goal)
                take = partial(_resident, environment, contestant, workload, expected)
                entrants.append(([result], take))
    return in_turn(entrants, wanted.runs, warm_up=False)


def _resident(
    environment: Environment, contestant: Contestant, workload: Workload, expected: Expected
) -> list[float]:
    command = imports.child_command(environment, contestant, workload, expected.library)
    found = imports.sample(environment, command)
    expected.check(found.names)
    if not found.resident:
        raise DevError("the system has no /proc/self/status", "measure on Linux")
    return [found.resident]


TABLE = Table(
    name="memory",
    help="compare the resident memory after an import (Linux)",
    about="""\
Resident memory of a fresh process after the import; in brackets the number of modules. The floor's
includes the code of all modules there are, imported or not.""",
    runs=3,
    cases=_CASES,
    contestants=tuple(contestant.name for contestant in _CONTESTANTS),
    measure=measure,
)
