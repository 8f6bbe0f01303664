"""The command line of `tools/faults`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.devtools.page import Page, parser, pythons
from tools.devtools.process import ROOT, DevError
from tools.faults import document, measure, names

CAMPAIGNS = ("io", "flips", "kills", "forks", "builders")


def main(arguments: Sequence[str] | None = None) -> int:
    """Inject, and write the page; return 0 when done, 1 if a step failed, 2 for wrong usage."""
    description = "Inject every fault of the catalogue, and write tests/faults/README.md."
    usage = parser("tools/faults", description)
    usage.add_argument(
        "campaign",
        nargs="?",
        choices=CAMPAIGNS,
        help="what takes too long for the suite: this alone, with the last Python, and no page",
    )
    options = usage.parse_args(arguments)
    try:
        if options.campaign:
            measure.campaign([*pythons(options).values()][-1], options.campaign)
            return 0
        return _PAGE.write(options)
    except DevError as error:
        return error.tell()


def _measured(chosen: Mapping[str, Path]) -> str:
    marks = names.collect()
    latest = [*chosen.values()][-1]
    lines = [line for name in CAMPAIGNS for line in measure.campaign(latest, name)]
    results = {version: measure.suite(python, marks) for version, python in chosen.items()}
    return document.render(marks, results, lines)


_PAGE = Page(
    path=ROOT / "tests" / "faults" / "README.md",
    measure=_measured,
    renew=lambda text: document.with_names(text, names.collect()),
)
