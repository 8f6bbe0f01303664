"""What a run of a table keeps, and what it says of it."""

from pathlib import Path

import pytest

from tests.unit.bench.runs import BASE, OURS, run
from tools.bench.results import BYTES, MORE, RATIO, VALUE, Goal, Run, reached, spread
from tools.bench.table import figures, shown
from tools.devtools.process import DevError


def test_a_run_reads_back_as_it_was(tmp_path: Path) -> None:
    """Nothing of a run is lost in its file."""
    kept = run({BASE: [1.0, 2.0], OURS: []}, goal=Goal(kind=RATIO, at_most=1.03))
    kept.write(tmp_path / "commit" / "imports.json")
    assert Run.read(tmp_path / "commit" / "imports.json") == kept


@pytest.mark.parametrize("text", ["", "{}", '{"format": 99}', '{"format": 1, "results": [1]}'])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    """A file that no run was kept in is an error that names it."""
    path = tmp_path / "other.json"
    path.write_text(text)
    with pytest.raises(DevError, match=r"other\.json keeps no figures"):
        Run.read(path)


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        (Goal(kind=RATIO, at_most=1.5), True),
        (Goal(kind=RATIO, at_most=1.4), False),
        (Goal(kind=VALUE, at_most=3.0), True),
        (Goal(kind=VALUE, at_most=2.9), False),
        (Goal(kind=MORE, at_most=1.0), True),
        (Goal(kind=MORE, at_most=0.9), False),
    ],
)
def test_a_goal_is_about_the_least_values(goal: Goal, *, expected: bool) -> None:
    """The least value counts: against the base's, by itself, or by how much it is more."""
    found = run({BASE: [2.0, 5.0], OURS: [3.0, 9.0]}, goal=goal)
    [(_, _), (mine, base)] = found.compared()
    assert reached(goal, mine, base) is expected


def test_a_goal_is_open_where_nobody_knows() -> None:
    """A goal that a failed base leaves open is neither reached nor missed."""
    goal = Goal(kind=RATIO, at_most=1)
    found = run({BASE: [], OURS: [3.0]}, goal=goal)
    [(_, _), (mine, base)] = found.compared()
    assert reached(goal, mine, base) is None


def test_the_spread_is_of_the_median() -> None:
    """The half of the values in the middle tells how sure the median is; three tell nothing."""
    assert spread([1.0, 1.0, 1.0]) is None
    assert spread([1.0] * 9) == 0
    narrow, wide = spread([1.0, 1.01, 1.02, 1.03] * 4), spread([1.0, 1.1, 1.2, 1.3] * 4)
    assert narrow is not None
    assert wide is not None
    assert narrow * 5 < wide


def test_a_table_leads_with_ratios() -> None:
    """Columns: the case, who, the ratio to the base, the goal, and then what it took."""
    text = figures(run({BASE: [0.2, 0.3], OURS: [0.3, 0.6]}, goal=Goal(kind=RATIO, at_most=1.2)))
    header, _, floor, ours = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()
    ]
    assert header == ["case", "contestant", "x floor", "median x", "goal", "least", "median"]
    assert floor == ["sympy (573)", BASE, "", "", "", "200.0 ms", "250.0 ms"]
    assert ours[2:5] == ["1.5", "1.75", "<= 1.2x missed"]


def test_a_failure_stands_in_the_table() -> None:
    """Who cannot do it stays in the table, and says why."""
    found = run({BASE: [0.2], OURS: []})
    assert found.failed
    assert "failed: no such module" in figures(found)


def test_values_have_the_unit_that_suits_them() -> None:
    """From microseconds to seconds, from bytes to megabytes."""
    assert [shown(value, "s") for value in (2e-7, 1e-6, 0.0125, 75)] == [
        "0.200 us",
        "1.000 us",
        "12.5 ms",
        "75.0 s",
    ]
    assert [shown(value, BYTES) for value in (999, 2.5e6)] == ["999 B", "2.50 MB"]
