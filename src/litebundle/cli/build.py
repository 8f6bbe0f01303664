"""`bundle build`: directories to a bundle."""

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from litebundle.cli.output import print_json


def _levels(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
    """Parse optimization levels separated by commas."""
    levels = set(value.split(","))
    if not levels <= {"0", "1", "2"}:
        raise click.BadParameter(f"{value!r} is not a list of levels like 0,2.", ctx, param)
    return tuple(sorted(map(int, levels)))


@click.command("build", short_help="Pack directories of modules into a bundle.")
@click.argument("src", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The file.")
@click.option(
    "--format",
    "container",
    type=click.Choice(["sqlite", "zip"]),
    default="sqlite",
    show_default=True,
    help="The container; any Python can import from the zip.",
)
@click.option(
    "--optimize",
    callback=_levels,
    metavar="LEVELS",
    default="0",
    show_default=True,
    help="Levels of -O to store code for, as 0,1,2.",
)
@click.option("--no-sources", is_flag=True, help="Leave out the .py files.")
@click.option("--strict", is_flag=True, help="Fail if a file does not compile.")
@click.option("--overlay", is_flag=True, help="Let the earlier SRC win where two disagree.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Compiler processes.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors (and JSON).")
def command(
    src: tuple[Path, ...], output: Path, *, as_json: bool, quiet: bool, **chosen: Any
) -> None:
    """Pack what is in the directories SRC, each as it would stand on sys.path, into one file.

    The file is written aside and put in place as a whole. Files that do not compile are kept as
    sources, and reported.
    """
    from litebundle.builder import Options, build

    options = Options(sources=not chosen.pop("no_sources"), **chosen)
    with _progress(shown=not quiet) as progress:
        report = build(src, output, options, progress)
    if as_json:
        print_json(asdict(report))
    elif not quiet:
        from litebundle.cli.summary import summary

        click.echo("\n".join(summary(report, sources=options.sources)))


@contextlib.contextmanager
def _progress(*, shown: bool) -> Iterator[Any]:
    """Yield what the builder calls for each file: a bar on a terminal, else nothing."""
    if not shown or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[path]}", markup=False))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, path="")

        def advance(done: int, total: int, path: str) -> None:
            bar.update(task, completed=done, total=total, path=path)

        yield advance
