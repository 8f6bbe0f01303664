"""Killed at any moment of a deploy, a rollback or a patch, the target is the old or the new."""

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.faults.kills import Subject, killed, killed_at_steps
from tools.faults.subjects import deploying

_KILLS = 8
_STEPS = 5
"""How many there are at least; how many exactly is not for a test to know."""


@pytest.fixture(params=["sqlite", "zip"])
def subjects(request: pytest.FixtureRequest) -> Iterator[list[Subject]]:
    """Yield what is killed."""
    # In memory where that can be: a kill is no power loss, and nothing waits for a disk
    memory = "/dev/shm"  # noqa: S108  # the tmpfs that Linux has
    with tempfile.TemporaryDirectory(dir=memory if Path(memory).is_dir() else None) as directory:
        yield [*deploying(Path(directory), request.param)]


@pytest.mark.fault(10)
def test_killed_at_each_step_the_target_is_whole(subjects: list[Subject]) -> None:
    """So are the kept versions; the next deploy works, and tidies up."""
    for subject in subjects:
        tally = killed_at_steps(subject)
        assert tally.intact == tally.runs, tally
        assert tally.statuses[-signal.SIGKILL] >= _STEPS, tally


@pytest.mark.fault(10)
def test_killed_at_any_moment_the_target_is_whole(subjects: list[Subject]) -> None:
    """Likewise."""
    for subject in subjects:
        tally = killed(subject, _KILLS)
        assert tally.intact == tally.runs, tally
