"""Import from disks that are slow: of which nothing is in memory yet, or where each call waits."""

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tools.bench import imports
from tools.bench.contestants import (
    DIRECTORY,
    LITEBUNDLE_SQLITE,
    LITEBUNDLE_TRACED,
    LITEBUNDLE_ZIP,
    ZIP_DEFLATED,
    Contestant,
)
from tools.bench.environment import Environment
from tools.bench.frame import Entrant, Table, Wanted, in_turn
from tools.bench.imports import Expected
from tools.bench.results import RATIO, Goal, Result
from tools.bench.workloads import SYMPY
from tools.devtools.process import Command, DevError

_CONTESTANTS = (DIRECTORY, ZIP_DEFLATED, LITEBUNDLE_SQLITE, LITEBUNDLE_ZIP, LITEBUNDLE_TRACED)
_CACHES = Path("/proc/sys/vm/drop_caches")
_DELAY = 500
"""How long each call waits, in microseconds."""

_DELAYED = "open,openat,read,pread64,stat,lstat,fstat,newfstatat,statx,access,readlink,getdents64"
"""Calls that ask a file system; on a distant one others, as close, do not wait for it either."""


def measure_cold(environment: Environment, wanted: Wanted) -> list[Result]:
    """Time the import after the system has dropped all that it kept of the disk in memory."""
    return _measured(environment, wanted, _dropped, 0.8)


def measure_latency(environment: Environment, wanted: Wanted) -> list[Result]:
    """Time the import where each system call about files takes half a millisecond more."""
    if shutil.which("strace") is None:
        raise DevError("strace is not installed", "install it (Debian: apt install strace)")
    return _measured(environment, wanted, _delayed, 0.1)


def _measured(
    environment: Environment,
    wanted: Wanted,
    prepare: Callable[[Command], Command],
    goal: float,
) -> list[Result]:
    expected = imports.expect(environment, SYMPY)
    entrants: list[Entrant] = []
    for contestant in _CONTESTANTS:
        if contestant is DIRECTORY or wanted.contestant(contestant.name):
            goals = (Goal(kind=RATIO, at_most=goal),) if contestant is LITEBUNDLE_TRACED else ()
            result = Result(case=SYMPY.name, contestant=contestant.name, goals=goals)
            take = partial(_seconds, environment, contestant, expected, prepare)
            entrants.append(([result], take))
    return in_turn(entrants, wanted.runs)


def _seconds(
    environment: Environment,
    contestant: Contestant,
    expected: Expected,
    prepare: Callable[[Command], Command],
) -> list[float]:
    command = imports.child_command(environment, contestant, SYMPY, expected.library)
    found = imports.sample(environment, prepare(command))
    expected.check(found.names)
    return [found.seconds]


def _dropped(command: Command) -> Command:
    os.sync()
    try:
        _CACHES.write_text("3", "ascii")
    except OSError as error:
        raise DevError(f"cannot drop the caches: {error}", "measure as root, on Linux") from error
    return command


def _delayed(command: Command) -> Command:
    inject = f"inject={_DELAYED}:delay_enter={_DELAY}"
    return ["strace", "-f", "-qq", "-o", os.devnull, f"--trace={_DELAYED}", "-e", inject, *command]


def _table(name: str, text: str, about: str, measure: Callable[..., list[Result]]) -> Table:
    return Table(
        name=name,
        help=text,
        about=about,
        runs=5,
        cases=(SYMPY.name,),
        contestants=tuple(contestant.name for contestant in _CONTESTANTS),
        measure=measure,
    )


COLD = _table(
    "cold",
    "time `import sympy` with a cold disk cache (Linux, as root)",
    """\
As the imports, after /proc/sys/vm/drop_caches; what the interpreter and the standard library need
was read again before the clock started. The traced bundle was built with --trace.""",
    measure_cold,
)
LATENCY = _table(
    "latency",
    "time `import sympy` where each call of the file system takes 0.5 ms (Linux)",
    """\
As the imports, with a warm cache, but strace delays each system call that asks a file system by
0.5 ms; what strace itself costs is in it. The traced bundle was built with --trace.""",
    measure_latency,
)
