"""`bundle cache`: what was placed on disk and kept by builds, and the removal of what is old."""

import re
import time
from dataclasses import asdict

import click

from litebundle.cache import packs
from litebundle.cache.cache import directory
from litebundle.cache.packs import Kept
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


@click.group(
    "cache",
    short_help="Look at the files placed on disk, and remove old ones.",
    no_args_is_help=False,
)
def command() -> None:
    """Look at the files that packages got on disk, and remove what is not used any more.

    And at what builds keep for the next ones: code, deflated files. They are where LITEBUNDLE_CACHE
    says, else in the user's cache directory.
    """


@command.command("list", short_help="List what is placed.")
@json_option
def list_(*, as_json: bool) -> None:
    """List what is placed: the unit, its bytes, its last use, and whether a process uses it now.

    Then the files that builds keep.
    """
    found, refused = directories()
    placed = [unit for each in found for unit in units(each)]
    kept = list(packs.kept(directory()))
    if as_json:
        shown = [asdict(unit) for unit in placed]
        passed = [{"directory": e.file, "reason": e.message, "hint": e.hint} for e in refused]
        print_json(
            {
                "directories": found,
                "not_used": passed,
                "units": shown,
                "builds": [*map(asdict, kept)],
            }
        )
        return
    for error in refused:
        click.echo(f"not used: {error.cause}", err=True)
    columns = ("unit", "size", "last use", "in use", "path")
    tables = [Table(tag="unit", columns=columns, rows=list(map(_row, placed)))]
    if kept:
        titles = ("kept by builds", "size", "last use")
        tables.append(Table(tag="build", columns=titles, rows=list(map(_kept_row, kept))))
    print_tables(tables)


@command.command("prune", short_help="Remove what was not used for long.")
@click.option("--older-than", callback=_age, metavar="AGE", help="Not used for that long: 30d.")
@click.option("--max-size", callback=_size, metavar="SIZE", help="Oldest first, down to: 2GB.")
@json_option
def prune_(*, older_than: float | None, max_size: int | None, as_json: bool) -> None:
    """Remove placed files by their last use; they come back when they are needed again.

    So do those that builds keep, which have the same limits for themselves.

    What a process uses stays, and so does what was used within a day: a daemon that closed all its
    descriptors is not known to use anything. Leftovers of killed processes go in any case.
    """
    found, _ = directories()
    done = [prune(each, older_than=older_than, max_size=max_size) for each in found]
    dropped, dead = packs.prune(directory(), older_than=older_than, max_size=max_size)
    removed = [unit for one in done for unit in one.removed]
    kept = [unit for one in done for unit in one.kept]
    stale = dead + sum(one.stale for one in done)
    if as_json:
        print_json(
            {
                "removed": [asdict(unit) for unit in removed],
                "kept": [asdict(unit) for unit in kept],
                "builds": [asdict(file) for file in dropped],
                "stale": stale,
            }
        )
        return
    rows = [("removed", *_row(unit)) for unit in removed] + [("kept", *_row(u)) for u in kept]
    columns = ("", "unit", "size", "last use", "in use", "path")
    if rows:
        print_tables([Table(tag="unit", columns=columns, rows=rows)])
    size = total(removed) + sum(file.size for file in dropped)
    click.echo(
        f"removed: {len(removed) + len(dropped)}, {in_bytes(size)};"
        f" kept, in use or used within a day: {len(kept)};"
        f" leftovers of killed processes removed: {stale}",
        err=True,
    )


def _row(unit: CachedUnit) -> tuple[str | int, ...]:
    return unit.name, unit.size, _time(unit.used), "yes" if unit.busy else "no", unit.path


def _kept_row(file: Kept) -> tuple[str | int, ...]:
    return file.path, file.size, _time(file.used)


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
