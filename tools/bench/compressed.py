"""Import what is compressed, beside the directory."""

from functools import partial

from tools.bench import imports
from tools.bench.contestants import (
    DIRECTORY,
    LITEBUNDLE_SQLITE,
    LITEBUNDLE_TRACED_ZSTD,
    LITEBUNDLE_ZLIB,
    LITEBUNDLE_ZSTD,
    ZIP_DEFLATED,
)
from tools.bench.environment import Environment
from tools.bench.frame import Entrant, Table, Wanted, in_turn
from tools.bench.results import RATIO, Goal, Result
from tools.bench.workloads import WORKLOADS

_CONTESTANTS = (
    DIRECTORY,
    ZIP_DEFLATED,
    LITEBUNDLE_SQLITE,
    LITEBUNDLE_ZLIB,
    LITEBUNDLE_ZSTD,
    LITEBUNDLE_TRACED_ZSTD,
)
_CASES = ("sympy", "django", "botocore", "sqlalchemy", "rich")
_AT_MOST = {
    LITEBUNDLE_ZLIB.name: 1.25,
    LITEBUNDLE_ZSTD.name: 1.05,
    LITEBUNDLE_TRACED_ZSTD.name: 1.05,
}


def measure(environment: Environment, wanted: Wanted) -> list[Result]:
    """Time every contestant on every workload."""
    entrants: list[Entrant] = []
    for workload in (one for one in WORKLOADS if one.name in _CASES and wanted.case(one.name)):
        expected = imports.expect(environment, workload)
        case = f"{workload.name} ({len(expected.imported):,})"
        for contestant in _CONTESTANTS:
            if contestant is DIRECTORY or wanted.contestant(contestant.name):
                limit = _AT_MOST.get(contestant.name)
                goals = () if limit is None else (Goal(kind=RATIO, at_most=limit),)
                result = Result(case=case, contestant=contestant.name, goals=goals)
                take = partial(imports.seconds, environment, contestant, workload, expected)
                entrants.append(([result], take))
    return in_turn(entrants, wanted.runs)


TABLE = Table(
    name="compressed",
    help="time imports of compressed bundles, beside the directory",
    about="""\
As the imports; the bundles were built with --compress, and those called traced with --trace, too.
Python before 3.14 has backports.zstd loaded before the clock starts, as any requirement of the
program.""",
    runs=9,
    cases=_CASES,
    contestants=tuple(contestant.name for contestant in _CONTESTANTS),
    measure=measure,
)
