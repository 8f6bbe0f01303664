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
    """Ask for a password, without showing it; raises UsageError if there is none, or no text."""
    try:
        text = _asked(new=new)
        text.encode()  # surrogates stand for what could not be decoded
    except UnicodeError as error:
        raise click.UsageError("The password is not UTF-8.") from error
    if not text:
        hint = "; --no-password makes a key without" if new else ""
        raise click.UsageError(f"The password is empty{hint}.")
    return text


def _asked(*, new: bool) -> str:
    if sys.stdin is None:
        return ""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    text: str = click.prompt("Password", hide_input=True, confirmation_prompt=new, err=True)
    return text
