"""`bundle freeze`: a bundle's program with the interpreter beside it."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from litebundle.cli.output import bundle_argument, in_bytes, json_option, print_json


@click.command("freeze", short_help="Put a program and its Python into a folder, or one file.")
@bundle_argument
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(readable=False, path_type=Path),
    help="What to make.",
)
@click.option("--onefile", is_flag=True, help="Make one file, which unpacks its Python once.")
@click.option("--python", metavar="PYTHON", help="The interpreter: a version or a path.")
@click.option(
    "--include",
    multiple=True,
    metavar="MODULE",
    help="A standard module that is imported by a computed name.",
)
@click.option("--strip/--no-strip", help="Remove symbols that only debuggers need.")
@click.option("--force", is_flag=True, help="Replace a frozen program that is there.")
@json_option
def command(file: str, output: Path, *, onefile: bool, as_json: bool, **chosen: Any) -> None:
    """Make the bundle FILE run where there is no Python.

    The folder holds the interpreter, its standard library, and the program. It may be moved and
    copied as a whole. With --onefile it is one file, which at its first start puts the interpreter
    where other bundles place their files; the program's code stays in it.
    """
    from litebundle.freeze.folder import Choice, freeze
    from litebundle.freeze.onefile import freeze_onefile

    frozen = (freeze_onefile if onefile else freeze)(Path(file), output, Choice(**chosen))
    if as_json:
        print_json(asdict(frozen))
        return
    click.echo(
        f"{frozen.program}: {in_bytes(frozen.size)} with CPython {frozen.python},"
        f" {len(frozen.extensions)} extension modules, {len(frozen.libraries)} shared libraries"
    )
    for name in frozen.missing:
        click.echo(f"warning: {name} is needed, and not on this machine", err=True)
