"""`bundle verify`: whether a bundle is what was built."""

from dataclasses import asdict
from pathlib import Path

import click

from litebundle.cli.output import bundle_argument, in_bytes, json_option, print_json, shown
from litebundle.errors import BundleCorrupt
from litebundle.inspect.bundle import Bundle
from litebundle.inspect.signature import export_statement
from litebundle.inspect.verify import Verdict, verify
from litebundle.runtime.descriptor import absolute
from litebundle.runtime.trust import load


@click.command("verify", short_help="Check all that a bundle holds.")
@bundle_argument
@click.option(
    "--rebuild",
    is_flag=True,
    help="Compile the modules again too, with the Pythons that they are for, and compare.",
)
@click.option(
    "--key",
    type=click.Path(readable=False),
    metavar="PUB",
    help="See that the owner of this key signed it all.",
)
@click.option(
    "--statement",
    type=click.Path(readable=False, path_type=Path),
    metavar="PATH",
    help="Write there what was signed, and PATH.minisig for `minisign -V`.",
)
@json_option
def command(
    file: str, *, rebuild: bool, key: str | None, statement: Path | None, as_json: bool
) -> None:
    """Read the whole bundle FILE: every checksum, every digest, and all that is told twice.

    PUB is a public key of `bundle keygen` or minisign, or a trust file with several. Prints each
    problem on a line of its own: where it is, what it is, what was expected and what was found. The
    exit status is 0 if there is none, else 1, as for a file that is no bundle or cannot be read.
    With --rebuild what cannot be compiled again is a problem.
    """
    trust = None if key is None else load(absolute(key))
    verdict = verify(file, rebuild=rebuild, trust=trust)
    if statement is not None:
        export_statement(Bundle(file), statement)
    if as_json:
        print_json({"bundle": file, "sound": not verdict.problems, **asdict(verdict)})
    else:
        _print(file, verdict, key)
    if verdict.problems:
        count = len(verdict.problems)
        raise BundleCorrupt(
            f"not sound: {count} problem{'s' if count > 1 else ''}",
            file=file,
            hint="copy the file again, or build it again",
        )


def _print(file: str, verdict: Verdict, key: str | None) -> None:
    for problem in verdict.problems:
        click.echo(shown(str(problem)))
    for note in verdict.notes:
        click.echo(shown(f"note: {note}"))
    if not verdict.problems:
        signed = f", signed by {key}" if key else ""
        rebuilt = f", {verdict.rebuilt:,} compiled again" if verdict.rebuilt else ""
        click.echo(
            f"{file}: sound{signed}, {verdict.blobs:,} blobs, {in_bytes(verdict.size)}"
            f" checked{rebuilt}; {in_bytes(verdict.unused)} unused"
        )
