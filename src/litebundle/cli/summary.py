"""What a build tells of itself: everything that went in, and everything that did not."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from litebundle.cli.output import counted, in_bytes
from litebundle.collect.directory import printable
from litebundle.collect.tree import Skipped
from litebundle.place.level import NAMES
from litebundle.report import Report

_NAMED = 3
"""How many of the skipped things of one kind are named; `--json` names all."""


def summary(report: Report, *, sources: bool) -> Iterator[str]:
    """Yield the lines for people; `sources` tells whether they were kept."""
    yield (
        f"{printable(str(report.output))}: {in_bytes(report.size)} of {report.container},"
        f" build {report.identity[:12]}, in {report.seconds:.1f} s"
    )
    if len(report.targets) > 1:
        yield f"for {', '.join(report.targets)}"
    yield f"files: {counted(report.counts)}"
    yield f"modules with code: {report.modules:,}"
    if not sources:
        yield f"sources left out, as asked: {report.stripped:,}"
    for level in NAMES:
        # Of several targets each has its own
        names = dict.fromkeys(one.package for one in report.placed if one.level == level)
        if names:
            yield f"placed on disk when imported ({level}): {', '.join(map(printable, names))}"
    if report.uncompiled:
        yield "not compiled, kept as source:"
        yield from _indented(f"{printable(u.path)}: {u.reason}" for u in report.uncompiled)
    if report.conflicts:
        yield "contradictions, decided for the first source:"
        yield from _indented(map(str, report.conflicts))
    if report.skipped:
        yield "left out:"
        yield from _indented(_by_reason(report.skipped))
    for warning in report.warnings:
        yield f"warning: {warning}"


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _by_reason(skipped: Iterable[Skipped]) -> Iterator[str]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for one in skipped:
        groups[one.reason].append(printable(one.path))
    for reason, paths in sorted(groups.items()):
        more = f" and {len(paths) - _NAMED:,} more" if len(paths) > _NAMED else ""
        yield f"{reason}: {', '.join(paths[:_NAMED])}{more}"
