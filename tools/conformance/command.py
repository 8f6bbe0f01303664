"""The command line of `tools/conformance`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.conformance import document, measure, names
from tools.devtools.page import Page, parser
from tools.devtools.process import ROOT, DevError


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write; return 0 when done, 1 if a step failed, 2 for wrong usage."""
    description = "Run the rules suite over each container, and write CONFORMANCE.md."
    options = parser("tools/conformance", description).parse_args(arguments)
    try:
        return _PAGE.write(options)
    except DevError as error:
        return error.tell()


def _measured(pythons: Mapping[str, Path]) -> str:
    measured = {
        version: {name: measure.measure(python, name) for name in measure.CONTAINERS}
        for version, python in pythons.items()
    }
    return document.render(names.collect(), measured)


_PAGE = Page(
    path=ROOT / "CONFORMANCE.md",
    measure=_measured,
    renew=lambda text: document.with_names(text, names.collect()),
)
