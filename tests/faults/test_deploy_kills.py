"""Killed at any moment of a deploy, a rollback or a patch, the target is the old or the new."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_TIMES = 20
"""Of the long form: `python -m tools.kills`, 200 times."""


@pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX does, in forked children")
@pytest.mark.parametrize("packing", ["sqlite", "zip"])
def test_killed_at_any_moment_the_target_is_whole(packing: str) -> None:
    """At every step that the interpreter takes, and at random moments; the next one tidies up."""
    command = [sys.executable, "-m", "tools.kills", f"--times={_TIMES}", f"--container={packing}"]
    root = Path(__file__).parents[2]
    # In memory where that can be: a kill is no power loss, and nothing waits for a disk
    memory = Path("/dev/shm")  # noqa: S108  # the tmpfs that Linux has
    env = {**os.environ, **({"TMPDIR": str(memory)} if memory.is_dir() else {})}
    done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == ["deploy:", "rollback:", "patch:"]
    # How many steps there are is not for a test to know; that there are some is.
    assert all(int(line[line.index("steps,") - 1]) >= 10 for line in lines)
