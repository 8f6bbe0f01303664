"""The checks of the source (ruff, mypy) and the test suite on each Python, and their summary."""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from tools.devtools.interpreters import Interpreter
from tools.devtools.process import ROOT, Command, in_sight

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# `=== 3 passed in 0.12s ===`, or the same without the rules when pytest is told to be quiet.
_CLOSING = re.compile(r"(=+ )?(\d+ [a-z]+|no tests ran)\b.* in \d+\.\d+s.*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """How one step ended: its label, whether it succeeded, its time, and a tool's closing line."""

    label: str
    ok: bool
    seconds: float
    closing: str = ""


def lint(python: Path, *, fix: bool) -> list[Result]:
    """Run ruff's linter and formatter and mypy; with `fix`, ruff mends what it can first."""
    mend = ["--fix"] if fix else []
    only_look = [] if fix else ["--check"]
    steps: dict[str, Command] = {
        "ruff check": [python, "-m", "ruff", "check", *mend],
        "ruff format": [python, "-m", "ruff", "format", *only_look],
        "mypy": [python, "-m", "mypy"],
    }
    return [_run(label, command) for label, command in steps.items()]


def test(pythons: Mapping[Interpreter, Path], arguments: Sequence[str]) -> list[Result]:
    """Run the suite on one Python after the other, each on all cores."""
    colour = "yes" if sys.stdout.isatty() else "no"
    options = ["-n", "auto", f"--color={colour}", *arguments]
    results: list[Result] = []
    for interpreter, python in pythons.items():
        # As pip leaves an installed package. The tests write no bytecode, and start the command so
        # often that a third of it would be compiling the same modules again.
        compiling: Command = [python, "-m", "compileall", "-q", ROOT / "src"]
        testing: Command = [python, "-m", "pytest", *options]
        results += [
            _run(f"source on {interpreter.name}", compiling),
            _run(f"tests on {interpreter.name}", testing, _closing_line),
        ]
    return results


def report(results: Sequence[Result]) -> int:
    """Print a line for each result, pytest's own closing lines last; return the exit code."""
    print("\nsummary", flush=True)
    for result in results:
        print(f"  {result.label:16} {'ok' if result.ok else 'FAILED':6} {result.seconds:7.1f} s")
    for result in results:
        if result.closing:
            print(f"{result.label}:\n{result.closing}")
    return 0 if all(result.ok for result in results) else 1


def _run(
    label: str, command: Command, closing: Callable[[Sequence[str]], str] = lambda _: ""
) -> Result:
    print()
    start = perf_counter()
    code, lines = in_sight(command)
    return Result(label=label, ok=code == 0, seconds=perf_counter() - start, closing=closing(lines))


def _closing_line(lines: Sequence[str]) -> str:
    """Return the last line that sums up a pytest run, or nothing if pytest did not get so far."""
    plain = (_COLOUR.sub("", line) for line in reversed(lines))
    return next((line for line in plain if _CLOSING.fullmatch(line)), "")
