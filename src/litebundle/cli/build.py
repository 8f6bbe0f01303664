"""`bundle build`: directories, projects, wheels and requirements to a bundle."""

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from litebundle.cli.output import print_json

if TYPE_CHECKING:
    from litebundle.collect.inputs import Inputs


def _levels(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
    """Parse optimization levels separated by commas."""
    levels = set(value.split(","))
    if not levels <= {"0", "1", "2"}:
        raise click.BadParameter(f"{value!r} is not a list of levels like 0,2.", ctx, param)
    return tuple(sorted(map(int, levels)))


def _versions(
    ctx: click.Context, param: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...]:
    """Take "3.12" or "3.12.1", and paths."""
    for version in value:
        if not (os.sep in version or re.fullmatch(r"3\.\d+(\.\d+)?", version)):
            raise click.BadParameter(
                f"{version!r} is not a version like 3.12, nor a path.", ctx, param
            )
    return value


@click.command("build", short_help="Pack modules and packages into a bundle.")
@click.argument("src", nargs=-1)
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The file.")
@click.option(
    "--format",
    "container",
    type=click.Choice(["sqlite", "zip"]),
    default="sqlite",
    show_default=True,
    help="zip: for any Python.",
)
@click.option(
    "--optimize",
    callback=_levels,
    metavar="LEVELS",
    default="0",
    show_default=True,
    help="Levels of -O to have code for.",
)
@click.option("--no-sources", is_flag=True, help="Leave out the .py files.")
@click.option("--strict", is_flag=True, help="Fail if a file does not compile.")
@click.option("--overlay", is_flag=True, help="Let the earlier SRC win where two disagree.")
@click.option(
    "-r",
    "--requirements",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A requirements.txt, pylock.toml or uv.lock.",
)
@click.option("--no-deps", is_flag=True, help="Pack only what is named, not what it requires.")
@click.option("--resolver", type=click.Choice(["uv", "pip"]), help="By default uv, if it is here.")
@click.option(
    "--python-version",
    callback=_versions,
    multiple=True,
    metavar="X.Y",
    help="A Python to build for: version or path.",
)
@click.option(
    "--platform", multiple=True, metavar="TAG", help="A platform to build for, as win_amd64."
)
@click.option("--stdlib", type=click.Choice(["used", "all"]), help="Add standard modules.")
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Leave out a path or package.")
@click.option("--only", multiple=True, metavar="PATTERN", help="Leave out everything else.")
@click.option("--no-tests", is_flag=True, help="Leave out tests that nothing else imports.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Compiler processes.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors (and JSON).")
def command(
    src: tuple[str, ...], output: Path, *, as_json: bool, quiet: bool, **chosen: Any
) -> None:
    """Pack each SRC: a directory as on sys.path, a project, a wheel, or NAME==1.2."""
    from litebundle.builder import Options, build

    if not src and not chosen["requirements"]:
        raise click.UsageError("Nothing to pack: name a SRC, or a file of requirements with -r.")
    inputs = _inputs(chosen)
    options = Options(sources=not chosen.pop("no_sources"), inputs=inputs, **chosen)
    with _progress(shown=not quiet) as progress:
        report = build(src, output, options, progress)
    if as_json:
        print_json(asdict(report))
    elif not quiet:
        from litebundle.cli.summary import summary

        click.echo("\n".join(summary(report, sources=options.sources)))


def _inputs(chosen: dict[str, Any]) -> "Inputs":
    """Take out of what was chosen that which is about the inputs."""
    from litebundle.collect.inputs import Inputs
    from litebundle.collect.selection import Selection

    selection = Selection(
        exclude=chosen.pop("exclude"),
        only=chosen.pop("only"),
        tests=not chosen.pop("no_tests"),
    )
    names = ("requirements", "resolver", "python_version", "platform", "stdlib")
    named = {name: chosen.pop(name) for name in names}
    return Inputs(deps=not chosen.pop("no_deps"), selection=selection, **named)


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
