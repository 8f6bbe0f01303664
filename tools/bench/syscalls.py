"""Count an import's system calls, by strace, less those of a process that does all but import."""

import shutil

from tools.bench import imports
from tools.bench.contestants import DIRECTORY, LITEBUNDLE_SQLITE, LITEBUNDLE_ZIP
from tools.bench.environment import Environment
from tools.bench.results import Report
from tools.bench.table import render
from tools.bench.workloads import SYMPY
from tools.devtools.process import Command, DevError


def measure(environment: Environment) -> Report:
    """Compare what `import sympy` costs from a directory and from our bundles."""
    if shutil.which("strace") is None:
        raise DevError("strace is not installed", "install it (Debian: apt install strace)")
    expected = imports.expect(environment, SYMPY)
    calls: dict[str, int] = {}
    failures: dict[str, str] = {}
    for contestant in (DIRECTORY, LITEBUNDLE_SQLITE, LITEBUNDLE_ZIP):
        try:
            command = imports.child_command(environment, contestant, SYMPY, expected.library)
            calls[contestant.name] = _calls(environment, command) - _calls(
                environment, [*command[:-1], "pass"]
            )
        except DevError as error:
            failures[contestant.name] = str(error)
    return _report(calls, failures, len(expected.imported))


def _calls(environment: Environment, command: Command) -> int:
    """Return how many system calls the command makes, its threads' and children's included."""
    out = environment.home / "strace.out"
    environment.run(["strace", "-f", "-c", "-o", out, *command])
    # "% time, seconds, usecs/call, calls, errors (may be empty), syscall" between two rules.
    rows = [line.split() for line in out.read_text(encoding="utf-8").splitlines()]
    return sum(int(row[3]) for row in rows if row and row[0][0].isdigit() and row[-1] != "total")


def _report(calls: dict[str, int], failures: dict[str, str], modules: int) -> Report:
    base = calls.get(DIRECTORY.name)
    rows = [
        [name, str(modules), f"{count / base:.3f}" if base else "-", str(count), ""]
        for name, count in calls.items()
    ]
    rows += [
        [name, str(modules), "-", "-", f"failed: {reason}"] for name, reason in failures.items()
    ]
    header = ["contestant", "modules", f"x {DIRECTORY.name}", "calls", "failures"]
    return Report(
        table=render(header, rows),
        figures={"calls": calls, "failures": failures},
        failed=bool(failures),
    )
