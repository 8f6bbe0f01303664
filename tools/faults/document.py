"""The text of tests/faults/README.md: each row with its tests, and what the campaigns found."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tools.faults.catalogue import FAULTS, NOT_INJECTED
from tools.faults.names import Marks

_HEAD = """\
# Faults

What can go wrong with disks, files and processes, and the tests that inject it. Each row is of the
catalogue of faults; a test says which ones it injects by `@pytest.mark.fault(ROW)`, wherever it
stands. Written by `python3 tools/faults`; not to be edited. It passes if the product does as the
row asks: what comes out is what was built or an error that names the file, the old or the new
stands whole, and the next import or build works.
"""

_MEASURED = "## Measured\n"
_ROWS = "## Rows and their tests\n"

_TALLIES = """\
Tests passed of those that apply, each an injection or a loop of them; skipped are those that this
machine does not let be injected.
"""


@dataclass(slots=True)
class Tally:
    """How the tests of a row ended."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __str__(self) -> str:
        text = f"{self.passed}/{self.passed + self.failed}"
        return f"{text}, {self.skipped} skipped" if self.skipped else text


def render(
    marks: Marks, results: Mapping[str, Mapping[int, Tally]], campaigns: Sequence[str]
) -> str:
    """Return the document; `results` are those of each Python, by row."""
    parts = [_HEAD, _MEASURED, "\n".join(campaigns) + "\n", _TALLIES]
    parts.append("\n".join(_table(results)) + "\n")
    return "\n".join([*parts, rows_and_tests(marks)])


def with_names(text: str, marks: Marks) -> str:
    """Return a document with its figures as they are, and the rows and tests anew.

    Raises ValueError if it has no such parts.
    """
    return text[: text.index(_ROWS)] + rows_and_tests(marks)


def rows_and_tests(marks: Marks) -> str:
    """Return the part that lists the tests of each row, or why there are none."""
    return "\n".join([_ROWS, *(_row(row, marks) for row in FAULTS)])


def _row(row: int, marks: Marks) -> str:
    listed = [f"- `{test}`" for test, rows in marks.items() if row in rows]
    reason = NOT_INJECTED.get(row)
    lines = listed or [f"Not injected: {reason}."]
    return "\n".join([f"**{row}** {FAULTS[row]}\n", *lines]) + "\n"


def _table(results: Mapping[str, Mapping[int, Tally]]) -> Iterator[str]:
    yield "| | fault | " + " | ".join(f"Python {version}" for version in results) + " |"
    yield "|---:|---|" + "---:|" * len(results)
    for row, fault in FAULTS.items():
        cells = [str(found[row]) if row in found else "" for found in results.values()]
        yield f"| {row} | {fault} | " + " | ".join(cells) + " |"
