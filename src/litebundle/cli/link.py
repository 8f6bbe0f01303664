"""`bundle link`: the commands of a bundle under their own names."""

import os
from pathlib import Path

import click

from litebundle.cli.output import bundle_argument
from litebundle.errors import BuildError
from litebundle.format.names import problem
from litebundle.inspect.bundle import Bundle

_SCRIPT = "script."


@click.command("link", short_help="Give a bundle's commands their own names.")
@bundle_argument
@click.argument("directory", type=click.Path(readable=False, path_type=Path))
def command(file: str, directory: Path) -> None:
    """Make a link to the bundle FILE in DIRECTORY for each console script in it.

    Started by such a name, the bundle runs that script. Links that lead there already are kept;
    if anything else has one of the names, nothing is made.
    """
    scripts = [key[len(_SCRIPT) :] for key in Bundle(file).manifest if key.startswith(_SCRIPT)]
    target = Path(file).resolve()
    if not scripts:
        raise BuildError("the bundle has no console scripts", file=file, hint="see `bundle info`")
    if not os.access(target, os.X_OK):
        raise BuildError("not executable", file=file, hint="build it with --executable")
    links = [directory / name for name in scripts if "/" not in name and not problem(name)]
    taken = [str(link) for link in links if _is_taken(link, target)]
    if taken:
        raise BuildError(
            "some of the names are taken", problems=taken, hint="remove them, or link elsewhere"
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for link in links:
            if not link.is_symlink():
                link.symlink_to(target)
    except OSError as error:
        raise BuildError(
            f"no links can be made there: {error.strerror}",
            file=str(directory),
            hint="name a directory that can be written",
        ) from error
    click.echo("\n".join(map(str, links)))


def _is_taken(link: Path, target: Path) -> bool:
    return os.path.lexists(link) and not (link.is_symlink() and link.resolve() == target)
