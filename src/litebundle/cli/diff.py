"""`bundle diff`: what differs between two bundles, for people or as a patch."""

from dataclasses import asdict
from pathlib import Path

import click

from litebundle.cli.output import (
    Table,
    in_bytes,
    json_option,
    print_json,
    print_tables,
    require_another,
)
from litebundle.inspect.diff import Change, Comparison

_DIFFERENT = 1


@click.command("diff", short_help="Tell what differs between two bundles, or make a patch.")
@click.argument("old", type=click.Path(readable=False, path_type=Path))
@click.argument("new", type=click.Path(readable=False, path_type=Path))
@click.option("--code", is_flag=True, help="Show changed lines: of sources, and disassembled code.")
@click.option("--patch", is_flag=True, help="Write what makes NEW of OLD to the file of -o.")
@click.option("-o", "--output", type=click.Path(readable=False, path_type=Path), help="The patch.")
@json_option
def command(  # noqa: PLR0913  # the options
    old: Path, new: Path, *, code: bool, patch: bool, output: Path | None, as_json: bool
) -> None:
    """Tell by module, distribution and file in what the bundles OLD and NEW differ.

    Prints nothing and exits with 0 if the files are equal, byte for byte, else with 1. Nothing in
    them is executed; --code has changed code disassembled by a process of its own, of the Python
    that the code is for.

    With --patch writes a file by which `bundle patch` makes NEW of OLD.
    """
    if patch != (output is not None):
        raise click.UsageError("--patch and -o belong together: the patch is written there.")
    if output is not None:
        if code:
            raise click.UsageError("--code shows, and --patch writes: use one of them.")
        require_another(output, old, new)
        _make_patch(old, new, output, as_json=as_json)
        return
    comparison = Comparison(old, new)
    changes = comparison.changes()
    found = [(change, _lines(comparison, change) if code else []) for change in changes]
    if as_json:
        print_json([_as_json(change, lines) for change, lines in found])
    else:
        _print(found)
    if found:
        click.get_current_context().exit(_DIFFERENT)


def _make_patch(old: Path, new: Path, output: Path, *, as_json: bool) -> None:
    from litebundle.deploy.patch import make_patch

    patch = make_patch(old, new, output)
    if as_json:
        print_json(asdict(patch))
    else:
        sizes = f"{in_bytes(patch.size)} for a bundle of {in_bytes(patch.of)}"
        click.echo(f"{patch.path}: {sizes}, {patch.size / patch.of:.2%}")


def _lines(comparison: Comparison, change: Change) -> list[str]:
    from litebundle.inspect.changed import changed_lines

    return list(changed_lines(comparison, change))


def _print(found: list[tuple[Change, list[str]]]) -> None:
    columns: tuple[str, ...] = ("change", "name", "old", "new", "trees")
    if not any(_where(change) for change, _ in found):
        columns = columns[:-1]
    rows: dict[str, list[tuple[str, ...]]] = {}
    for change, _ in found:
        row = (_how(change), change.name, change.before or "", change.after or "", _where(change))
        rows.setdefault(change.what, []).append(row[: len(columns)])
    print_tables(Table(tag=what, columns=columns, rows=rows[what]) for what in rows)
    click.echo("".join(f"{_shown(line)}\n" for _, lines in found for line in lines), nl=False)


def _shown(line: str) -> str:
    """Return a line without what a terminal would obey."""
    parts = line.split("\t")
    return "\t".join(part if part.isprintable() else ascii(part)[1:-1] for part in parts)


def _as_json(change: Change, lines: list[str]) -> dict[str, object]:
    return {**asdict(change), "change": _how(change), "lines": lines}


def _how(change: Change) -> str:
    if change.before is None:
        return "added"
    return "removed" if change.after is None else "changed"


def _where(change: Change) -> str:
    """Tell which trees a change is in, where there are several."""
    return "" if change.roots in (None, (0, 0)) else "{} and {}".format(*change.roots)
