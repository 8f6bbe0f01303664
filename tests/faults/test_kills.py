"""Commands that are killed or interrupted at random moments (`tools/faults kills` does many)."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.faults.kills import Subject, building, killed, placing

_SUBJECTS: dict[str, Callable[[Path], Subject]] = {
    "build sqlite": lambda base: building(base, "sqlite"),
    "build zip": lambda base: building(base, "zip"),
    "place": placing,
}
_KILLS = 8


@pytest.mark.fault(10)
@pytest.mark.parametrize("name", _SUBJECTS)
def test_killed_at_any_moment_the_old_or_the_new_stands(tmp_path: Path, name: str) -> None:
    """Whole; what was left aside is gone with the next run."""
    tally = killed(_SUBJECTS[name](tmp_path), _KILLS)
    assert tally.intact == _KILLS, tally
    assert tally.statuses[-signal.SIGKILL] > 0, "none was killed at work"


@pytest.mark.fault(11)
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
def test_interrupted_at_any_moment_a_build_cleans_up(
    tmp_path: Path, number: int, status: int
) -> None:
    """It leaves nothing aside, and tells by its status what ended it, unless it was done."""
    tally = killed(building(tmp_path, "sqlite"), _KILLS, number=number)
    assert (tally.intact, tally.aside) == (_KILLS, 0), tally
    # Before the command was set up it ends as any process does
    assert set(tally.statuses) <= {0, status, -number}
    assert tally.statuses[status] > 0
