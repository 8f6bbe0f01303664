"""`bundle patch`: a new bundle from an old one and a patch."""

from pathlib import Path

import click

from litebundle.cli.output import in_bytes, require_another
from litebundle.deploy.patch import apply_patch


@click.command("patch", short_help="Make a new bundle from an old one and a patch.")
@click.argument("old", type=click.Path(readable=False, path_type=Path))
@click.argument("patch", type=click.Path(readable=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(readable=False, path_type=Path),
    metavar="NEW",
    help="The new bundle.",
)
@click.option("--force", is_flag=True, help="Replace even a signed NEW by one that is not.")
def command(old: Path, patch: Path, output: Path, *, force: bool) -> None:
    """Make the file NEW from the bundle OLD and a PATCH that `bundle diff --patch` wrote.

    It is byte for byte the bundle that the patch was made with, or nothing is written: OLD is
    checked before and NEW behind, by their SHA-256.
    """
    require_another(output, old, patch)
    size = apply_patch(old, patch, output, force=force)
    click.echo(f"{output}: {in_bytes(size)}, as it was built")
