"""`bundle rollback`: back to the version before."""

from dataclasses import asdict
from pathlib import Path

import click

from litebundle.cli.deploy import key_option, print_deployed
from litebundle.cli.output import Table, json_option, print_json, print_tables
from litebundle.deploy.history import History, Version
from litebundle.deploy.replace import deployed_at, roll_back
from litebundle.runtime.trust import Trust


@click.command("rollback", short_help="Go back to the version before a deploy.")
@click.argument("target", type=click.Path(readable=False, path_type=Path))
@click.option("--forward", is_flag=True, help="Go forward again, until the next deploy.")
@click.option("--list", "listed", is_flag=True, help="Change nothing, and list what is kept.")
@key_option
@click.option("--force", is_flag=True, help="Replace even a signed one by one that is not.")
@json_option
def command(  # noqa: PLR0913  # the options
    target: Path, *, forward: bool, listed: bool, key: Trust | None, force: bool, as_json: bool
) -> None:
    """Put the version that stood at TARGET before this one in place again, verified and whole.

    A second rollback goes back one more. PUB is a public key, or a trust file with several; an
    older version is put in place unless the keys say that it may not start any more.
    """
    if forward and listed:
        raise click.UsageError("--list changes nothing: leave out --forward.")
    if listed:
        _list(deployed_at(target), as_json=as_json)
        return
    done = roll_back(target, forward=forward, key=key, force=force)
    if as_json:
        print_json(asdict(done))
    else:
        print_deployed(done)


def _list(history: History, *, as_json: bool) -> None:
    current = history.current()
    found = [(version, version == current) for version in history.versions()]
    if as_json:
        print_json([{**asdict(version), "current": here} for version, here in found])
        return
    rows = [_row(version, current=here) for version, here in found]
    columns = ("version", "build", "size", "in place")
    print_tables([Table(tag="version", columns=columns, rows=rows)])


def _row(version: Version, *, current: bool) -> tuple[int | str, ...]:
    in_place = "in place" if current else ""
    return version.number, version.build, version.path.stat().st_size, in_place
