"""Tables of words and numbers, as Markdown that also reads well in a terminal."""

from collections.abc import Sequence
from statistics import median

from tools.bench.results import BYTES, RATIO, SECONDS, VALUE, Goal, Result, Run, ratios, reached


def render(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a table; columns that hold no word are numbers and stand to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    words = [any(cell[:1].isalpha() for cell in column) for column in zip(*rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = (
            cell.ljust(width) if left else cell.rjust(width)
            for cell, width, left in zip(cells, widths, words, strict=True)
        )
        return "| " + " | ".join(padded) + " |"

    rule = [
        "-" * width if left else "-" * (width - 1) + ":"
        for width, left in zip(widths, words, strict=True)
    ]
    return "\n".join(line(cells) for cells in [header, rule, *rows])


def figures(run: Run) -> str:
    """Lay out a run: ratios to the base first, the goal of them, then what was measured."""
    header = ["case", "", "contestant", f"x {run.base}", "median x", "goal", "least", "median"]
    if run.failed:
        header.append("failure")
    rows = [_row(result, base, run.base) for result, base in run.compared()]
    rows = [row[: len(header)] for row in rows]
    # A column in which no row says anything is left out
    kept = [index for index in range(len(header)) if any(row[index] for row in rows)]
    return render([header[i] for i in kept], [[row[i] for i in kept] for row in rows])


def _row(result: Result, base: Result | None, name: str) -> list[str]:
    row = [result.case, result.what, result.contestant]
    if not result.values:
        return [*row, "-", "", "", "-", "", f"failed: {result.failure}"]
    several = len(result.values) > 1
    least, middle = "", ""
    if base is not None and min(base.values) and (result.contestant != name):
        least = f"{min(result.values) / min(base.values):.3g}"
        middle = f"{median(ratios(result, base)):.3g}" if several else ""
    row += [least, middle, _goals(result, base), shown(min(result.values), result.unit)]
    return [*row, shown(median(result.values), result.unit) if several else "", ""]


def _goals(result: Result, base: Result | None) -> str:
    marks = {True: "", False: " missed", None: " ?"}
    return ", ".join(
        f"<= {_wanted(goal, result.unit)}{marks[reached(goal, result, base)]}"
        for goal in result.goals
    )


def _wanted(goal: Goal, unit: str) -> str:
    if goal.kind == RATIO:
        return f"{goal.at_most:g}x"
    return ("" if goal.kind == VALUE else "+") + shown(goal.at_most, unit)


def shown(value: float, unit: str) -> str:
    """Write a value with its unit, in the size that suits it."""
    if unit == SECONDS:
        for scale, name in ((1, "s"), (1e3, "ms"), (1e6, "us")):
            if value * scale >= 1 or name == "us":
                return f"{value * scale:.{3 if value * scale < 10 else 1}f} {name}"
    if unit == BYTES:
        return f"{value / 1e6:,.2f} MB" if abs(value) >= 1e5 else f"{value:,.0f} B"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
