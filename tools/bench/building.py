"""Time the building of a bundle against compiling the same tree to bytecode files."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter, sleep

from tools.bench.contestants import install_litebundle
from tools.bench.environment import Environment, remove
from tools.bench.frame import Entrant, Table, Wanted, in_turn
from tools.bench.results import RATIO, Goal, Result
from tools.bench.workloads import EVERYTHING, module_files
from tools.devtools.process import Command

_COLD = Goal(kind=RATIO, at_most=1.2)


def measure(environment: Environment, wanted: Wanted) -> list[Result]:
    """Time compileall with two workers, and the builder: cold, and with what it has kept."""
    install_litebundle(environment)
    tree = environment.tree(EVERYTHING)
    modules = len(module_files(tree))
    source, out = environment.scratch / "source", environment.scratch / "out.bundle"
    build: Command = [environment.python, "-m", "litebundle", "build", source, "-o", out]
    compileall: Command = [environment.python, "-m", "compileall", "-q", "-j", "2", source]
    one = source / sorted(module_files(tree).values())[modules // 2].relative_to(tree)
    steps: dict[str, tuple[Command, Callable[[], object]]] = {
        "compileall": (compileall, partial(_clear, environment, source)),
        "litebundle": (build, partial(_clear, environment, source)),
        "unchanged rebuild": (build, lambda: None),
        "one module changed": (build, partial(_change, one)),
    }
    case = f"cold ({modules:,})"
    goals = {"litebundle": (_COLD,)}
    entrants: list[Entrant] = [
        (
            [Result(case=case, contestant=name, goals=goals.get(name, ()))],
            partial(_time, environment, command, prepare),
        )
        for name, (command, prepare) in steps.items()
        if name == "compileall" or wanted.contestant(name)
    ]
    found = in_turn(entrants, wanted.runs, warm_up=False)
    remove(environment.scratch)
    return found


def _time(environment: Environment, command: Command, prepare: Callable[[], object]) -> list[float]:
    prepare()
    started = perf_counter()
    environment.run(command)
    return [perf_counter() - started]


def _clear(environment: Environment, source: Path) -> None:
    """Make the tree anew, without bytecode and without what builds have kept."""
    remove(environment.cache)
    remove(environment.scratch)
    shutil.copytree(environment.tree(EVERYTHING), source)
    sleep(0.2)  # the files are at rest: see cache/seen.py


def _change(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\n# changed\n")


TABLE = Table(
    name="build",
    help="time `bundle build` against compileall with two workers",
    about="""\
Building a bundle of all the workloads' distributions beside `compileall -j 2` over the same tree;
in brackets the number of modules. Cold, nothing compiled is left from before; the other two find
what the one before has kept.""",
    runs=3,
    cases=("cold",),
    contestants=("compileall", "litebundle", "unchanged rebuild", "one module changed"),
    measure=measure,
)
