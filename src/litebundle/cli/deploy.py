"""`bundle deploy`: a new version in place of the old one."""

from dataclasses import asdict
from pathlib import Path

import click

from litebundle.cli.output import json_option, print_json
from litebundle.deploy.replace import Deployed, deploy
from litebundle.runtime.descriptor import absolute
from litebundle.runtime.trust import Trust, load


def _loaded(ctx: click.Context, parameter: click.Parameter, value: str | None) -> Trust | None:
    del ctx, parameter
    return None if value is None else load(absolute(value))


key_option = click.option(
    "--key",
    type=click.Path(readable=False),
    callback=_loaded,
    metavar="PUB",
    help="Besides the configured keys: put nothing there that its owner did not sign.",
)


@click.command("deploy", short_help="Put a bundle in place, and keep the previous ones.")
@click.argument("new", type=click.Path(readable=False, path_type=Path))
@click.argument("target", type=click.Path(readable=False, path_type=Path))
@click.option(
    "--keep",
    type=click.IntRange(min=0),
    default=3,
    show_default=True,
    metavar="N",
    help="How many previous versions to keep.",
)
@key_option
@click.option("--force", is_flag=True, help="Replace even what is signed by what is not, or older.")
@json_option
def command(  # noqa: PLR0913  # the options
    new: Path, target: Path, *, keep: int, key: Trust | None, force: bool, as_json: bool
) -> None:
    """Verify the bundle NEW, and put a copy of it at TARGET in one step.

    Killed at any moment, TARGET is the old file or the new one, whole. Running programs keep the
    file that they started with. The previous versions are kept in TARGET.previous, where
    `bundle rollback` finds them. PUB is a public key, or a trust file with several.
    """
    done = deploy(new, target, keep, key=key, force=force)
    if as_json:
        print_json(asdict(done))
    else:
        print_deployed(done)


def print_deployed(done: Deployed) -> None:
    """Print what is in place now, and how many versions there are to go to from there."""
    before = f", before {done.before}" if done.before else ""
    what = f"build {done.build}{before}" if done.changed else f"build {done.build} already"
    newer = f", {done.newer} newer" if done.newer else ""
    click.echo(f"{done.target}: {what}; kept: {done.older} older{newer}")
