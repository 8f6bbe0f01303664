"""`bundle sign`: who made a bundle, and which version of what it is."""

import os
import time
from dataclasses import asdict
from pathlib import Path

import click

from litebundle.cli.keygen import password
from litebundle.cli.output import bundle_argument, json_option, print_json, require_another
from litebundle.signer import Seal, sign
from litebundle.write.keys import read_secret


@click.command("sign", short_help="Sign a bundle.")
@bundle_argument
@click.option(
    "--key",
    required=True,
    type=click.Path(readable=False, path_type=Path),
    metavar="SECRET",
    help="A secret key of `bundle keygen` or minisign.",
)
@click.option("--app", required=True, metavar="NAME", help="The application that it is.")
@click.option(
    "--version",
    type=click.IntRange(min=0),
    metavar="N",
    help="A number that only goes up; by default the time in seconds.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(readable=False, path_type=Path),
    help="A new file; by default FILE is.",
)
@click.option("--force", is_flag=True, help="Replace even what is signed as something newer.")
@json_option
def command(  # noqa: PLR0913  # the options
    file: str,
    *,
    key: Path,
    app: str,
    version: int | None,
    output: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Sign all that the bundle FILE holds, once it is found sound.

    The signed file is put in place as a whole. Whoever has the public key sees by it that nothing
    was altered since, that it is this application, and no older version than one seen before. If
    the key has a password it is asked for, or the first line of what is piped in.
    """
    require_another(output or Path(file), key)
    signed = sign(
        Path(file),
        output or Path(file),
        Seal(
            app=app,
            version=_now() if version is None else version,
            key=read_secret(key, password),
        ),
        force=force,
    )
    if as_json:
        print_json(asdict(signed))
    else:
        click.echo(
            f"{signed.output}: {signed.app} {signed.version}, signed by {signed.key},"
            f" build {signed.identity[:12]}"
        )


def _now() -> int:
    # https://reproducible-builds.org/specs/source-date-epoch/
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    return int(given) if given.isdecimal() else int(time.time())
