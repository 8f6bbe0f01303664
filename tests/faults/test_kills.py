"""Commands that are killed or interrupted at any moment (`tools/faults kills` does many)."""

import signal
from pathlib import Path

import pytest

from tools.faults.kills import Subject, Tally, killed, killed_at_steps
from tools.faults.subjects import building, placing

_KILLS = 8


@pytest.fixture(params=["build sqlite", "build zip", "place"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Subject:
    """Return what is killed."""
    what, _, container = str(request.param).partition(" ")
    return building(tmp_path, container) if what == "build" else placing(tmp_path)


def _intact(tally: Tally) -> bool:
    return tally.intact == tally.runs and set(tally.statuses) <= {0, -signal.SIGKILL}


@pytest.mark.fault(10)
def test_killed_at_any_moment_the_old_or_the_new_stands(subject: Subject) -> None:
    """Whole; what was left aside is gone with the next run."""
    tally = killed(subject, _KILLS)
    assert _intact(tally), tally


@pytest.mark.fault(10)
def test_killed_at_each_step_the_old_or_the_new_stands(tmp_path: Path) -> None:
    """Each file that is placed, and each that is renamed."""
    tally = killed_at_steps(placing(tmp_path))
    assert _intact(tally), tally
    assert tally.kills > 30  # the files are as many


@pytest.mark.fault(11)
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
def test_interrupted_at_any_moment_a_build_cleans_up(
    tmp_path: Path, number: int, status: int
) -> None:
    """It leaves nothing aside, and tells by its status what ended it, unless it was done."""
    tally = killed(building(tmp_path, "sqlite"), _KILLS, number=number)
    assert (tally.intact, tally.aside) == (tally.runs, 0), tally
    # Before the command was set up it ends as any process does
    assert set(tally.statuses) <= {0, status, -number}
    assert tally.statuses[status] > 0
