"""Time the building of a bundle against compiling the same tree to bytecode files."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter, sleep

from tools.bench.contestants import install_litebundle
from tools.bench.environment import Environment, remove
from tools.bench.results import Report, Result, noting_failure, report
from tools.bench.workloads import EVERYTHING, module_files
from tools.devtools.process import Command


def measure(environment: Environment, runs: int) -> Report:
    """Time compileall and the builder, each `runs` times and in turn.

    The builder from nothing, then once more, and once more after a change to one module.
    """
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
    results = [Result(workload="build", contestant=name, modules=modules) for name in steps]
    with noting_failure(results[1]):
        install_litebundle(environment)
    for _ in range(runs):
        for result in results:
            if result.failure is None:
                command, prepare = steps[result.contestant]
                prepare()
                with noting_failure(result):
                    started = perf_counter()
                    environment.run(command)
                    result.seconds.append(perf_counter() - started)
    remove(environment.scratch)
    return report(results)


def _clear(environment: Environment, source: Path) -> None:
    """Make the tree anew, without bytecode and without what builds have kept."""
    remove(environment.cache)
    remove(environment.scratch)
    shutil.copytree(environment.tree(EVERYTHING), source)
    sleep(0.2)  # the files are at rest: see cache/seen.py


def _change(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\n# changed\n")
