"""Two commits' figures: what is a change, and what is noise."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.unit.bench.runs import BASE, OURS, run
from tools.bench import compare
from tools.bench.command import main
from tools.bench.results import COUNT
from tools.devtools.process import DevError

STEADY = [1.0, 1.01, 0.99, 1.0, 1.0, 1.01]


def _verdict(before: Sequence[float], after: Sequence[float], base: Sequence[float]) -> str:
    """Return what is said of ours; the base took `base` the second time, 1 s the first."""
    first = run({BASE: [1.0] * len(before), OURS: before})
    second = run({BASE: base, OURS: after})
    [_, change] = compare.changes(first, second)
    return change.verdict


def test_what_is_beyond_the_noise_is_a_change() -> None:
    """A tenth more than before is worse where the runs differ by a hundredth."""
    slower = [1.1 * value for value in STEADY]
    assert _verdict(STEADY, slower, [1.0] * 6) == "worse"
    assert _verdict(slower, STEADY, [1.0] * 6) == "better"


def test_what_the_noise_explains_is_none() -> None:
    """The same tenth is nothing where the runs differ by more."""
    noisy = [1.0, 1.5, 0.8, 1.3, 1.0, 1.6]
    assert _verdict(noisy, [1.1 * value for value in noisy], [1.0] * 6) == ""


def test_a_slower_machine_is_no_change() -> None:
    """Where the base takes as much longer, it is the machine."""
    assert _verdict(STEADY, [2 * value for value in STEADY], [2.0] * 6) == ""


def test_few_runs_prove_nothing() -> None:
    """Three runs do not tell what is noise: no verdict, whatever they say."""
    assert _verdict([1.0] * 3, [9.0] * 3, [1.0] * 3) == ""


def test_counts_need_no_second_run() -> None:
    """A count is exact: one run of each is enough."""
    first, second = (run({BASE: [8000], OURS: [n]}, unit=COUNT) for n in (1000, 1100))
    assert [change.verdict for change in compare.changes(first, second)] == ["", "worse"]


def test_the_command_says_it_by_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two files of figures: 1 if anything became worse, 0 if not."""
    results = tmp_path / "results"
    for name, factor in (("aaaa", 1.0), ("bbbb", 1.2)):
        found = run({BASE: [1.0] * 6, OURS: [factor * value for value in STEADY]})
        found.write(results / name / "imports.json")
    work = f"--work={tmp_path}"
    assert main(["compare", work, "aaaa", str(results / "bbbb" / "imports.json")]) == 1
    assert "worse" in capsys.readouterr().out
    assert main(["compare", work, "bbbb", "aaaa"]) == 0
    assert "better" in capsys.readouterr().out


def test_what_was_not_measured_cannot_be_compared(tmp_path: Path) -> None:
    """A commit of which nothing is kept, or too much, is an error that says what to do."""
    with pytest.raises(DevError, match="nothing is kept of cccc"):
        compare.kept(tmp_path, "cccc")
    for name in ("cccc1", "cccc2"):
        run({BASE: [1.0]}).write(tmp_path / name / "imports.json")
    with pytest.raises(DevError, match="cccc may be one of cccc1, cccc2"):
        compare.kept(tmp_path, "cccc")
