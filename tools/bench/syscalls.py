"""Count an import's system calls, by strace, less those of a process that does all but import."""

import shutil

from tools.bench import imports
from tools.bench.contestants import DIRECTORY, LITEBUNDLE_SQLITE, LITEBUNDLE_ZIP, Contestant
from tools.bench.environment import Environment
from tools.bench.frame import Table, Wanted, noting_failure
from tools.bench.results import COUNT, VALUE, Goal, Result
from tools.bench.workloads import SYMPY
from tools.devtools.process import Command, DevError

_CONTESTANTS = (DIRECTORY, LITEBUNDLE_SQLITE, LITEBUNDLE_ZIP)
_PER_MODULE = Goal(kind=VALUE, at_most=2)


def measure(environment: Environment, wanted: Wanted) -> list[Result]:
    """Compare what `import sympy` costs from a directory and from our bundles."""
    if shutil.which("strace") is None:
        raise DevError("strace is not installed", "install it (Debian: apt install strace)")
    expected = imports.expect(environment, SYMPY)
    return [
        result
        for contestant in _CONTESTANTS
        if contestant is DIRECTORY or wanted.contestant(contestant.name)
        for result in _count(environment, contestant, expected)
    ]


def _count(
    environment: Environment, contestant: Contestant, expected: imports.Expected
) -> list[Result]:
    goals = (_PER_MODULE,) if contestant.access == "litebundle" else ()
    results = [
        Result(case=SYMPY.name, contestant=contestant.name, what="in all", unit=COUNT),
        Result(
            case=SYMPY.name, contestant=contestant.name, what="a module", unit=COUNT, goals=goals
        ),
    ]
    with noting_failure(*results):
        command = imports.child_command(environment, contestant, SYMPY, expected.library)
        calls = _calls(environment, command) - _calls(environment, [*command[:-1], "pass"])
        results[0].values.append(calls)
        results[1].values.append(calls / len(expected.imported))
    return results


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
those that memory and the modules' own work cost included.""",
    runs=1,
    cases=(SYMPY.name,),
    contestants=tuple(contestant.name for contestant in _CONTESTANTS),
    measure=measure,
)
