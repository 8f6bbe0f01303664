"""Import workloads in fresh processes, the contestants in turn, and see that all import alike."""

import ast
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tools.bench.contestants import DIRECTORY, Contestant, artefact
from tools.bench.environment import Environment
from tools.bench.results import Report, Result, noting_failure, report
from tools.bench.workloads import Workload, module_files
from tools.devtools.process import Command, DevError

_CHILD = Path(__file__).with_name("child.py")


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
    """What child.py prints: how long the import took, the contestant's setup, what came."""

    seconds: float
    setup_seconds: list[float]
    names: list[str]


def measure(
    environment: Environment,
    workloads: Iterable[Workload],
    contestants: Sequence[Contestant],
    runs: int,
) -> Report:
    """Time every contestant on every workload, `runs` times each."""
    results: list[Result] = []
    for workload in workloads:
        print(f"measuring {workload.name} ...", file=sys.stderr, flush=True)
        results += compare(environment, workload, contestants, runs)
    return report(results)


def compare(
    environment: Environment, workload: Workload, contestants: Sequence[Contestant], runs: int
) -> list[Result]:
    """Time every contestant `runs` times, one after the other in each round."""
    expected = expect(environment, workload)
    count = len(expected.imported)
    results: list[Result] = []
    commands: list[list[str | Path]] = []
    for contestant in contestants:
        result = Result(workload=workload.name, contestant=contestant.name, modules=count)
        results.append(result)
        with noting_failure(result):
            commands.append(child_command(environment, contestant, workload, expected.library))
    entrants = [result for result in results if result.failure is None]
    for number in range(1 + runs):
        for result, command in zip(entrants, commands, strict=True):
            if result.failure is None:
                with noting_failure(result):
                    sample = _sample(environment, command)
                    expected.check(sample.names)
                    # The first round warms the disk's cache and finds out who fails.
                    if number:
                        result.seconds.append(sample.seconds)
                        result.setup_seconds += sample.setup_seconds
    return results


def expect(environment: Environment, workload: Workload) -> Expected:
    """Import the workload from a directory to learn which modules that brings."""
    tree = frozenset(module_files(environment.tree(workload)))
    tops = {name.partition(".")[0] for name in tree}
    names = _sample(environment, child_command(environment, DIRECTORY, workload, ())).names
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
    python: list[str | Path] = [sys.executable, "-P", "-s", "-S", _CHILD, contestant.access]
    return [*python, entry, environment.site, " ".join(library), workload.statement]


def _sample(environment: Environment, command: Command) -> Sample:
    return Sample(*ast.literal_eval(environment.run(command).splitlines()[-1]))
