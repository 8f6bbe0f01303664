"""`bundle place`: the files that a bundle's packages need on disk, put there ahead of time."""

from dataclasses import asdict
from pathlib import Path

import click

from litebundle.cli.output import Table, json_option, print_json, print_tables
from litebundle.place.ahead import place_ahead


@click.command("place", short_help="Put a bundle's data and native files on disk ahead of time.")
@click.argument("file", type=click.Path(readable=False, path_type=Path))
@click.option(
    "--to",
    "directory",
    required=True,
    type=click.Path(readable=False, path_type=Path),
    metavar="DIR",
    help="The directory, made if it is not there.",
)
@json_option
def command(file: Path, directory: Path, *, as_json: bool) -> None:
    """Put the files that packages of the bundle FILE need on disk into DIR.

    For machines where the program may write nothing: with LITEBUNDLE_CACHE=DIR in its environment
    it finds them there, and writes nothing. DIR has to belong to its user or to root, and nobody
    else may write to it. Prints what is there, each unit with its directory.
    """
    placed = list(place_ahead(file, directory))
    if as_json:
        print_json({"directory": str(directory), "units": [asdict(unit) for unit in placed]})
        return
    rows = [(unit.name, unit.files, unit.size, unit.path) for unit in placed]
    print_tables([Table(tag="unit", columns=("unit", "files", "size", "path"), rows=rows)])
