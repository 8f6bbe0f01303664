"""`bundle verify`: whether a bundle is what was built."""

import click

from litebundle.cli.output import bundle_argument, in_bytes, json_option, print_json
from litebundle.errors import BundleCorrupt
from litebundle.inspect.verify import Verdict, verify


@click.command("verify", short_help="Check all that a bundle holds.")
@bundle_argument
@json_option
def command(file: str, *, as_json: bool) -> None:
    """Read the whole bundle FILE: every checksum, every digest, and all that is told twice.

    Prints each problem on a line of its own. The exit status is 0 if there is none, else 1.
    """
    verdict = verify(file)
    if as_json:
        print_json(_as_json(file, verdict))
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
        click.echo(problem)
    for note in verdict.notes:
        click.echo(f"note: {note}")
    if not verdict.problems:
        click.echo(f"{file}: sound, {verdict.blobs:,} blobs, {in_bytes(verdict.size)} checked")


def _as_json(file: str, verdict: Verdict) -> dict[str, object]:
    return {
        "bundle": file,
        "sound": not verdict.problems,
        "problems": verdict.problems,
        "notes": verdict.notes,
        "blobs": verdict.blobs,
        "size": verdict.size,
    }
