"""Results on standard output: JSON, a table for a terminal, lines for the next program."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from litebundle.collect.directory import printable

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
"""Of every command that lists something."""

bundle_argument = click.argument("file", type=click.Path(readable=False))

target_option = click.option(
    "--target", metavar="NAME", help="What is for this target, of those that `bundle info` names."
)
"""Of every command that shows what is in a bundle; by default what this Python would use."""

Cell = str | int


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of one kind; `tag` begins their lines where several kinds may be mixed."""

    tag: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Cell]]


def require_another(output: Path, *inputs: Path) -> None:
    """Refuse, as wrong usage, to write over what is read, or written too."""
    for given in inputs:
        there = output.exists() and given.exists()
        if output.absolute() == given.absolute() or (there and output.samefile(given)):
            raise click.UsageError(f"{output} is {given}: name another file with -o.")


def print_json(value: object) -> None:
    """Print a value made of what JSON has; anything else becomes its `str()`."""
    click.echo(json.dumps(value, indent=2, default=str))


def print_tables(tables: Iterable[Table]) -> None:
    """Print tables: aligned on a terminal, else a line a row, its cells separated by tabs."""
    if sys.stdout is not None and sys.stdout.isatty():
        for table in tables:
            _print_aligned(table)
        return
    lines = [
        "\t".join([table.tag, *map(_shown, row)]) + "\n" for table in tables for row in table.rows
    ]
    click.echo("".join(lines), nl=False)


def print_pairs(pairs: Iterable[tuple[str, str]]) -> None:
    """Print labels and what belongs to them, each on its own line."""
    found = list(pairs)
    width = max((len(label) for label, _ in found), default=0)
    click.echo(
        "".join(f"{shown(label):{width}}  {shown(text)}\n" for label, text in found), nl=False
    )


def in_bytes(size: int) -> str:
    """Return a size for people: exact below 10 kB, else to about three digits."""
    if size < 10_000:
        return f"{size} bytes"
    number = float(size)
    for unit in ("kB", "MB", "GB"):
        number /= 1000
        if number < 1000 or unit == "GB":
            break
    return f"{number:.{0 if number >= 100 else 1}f} {unit}"


def counted(counts: dict[str, int]) -> str:
    """Return "1,207: 1,203 source, 4 data", the most frequent first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    each = ", ".join(f"{count:,} {what}" for what, count in ordered)
    return f"{sum(counts.values()):,}: {each}" if counts else "none"


def _print_aligned(table: Table) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=box.SIMPLE_HEAD, pad_edge=False)
    rows = [[*row] for row in table.rows]
    for number, title in enumerate(table.columns):
        figures = bool(rows) and all(isinstance(row[number], int) for row in rows)
        grid.add_column(title, justify="right" if figures else "left", overflow="fold")
    for row in rows:
        # Text, since a name may look like markup.
        grid.add_row(
            *(Text(f"{cell:,}" if isinstance(cell, int) else printable(cell)) for cell in row)
        )
    Console().print(grid)


def shown(text: str) -> str:
    """Return text for a line of its own: what would move the cursor or end the line is escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _shown(cell: Cell) -> str:
    return str(cell) if isinstance(cell, int) else printable(cell)
