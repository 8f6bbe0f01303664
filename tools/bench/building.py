"""Time the building of a bundle against compiling the same tree to bytecode files."""

import shutil
from functools import partial
from pathlib import Path
from time import perf_counter

from tools.bench.contestants import install_litebundle
from tools.bench.environment import Environment, remove
from tools.bench.frame import Entrant, Table, Wanted, in_turn
from tools.bench.results import RATIO, Goal, Result
from tools.bench.workloads import EVERYTHING, module_files
from tools.devtools.process import Command

_COLD = Goal(kind=RATIO, at_most=1.2)


def measure(environment: Environment, wanted: Wanted) -> list[Result]:
    """Time compileall with two workers and the builder."""
    install_litebundle(environment)
    modules = len(module_files(environment.tree(EVERYTHING)))
    source, out = environment.scratch / "source", environment.scratch / "out.bundle"
    commands: dict[str, Command] = {
        "compileall": [environment.python, "-m", "compileall", "-q", "-j", "2", source],
        "litebundle": [environment.python, "-m", "litebundle", "build", source, "-o", out],
    }
    case = f"cold ({modules:,})"
    entrants: list[Entrant] = [
        (
            [Result(case=case, contestant=name, goals=(_COLD,) if name == "litebundle" else ())],
            partial(_time, environment, command, source),
        )
        for name, command in commands.items()
        if name == "compileall" or wanted.contestant(name)
    ]
    found = in_turn(entrants, wanted.runs, warm_up=False)
    remove(environment.scratch)
    return found


def _time(environment: Environment, command: Command, source: Path) -> list[float]:
    # Without bytecode, and without what a compile cache may have kept: both compile everything.
    remove(environment.cache)
    remove(environment.scratch)
    shutil.copytree(environment.tree(EVERYTHING), source)
    started = perf_counter()
    environment.run(command)
    return [perf_counter() - started]


TABLE = Table(
    name="build",
    help="time `bundle build` against compileall with two workers",
    about="""\
Building a bundle of all the workloads' distributions beside `compileall -j 2` over the same tree;
in brackets the number of modules. Nothing compiled is left from before.""",
    runs=3,
    cases=("cold",),
    contestants=("compileall", "litebundle"),
    measure=measure,
)
