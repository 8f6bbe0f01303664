"""BENCHMARKS.md: what it says of what was measured."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.bench.runs import BASE, OURS, run, table
from tools.bench import command, document
from tools.bench.results import RATIO, Goal, Run
from tools.bench.tables import TABLES


def test_the_page_says_what_the_figures_depend_on() -> None:
    """Machine, Python, date, commit and peers stand above each table, missed goals below it."""
    found = run({BASE: [1.0], OURS: [2.0]}, goal=Goal(kind=RATIO, at_most=1.03))
    text = document.document([table()], [found])
    for part in ("CPython 3.13.0", "2026-01-02", "0123456789ab", "2 x Processor", "sqliteimport"):
        assert part in text
    assert "How long an import takes." in text
    assert "Missed: sympy (573) litebundle." in text


def test_a_table_that_was_not_measured_is_left_out() -> None:
    """A table without figures has no section."""
    assert "## imports" not in document.document([table()], [])


def test_the_newest_run_counts(tmp_path: Path) -> None:
    """Of several commits' figures of a table, the last measured are shown."""
    for commit, date in (("bbbb", "2026-01-02"), ("aaaa", "2026-01-03"), ("cccc", "2026-01-01")):
        found = replace(run({BASE: [1.0]}), commit=commit, date=date)
        found.write(tmp_path / commit / "imports.json")
    assert [found.commit for found in document.newest(tmp_path)] == ["aaaa"]


def test_a_measured_case_replaces_itself_only(tmp_path: Path) -> None:
    """Measuring a table anew keeps what the same commit's file has of other cases, in order."""
    kept = tmp_path / "imports.json"
    rich = run({BASE: [5.0]}).results[0]
    rich.case = "rich (57)"
    both = replace(table(), cases=("rich", "sympy"))
    command._keep(run({BASE: [1.0]}), kept, both)
    command._keep(replace(run({}), results=[rich]), kept, both)
    command._keep(run({BASE: [2.0]}), kept, both)
    assert [(r.case, r.values) for r in Run.read(kept).results] == [
        ("rich (57)", [5.0]),
        ("sympy (573)", [2.0]),
    ]


def test_tables_have_names_of_their_own() -> None:
    """No table hides another, nor a command that is none."""
    names = [each.name for each in TABLES]
    assert len({*names, "all", "compare", "report"}) == len(names) + 3


def test_the_help_fits_a_screen(capsys: pytest.CaptureFixture[str]) -> None:
    """Every command's help has fewer than 36 lines."""
    for name in ([], *([each.name] for each in TABLES), ["all"], ["compare"], ["report"]):
        with pytest.raises(SystemExit):
            command.main([*name, "--help"])
        assert len(capsys.readouterr().out.splitlines()) < 36, name
