"""Count an import's system calls, by strace, less those of a process that does all but import."""

import shutil

from tools.bench import imports
from tools.bench.contestants import (
    CONTESTANTS,
    DIRECTORY,
    LITEBUNDLE_SQLITE,
    LITEBUNDLE_TRACED,
    LITEBUNDLE_ZIP,
    Contestant,
)
from tools.bench.environment import Environment
from tools.bench.frame import Table, Wanted, noting_failure
from tools.bench.results import COUNT, VALUE, Goal, Result
from tools.bench.workloads import SYMPY
from tools.devtools.process import Command, DevError

_FLOOR = CONTESTANTS[0]
_OURS = (LITEBUNDLE_SQLITE, LITEBUNDLE_ZIP, LITEBUNDLE_TRACED)
_CONTESTANTS = (DIRECTORY, _FLOOR, *_OURS)
_PER_MODULE = Goal(kind=VALUE, at_most=2)


def measure(environment: Environment, wanted: Wanted) -> list[Result]:
    """Compare what `import sympy` costs from a directory and from our bundles."""
    if shutil.which("strace") is None:
        raise DevError("strace is not installed", "install it (Debian: apt install strace)")
    expected = imports.expect(environment, SYMPY)
    everything = [
        _count(environment, contestant, expected)
        for contestant in _CONTESTANTS
        if contestant in (DIRECTORY, _FLOOR) or wanted.contestant(contestant.name)
    ]
    [floor] = (result for result in everything if result.contestant == _FLOOR.name)
    return [*everything, *(_own(result, floor, expected) for result in everything)]


def _count(environment: Environment, contestant: Contestant, expected: imports.Expected) -> Result:
    result = Result(case=SYMPY.name, contestant=contestant.name, what="in all", unit=COUNT)
    with noting_failure(result):
        command = imports.child_command(environment, contestant, SYMPY, expected.library)
        environment.run(command)  # what a bundle has to put on disk, it puts there once
        calls = _calls(environment, command) - _calls(environment, [*command[:-1], "pass"])
        result.values.append(calls)
    return result


def _own(result: Result, floor: Result, expected: imports.Expected) -> Result:
    """Return what a module costs beyond what it does itself, and the memory that takes."""
    ours = any(result.contestant == contestant.name for contestant in _OURS)
    pairs = zip(result.values, floor.values, strict=False)
    return Result(
        case=SYMPY.name,
        contestant=result.contestant,
        what="a module, over the floor",
        unit=COUNT,
        values=[(mine - its) / len(expected.imported) for mine, its in pairs],
        goals=(_PER_MODULE,) if ours else (),
        failure=result.failure or floor.failure,
    )


def _calls(environment: Environment, command: Command) -> int:
    """Return how many system calls the command makes, its threads' and children's included."""
    out = environment.home / "strace.out"
    environment.run(["strace", "-f", "-c", "-o", out, *command])
    # "% time, seconds, usecs/call, calls, errors (may be empty), syscall" between two rules.
    rows = [line.split() for line in out.read_text(encoding="utf-8").splitlines()]
    return sum(int(row[3]) for row in rows if row and row[0][0].isdigit() and row[-1] != "total")


TABLE = Table(
    name="syscalls",
    help="count the system calls of `import sympy` (Linux)",
    about="""\
System calls of `import sympy`, less those of a process that does all but the import: of any kind,
those that memory and the modules' own work cost included, which are the floor's. The traced bundle
was built with --trace.""",
    runs=1,
    cases=(SYMPY.name,),
    contestants=tuple(contestant.name for contestant in _CONTESTANTS),
    measure=measure,
)
