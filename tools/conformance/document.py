"""The text of CONFORMANCE.md."""

from collections.abc import Iterator, Mapping, Sequence

from tools.conformance.measure import CONTAINERS, Tally
from tools.conformance.names import CPYTHON
from tools.conformance.rules import GROUPS, RULES

Measured = Mapping[str, Mapping[str, Mapping[str, Tally]]]
"""Python's version to container to rule."""

_HEAD = """\
# Conformance

Which rules of Python's import system litebundle follows, and by which tests. The same tests run
over a plain directory, which is the oracle, both containers of litebundle, and for comparison
zipimport and sqliteimport. Written by `python3 tools/conformance`; not to be edited.
"""

_COUNTS = """\
Passed of all tests that apply. A rule has a test for each way of breaking it that was found, so
that one deviation may cost many tests. Those that are about archives do not apply to directories,
and those about choices of the builder, and CPython's own, only to litebundle.
"""


_RULES = "## Rules and their tests\n"

Tests = Mapping[str, Sequence[str]]


def render(tests: Tests, measured: Measured) -> str:
    """Return the document."""
    parts = [_HEAD, "## Measured\n", _COUNTS]
    for version, columns in measured.items():
        parts.append("\n".join(_table(version, columns)) + "\n")
    return "\n".join([*parts, rules_and_tests(tests)])


def with_names(text: str, tests: Tests) -> str:
    """Return a document with its tables as they are, and the rules and tests anew.

    Raises ValueError if it has no such parts.
    """
    return text[: text.index(_RULES)] + rules_and_tests(tests)


def rules_and_tests(tests: Tests) -> str:
    """Return the part that lists the tests of each rule."""
    parts = [_RULES]
    for letter, title in GROUPS.items():
        parts.append(f"### {title}\n")
        parts.extend(_rule(rule, tests.get(rule, [])) for rule in RULES if rule[0] == letter)
    parts.append("### CPython's own tests\n")
    parts.append("\n".join(f"- `{test}`" for test in tests.get(CPYTHON, [])) + "\n")
    return "\n".join(parts)


def _rule(rule: str, tests: Sequence[str]) -> str:
    listed = "".join(f"\n- `{test}`" for test in tests)
    return f"**{rule}** {RULES[rule]}\n{listed}\n"


def _table(version: str, columns: Mapping[str, Mapping[str, Tally]]) -> Iterator[str]:
    yield f"### Python {version}\n"
    yield "| | " + " | ".join(CONTAINERS[name] for name in columns) + " |"
    yield "|---|" + "---:|" * len(columns)
    for letter, title in GROUPS.items():
        rules = [rule for rule in RULES if rule[0] == letter]
        yield _row(f"**{title}**", columns, rules)
        for rule in rules:
            yield _row(rule, columns, [rule])
    yield _row("CPython's own", columns, [CPYTHON])
    yield _row("**all**", columns, [*RULES, CPYTHON])


def _row(title: str, columns: Mapping[str, Mapping[str, Tally]], rules: Sequence[str]) -> str:
    cells = []
    for tallies in columns.values():
        found = [tallies[rule] for rule in rules if rule in tallies]
        passed, total = sum(tally.passed for tally in found), sum(tally.total for tally in found)
        cells.append(f"{passed}/{total}" if total else "")
    return f"| {title} | " + " | ".join(cells) + " |"
