"""`bundle explain`: which packages need files on disk, and what in their code says so."""

import copy
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from litebundle.cli import build
from litebundle.cli.output import json_option, print_json
from litebundle.collect.directory import printable
from litebundle.place.decide import Decision

_SHOWN = 3
"""Reasons that are shown of a package which was not named; `--json` has all."""

_SAME = {"requirements", "deps", "python_version"}
_LIKEWISE = {"resolver", "platform", "stdlib", "exclude", "only", "tests", "overlay", "place"}
"""Options of a build: those that help shows, for it fits one screen, and the others."""


def _defined(ctx: click.Context, param: click.Parameter, what: tuple[str, ...]) -> tuple[str, ...]:
    """Take what a definition among them names in its place."""
    from litebundle.collect.definition import definition_in

    found = tuple(one for one in what if definition_in(Path(one)))
    others = tuple(one for one in what if one not in found)
    return (*map(str, build.defined(ctx, param, found)), *others)


@click.command("explain", short_help="Tell which packages need files on disk, and why.")
@click.argument("what", nargs=-1, is_eager=True, callback=_defined, metavar="[SRC]... [PACKAGE]...")
@json_option
def command(what: tuple[str, ...], *, as_json: bool, **chosen: Any) -> None:
    """Tell the level of each PACKAGE, or of all in SRC, and what in their code says so.

    SRC is what `bundle build` takes, or a bundle; without one, packages of this Python are meant.
    What says to a build what goes in does so here.

    \b
    code  nothing is placed: all comes out of the bundle
    data  data and native files are put on disk when it is imported
    all   its Python sources too, since it lists or runs them
    """  # noqa: D301 - click's mark for a paragraph not to be wrapped
    from litebundle.place.explain import Question, explain

    if not what and not chosen["requirements"]:
        raise click.UsageError("Nothing to explain: name a package, or what it is in.")
    question = Question(
        inputs=build.inputs_of(chosen), place=chosen["place"], overlay=chosen["overlay"]
    )
    found = explain(what, question)
    if as_json:
        print_json([_as_json(decision) for decision in found])
    else:
        shown = _SHOWN if len(found) > 1 else None
        click.echo("\n".join(line for decision in found for line in _lines(decision, shown)))


def _taken_over() -> Iterator[click.Parameter]:
    """Yield the options that say what goes in, as they do for a build."""
    for param in build.command.params:
        if param.name in _SAME:
            yield param
        elif isinstance(param, click.Option) and param.name in _LIKEWISE:
            unseen = copy.copy(param)
            unseen.hidden = True
            yield unseen


command.params += _taken_over()


def _lines(decision: Decision, shown: int | None) -> Iterator[str]:
    yield f"{printable(decision.package)}: {decision.level}"
    label = "rule: " if decision.by == "rule" else ""
    for reason in decision.reasons[:shown]:
        yield f"  {label}{printable(reason)}"
    if shown is not None and len(decision.reasons) > shown:
        yield f"  and {len(decision.reasons) - shown:,} more"
    if decision.by == "rule" and decision.seen is decision.level:
        yield "  which its code says by itself: the rule is not needed"
    elif decision.by != "analysis":
        yield f"  its code alone: {decision.seen}"


def _as_json(decision: Decision) -> dict[str, object]:
    found = asdict(decision) | {"level": str(decision.level), "seen": str(decision.seen)}
    found["findings"] = [
        asdict(finding) | {"level": str(finding.level)} for finding in decision.findings
    ]
    return found
