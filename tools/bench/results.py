"""What the contestants took, compared with the first of them, as a table and as plain figures."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Protocol

from tools.bench.table import milliseconds, render
from tools.devtools.process import DevError


class Failing(Protocol):
    """What can say why it has no figures."""

    failure: str | None


@dataclass(kw_only=True, slots=True)
class Result:
    """What one contestant took for one workload, in seconds a run; or why it could not."""

    workload: str
    contestant: str
    modules: int
    seconds: list[float] = field(default_factory=list)
    setup_seconds: list[float] = field(default_factory=list)
    failure: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a command found out: a table to print, the raw figures, and whether anything failed."""

    table: str
    figures: Any
    failed: bool


@contextmanager
def noting_failure(result: Failing) -> Iterator[None]:
    """Let a contestant that fails stand in the table with its reason, instead of vanishing."""
    try:
        yield
    except DevError as error:
        result.failure = str(error)


def report(results: Sequence[Result]) -> Report:
    """Compare each result with the first one of its workload: ratios, then milliseconds."""
    base = results[0].contestant
    header = ["workload", "modules", "contestant", f"x {base}, min", "x median"]
    header += ["ms, min", "median", "setup ms"]
    failed = any(result.failure for result in results)
    if failed:
        header.append("failures")
    bases = {result.workload: result for result in results if result.contestant == base}
    rows = [_row(result, bases[result.workload])[: len(header)] for result in results]
    return Report(
        table=render(header, rows), figures=[asdict(result) for result in results], failed=failed
    )


def _row(result: Result, base: Result) -> list[str]:
    row = [result.workload, str(result.modules), result.contestant]
    if result.failure:
        return [*row, "-", "-", "-", "-", "-", f"failed: {result.failure}"]
    if base.failure:
        row += ["-", "-"]
    else:
        row += [f"{pick(result.seconds) / pick(base.seconds):.2f}" for pick in (min, median)]
    row += [milliseconds(pick(result.seconds)) for pick in (min, median)]
    return [*row, milliseconds(min(result.setup_seconds)) if result.setup_seconds else "-", ""]
