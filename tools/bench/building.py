"""Time the building of a bundle against compiling the same tree to bytecode files."""

import shutil
from pathlib import Path
from time import perf_counter

from tools.bench.contestants import install_litebundle
from tools.bench.environment import Environment, remove
from tools.bench.results import Report, Result, noting_failure, report
from tools.bench.workloads import EVERYTHING, module_files
from tools.devtools.process import Command


def measure(environment: Environment, runs: int) -> Report:
    """Time compileall with two workers and the builder, `runs` times each and in turn."""
    modules = len(module_files(environment.tree(EVERYTHING)))
    source, out = environment.scratch / "source", environment.scratch / "out.bundle"
    commands: dict[str, Command] = {
        "compileall": [environment.python, "-m", "compileall", "-q", "-j", "2", source],
        "litebundle": [environment.python, "-m", "litebundle", "build", source, "-o", out],
    }
    results = [Result(workload="build", contestant=name, modules=modules) for name in commands]
    with noting_failure(results[1]):
        install_litebundle(environment)
    for _ in range(runs):
        for result in results:
            if result.failure is None:
                with noting_failure(result):
                    command = commands[result.contestant]
                    result.seconds.append(_time(environment, command, source))
    remove(environment.scratch)
    return report(results)


def _time(environment: Environment, command: Command, source: Path) -> float:
    # Without bytecode, and without what a compile cache may have kept: both compile everything.
    remove(environment.cache)
    remove(environment.scratch)
    shutil.copytree(environment.tree(EVERYTHING), source)
    started = perf_counter()
    environment.run(command)
    return perf_counter() - started
