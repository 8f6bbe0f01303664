"""`bundle verify`: whether a bundle is what was built."""

from dataclasses import asdict

import click

from litebundle.cli.output import bundle_argument, in_bytes, json_option, print_json, shown
from litebundle.errors import BundleCorrupt
from litebundle.inspect.verify import Verdict, verify


@click.command("verify", short_help="Check all that a bundle holds.")
@bundle_argument
@click.option(
    "--rebuild",
    is_flag=True,
    help="Compile the modules again too, with the Pythons that they are for, and compare.",
)
@json_option
def command(file: str, *, rebuild: bool, as_json: bool) -> None:
    """Read the whole bundle FILE: every checksum, every digest, and all that is told twice.

    Prints each problem on a line of its own: where it is, what it is, what was expected and what
    was found. The exit status is 0 if there is none, else 1, as for a file that is no bundle or
    cannot be read. With --rebuild what cannot be compiled again is a problem.
    """
    verdict = verify(file, rebuild=rebuild)
    if as_json:
        print_json({"bundle": file, "sound": not verdict.problems, **asdict(verdict)})
    else:
        _print(file, verdict)
    if verdict.problems:
        count = len(verdict.problems)
        raise BundleCorrupt(
            f"not sound: {count} problem{'s' if count > 1 else ''}",
            file=file,
            hint="copy the file again, or build it again",
        )


def _print(file: str, verdict: Verdict) -> None:
    for problem in verdict.problems:
        click.echo(shown(str(problem)))
    for note in verdict.notes:
        click.echo(shown(f"note: {note}"))
    if not verdict.problems:
        rebuilt = f", {verdict.rebuilt:,} compiled again" if verdict.rebuilt else ""
        click.echo(
            f"{file}: sound, {verdict.blobs:,} blobs, {in_bytes(verdict.size)} checked{rebuilt};"
            f" {in_bytes(verdict.unused)} unused"
        )
