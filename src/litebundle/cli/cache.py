"""`bundle cache`: what was placed on disk, and the removal of what is not used any more."""

import re
import time
from dataclasses import asdict

import click

from litebundle.cli.output import Table, in_bytes, json_option, print_json, print_tables
from litebundle.place.cache import CachedUnit, directories, prune, total, units

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_BYTES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}


def _age(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Parse "30d": a number of s, m, h, d or w."""
    if value is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", value)
    if not found:
        raise click.BadParameter(f"{value!r} is not an age like 30d or 12h.", ctx, param)
    return float(found[1]) * _SECONDS[found[2]]


def _size(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Parse "500MB": a number of bytes, kB, MB or GB."""
    if value is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]?)b?", value.lower())
    if not found:
        raise click.BadParameter(f"{value!r} is not a size like 500MB or 2GB.", ctx, param)
    return int(float(found[1]) * _BYTES[found[2]])


@click.group("cache", short_help="Look at the files placed on disk, and remove old ones.")
def command() -> None:
    """Look at the files that packages got on disk, and remove what is not used any more.

    They are where LITEBUNDLE_CACHE says, else in the user's cache directory.
    """


@command.command("list", short_help="List what is placed.")
@json_option
def list_(*, as_json: bool) -> None:
    """List what is placed: the unit, its bytes, its last use, and whether a process uses it now."""
    found, refused = directories()
    placed = [unit for directory in found for unit in units(directory)]
    if as_json:
        shown = [asdict(unit) for unit in placed]
        passed = [{"directory": e.file, "reason": e.message, "hint": e.hint} for e in refused]
        print_json({"directories": found, "not_used": passed, "units": shown})
        return
    for error in refused:
        click.echo(f"not used: {error.cause}", err=True)
    columns = ("unit", "size", "last use", "in use", "path")
    print_tables([Table(tag="unit", columns=columns, rows=list(map(_row, placed)))])


@command.command("prune", short_help="Remove what was not used for long.")
@click.option("--older-than", callback=_age, metavar="AGE", help="Not used for that long: 30d.")
@click.option("--max-size", callback=_size, metavar="SIZE", help="Oldest first, down to: 2GB.")
@json_option
def prune_(*, older_than: float | None, max_size: int | None, as_json: bool) -> None:
    """Remove placed files by their last use; they come back when they are needed again.

    What a process uses stays, and so does what was used within a day: a daemon that closed all its
    descriptors is not known to use anything. Leftovers of killed processes go in any case.
    """
    found, _ = directories()
    done = [prune(each, older_than=older_than, max_size=max_size) for each in found]
    removed = [unit for one in done for unit in one.removed]
    kept = [unit for one in done for unit in one.kept]
    stale = sum(one.stale for one in done)
    if as_json:
        print_json(
            {
                "removed": [asdict(unit) for unit in removed],
                "kept": [asdict(unit) for unit in kept],
                "stale": stale,
            }
        )
        return
    rows = [("removed", *_row(unit)) for unit in removed] + [("kept", *_row(u)) for u in kept]
    columns = ("", "unit", "size", "last use", "in use", "path")
    if rows:
        print_tables([Table(tag="unit", columns=columns, rows=rows)])
    click.echo(
        f"removed: {len(removed)}, {in_bytes(total(removed))};"
        f" kept, in use or used within a day: {len(kept)};"
        f" leftovers of killed processes removed: {stale}",
        err=True,
    )


def _row(unit: CachedUnit) -> tuple[str | int, ...]:
    last = time.strftime("%Y-%m-%d %H:%M", time.localtime(unit.used))
    return unit.name, unit.size, last, "yes" if unit.busy else "no", unit.path
