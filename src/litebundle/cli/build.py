"""`bundle build`: directories, projects, wheels, requirements and definitions to a bundle."""

import contextlib
import gc
import os
import re
import shlex
import sys
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from litebundle.cli.output import print_json, require_another
from litebundle.place.level import NAMES

if TYPE_CHECKING:
    from litebundle.collect.definition import Definition
    from litebundle.collect.inputs import Inputs
    from litebundle.write.launcher import Launch


_DEFINITION = f"{__name__}.definition"  # its file, in the command's context


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


def placements(
    ctx: click.Context, param: click.Parameter, value: tuple[str, ...]
) -> dict[str, str]:
    """Parse levels of packages, as numpy=data."""
    found = {}
    for text in value:
        package, _, level = text.partition("=")
        if not package or level not in NAMES:
            known = ", ".join(NAMES)
            raise click.BadParameter(f"{text!r} is not NAME=LEVEL of {known}.", ctx, param)
        found[package] = level
    return found


def defined(
    ctx: click.Context, param: click.Parameter, src: tuple[str, ...]
) -> tuple[str | os.PathLike[str], ...]:
    """Take the sources, and the defaults of all options, from a definition if SRC is one."""
    del param
    from litebundle.collect.definition import definition_in, read_definition

    file = next(filter(None, (definition_in(Path(source)) for source in src)), None)
    if file is None:
        return src
    if len(src) > 1:
        raise click.UsageError(f"{file} defines a bundle by itself: name no other SRC with it.")
    definition = read_definition(file)
    ctx.meta[_DEFINITION] = file
    ctx.default_map = _defaults(definition)
    return definition.src


def _defaults(definition: "Definition") -> dict[str, Any]:
    """Return what the definition says, as the options' parameters take it."""
    said = {field.name: getattr(definition, field.name) for field in fields(definition)}
    said["container"] = definition.format
    said["requirements"] = [definition.lock] if definition.lock else None
    said["optimize"] = definition.optimize and ",".join(map(str, definition.optimize))
    said["place"] = [f"{package}={level}" for package, level in definition.place.items()]
    return {name: value for name, value in said.items() if value not in (None, (), [])}


@click.command("build", short_help="Pack modules and packages into a bundle.")
@click.argument("src", nargs=-1, is_eager=True, callback=defined)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(readable=False, path_type=Path),
    help="The file.",
)
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
@click.option("--sources/--no-sources", default=True, help="Keep the .py files, or not.")
@click.option("--strict/--no-strict", help="Fail if a file does not compile.")
@click.option("--overlay/--no-overlay", help="Let the earlier SRC win where two disagree.")
@click.option(
    "-r",
    "--requirements",
    multiple=True,
    type=click.Path(readable=False, path_type=Path),
    metavar="FILE",
    help="A requirements.txt, pylock.toml or uv.lock.",
)
@click.option("--deps/--no-deps", default=True, help="Pack what is required too, or not.")
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
@click.option("--tests/--no-tests", default=True, help="Keep tests that nothing imports, or not.")
@click.option(
    "--place",
    callback=placements,
    multiple=True,
    metavar="NAME=LEVEL",
    help="On disk of a package: code, data, all.",
)
@click.option("--main", metavar="SPEC", help="What it runs: MODULE:NAME, PATH.py...")
@click.option("--executable/--no-executable", help="Let ./FILE run, too.")
@click.option("--inherit-path/--no-inherit-path", help="Let it see PYTHONPATH and site-packages.")
@click.option("--defer-gc/--no-defer-gc", default=True, help="Collect garbage once it is up.")
@click.option("--python-args", metavar="ARGS", help="Options of its Python: '-I -X utf8'.")
@click.option("--launcher/--no-launcher", default=True, help="Let `python FILE` run, or not.")
@click.option(
    "--compress",
    type=click.Choice(["auto", "none", "zlib", "zstd"]),
    default="auto",
    metavar="KIND",
    help="auto, none, zlib, zstd: see LAYOUT.md.",
)
@click.option("--trace", metavar="PROGRAM", help="Run it once: what it reads comes first.")
@click.option(
    "--trace-file",
    type=click.Path(readable=False, path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Keep what --trace finds, or use it again.",
)
@click.option("--force", is_flag=True, help="Replace even a signed FILE.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Compiler processes.")
@click.option("--cache/--no-cache", default=True, help="Use what earlier builds made, or not.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors (and JSON).")
def command(
    src: tuple[str | os.PathLike[str], ...],
    output: Path,
    *,
    as_json: bool,
    quiet: bool,
    **chosen: Any,
) -> None:
    """Pack each SRC: a directory, project, wheel, NAME==1.2, or one bundle.toml."""
    gc.disable()  # a twentieth of the work; it would find next to nothing until this process ends
    from litebundle.builder import Options, build

    if "" in src:
        raise click.UsageError("A SRC is empty: is a variable of the shell not set?")
    if not src and not chosen["requirements"]:
        raise click.UsageError("Nothing to pack: name a SRC, or a file of requirements with -r.")
    require_another(output, *_files(src, chosen))
    inputs, launch = inputs_of(chosen), _launch(chosen)
    options = Options(inputs=inputs, launch=launch, **chosen)
    with _progress(shown=not quiet) as progress:
        report = build(src, output, options, progress)
    gc.freeze()  # nor what its last collections would look through
    if as_json:
        print_json(asdict(report))
    elif not quiet:
        from litebundle.cli.summary import summary

        click.echo("\n".join(summary(report, sources=options.sources)))


def _files(src: tuple[str | os.PathLike[str], ...], chosen: dict[str, Any]) -> Iterator[Path]:
    """Yield the files that it reads by their names, and the trace."""
    yield from (Path(source) for source in src if Path(source).is_file())
    yield from chosen["requirements"]
    definition = click.get_current_context().meta.get(_DEFINITION)
    yield from filter(None, (definition, chosen["trace_file"]))


def inputs_of(chosen: dict[str, Any]) -> "Inputs":
    """Take out of what was chosen that which is about the inputs."""
    from litebundle.collect.inputs import Inputs
    from litebundle.collect.selection import Selection

    selection = Selection(
        exclude=chosen.pop("exclude"),
        only=chosen.pop("only"),
        tests=chosen.pop("tests"),
    )
    names = ("requirements", "deps", "resolver", "python_version", "platform", "stdlib")
    return Inputs(selection=selection, **{name: chosen.pop(name) for name in names})


def _launch(chosen: dict[str, Any]) -> "Launch | None":
    """Take out of what was chosen that which is about starting it."""
    from litebundle.write.launcher import Launch

    try:
        arguments = tuple(shlex.split(chosen.pop("python_args") or ""))
    except ValueError as error:
        raise click.UsageError(f"--python-args: {error}.") from error
    rest = iter(arguments)
    for argument in rest:
        if re.fullmatch("-[WX]", argument):
            argument += next(rest, "")  # noqa: PLW2901  # its value is the next one
        if not re.fullmatch(r"-[bBdEiIOPqsSuvx]+|-[WX].+|--check-hash-based-pycs=\w+", argument):
            raise click.UsageError(f"--python-args: {argument!r} is no option that is complete.")
    names = ("main", "executable", "inherit_path", "defer_gc")
    launch = Launch(python_args=arguments, **{name: chosen.pop(name) for name in names})
    if chosen.pop("launcher"):
        return launch
    if launch != Launch():
        raise click.UsageError("--no-launcher leaves nothing for the other options to decide.")
    return None


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
