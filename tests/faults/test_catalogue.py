"""Every row of the catalogue has its tests, or the reason why there are none."""

import pytest

from tools.devtools.process import ROOT
from tools.faults import catalogue, document, names


def test_the_rows_are_those_of_the_catalogue() -> None:
    """Fifty-five, none left out."""
    assert list(catalogue.FAULTS) == list(range(1, 56))


@pytest.mark.parametrize("row", catalogue.FAULTS)
def test_every_row_is_injected_or_says_why_not(row: int) -> None:
    """And not both: a reason does not outlive the first test."""
    tests = [test for test, rows in names.collect().items() if row in rows]
    assert bool(tests) != (row in catalogue.NOT_INJECTED)
    if not tests:
        pytest.skip(f"{catalogue.FAULTS[row]}: {catalogue.NOT_INJECTED[row]}")


def test_no_test_injects_a_row_that_is_not_there() -> None:
    """A mark with another number would count for nothing."""
    assert set().union(*names.collect().values()) <= set(catalogue.FAULTS)


def test_the_page_lists_the_tests_that_are_there() -> None:
    """After a mark came or went: `python3 tools/faults --names`."""
    text = (ROOT / "tests" / "faults" / "README.md").read_text("utf-8")
    assert document.with_names(text, names.collect()) == text
