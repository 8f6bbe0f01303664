"""`bundle keygen`: a pair of keys to sign bundles with."""

import sys
from pathlib import Path

import click

from litebundle.format.signature import key_name
from litebundle.write.keys import new_key, write_keys


@click.command("keygen", short_help="Make a pair of keys to sign bundles with.")
@click.argument("name", type=click.Path(readable=False, path_type=Path))
@click.option("--no-password", is_flag=True, help="Let whoever has NAME.key sign.")
def command(name: Path, *, no_password: bool) -> None:
    """Make a secret key NAME.key and its public key NAME.pub, in minisign's files.

    The password is asked for, or the first line of what is piped in. Keep NAME.key to yourself;
    NAME.pub is what `bundle verify --key` and `bundle run --trust` take.
    """
    key = new_key()
    public = write_keys(name, key, None if no_password else password(new=True))
    click.echo(f"{public}: key {key_name(key.identifier)}")


def password(*, new: bool = False) -> str:
    """Ask for a password, without showing it; raises UsageError if there is none."""
    if sys.stdin is not None and sys.stdin.isatty():
        text: str = click.prompt("Password", hide_input=True, confirmation_prompt=new, err=True)
    else:
        text = "" if sys.stdin is None else sys.stdin.readline().rstrip("\r\n")
    if not text:
        hint = "; --no-password makes a key without" if new else ""
        raise click.UsageError(f"The password is empty{hint}.")
    return text
