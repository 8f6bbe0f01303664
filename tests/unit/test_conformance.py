"""CONFORMANCE.md says what is there: every rule, its tests, and that all of them pass."""

import re

import pytest

from tools.conformance import document, names
from tools.conformance.rules import RULES
from tools.devtools.process import ROOT

VERSIONS = ("3.11", "3.12", "3.13")
OURS = ("litebundle SQLite", "litebundle zip")


@pytest.fixture(scope="module")
def text() -> str:
    """Return the document."""
    return (ROOT / "CONFORMANCE.md").read_text("utf-8")


def _column(text: str, version: str, title: str) -> dict[str, str]:
    """Return a column of a version's table, by the titles of its rows."""
    _, _, section = text.partition(f"### Python {version}\n")
    lines = [line for line in section.partition("#")[0].splitlines() if line.startswith("| ")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    at = rows[0].index(title)
    return {row[0]: row[at] for row in rows[1:]}


def test_the_rules_are_those_of_the_design() -> None:
    """Eight of finding, twelve of loading, seven of attributes, eight around it."""
    expected = [f"{letter}{n}" for letter, last in zip("FLIA", (8, 12, 7, 8), strict=True)
                for n in range(1, last + 1)]  # fmt: skip
    assert list(RULES) == expected


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_tests(rule: str) -> None:
    """A rule that nothing proves is none."""
    assert names.collect().get(rule)


def test_no_test_is_named_for_a_rule_that_is_not_there() -> None:
    """What is named for none is CPython's own."""
    found = names.collect()
    assert found.keys() == {*RULES, names.CPYTHON}
    assert {test.partition("::")[0] for test in found[names.CPYTHON]} == {
        "test_cpython_abc.py",
        "test_cpython_suite.py",
    }


def test_the_tests_are_those_that_are_there(text: str) -> None:
    """After a test came, went or changed its name: `python3 tools/conformance --names`."""
    assert document.with_names(text, names.collect()) == text


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("title", ["directory", *OURS])
def test_the_column_is_full(text: str, version: str, title: str) -> None:
    """All tests pass, for every rule; one that does not: `python3 tools/conformance`."""
    column = _column(text, version, title)
    assert {*RULES, "**all**"} <= column.keys()
    for row, cell in column.items():
        if title == "directory" and not cell:
            continue  # the rule is about archives, or what was chosen when one was built
        tally = re.fullmatch(r"(\d+)/(\d+)", cell)
        assert tally is not None, row
        assert tally[1] == tally[2] != "0", row
