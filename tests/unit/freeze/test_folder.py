"""How a folder gets to its place: whole or not at all, and nothing is left beside it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from litebundle.freeze.folder import Runtime, _in_place
from tests.cli.command import SOURCES, TIMEOUT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bundle freeze is for Linux")

_KILLED = """
import os, signal, sys
from pathlib import Path
from litebundle.freeze.folder import _in_place

def write(aside):
    (aside / "lib").mkdir()
    (aside / "lib" / "file").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)

_in_place(Path(sys.argv[1]), write)
"""


def write(aside: Path, text: str = "new") -> Runtime:
    """Write a folder of one file."""
    (aside / "file").write_text(text)
    return Runtime(extensions=(), libraries=(), missing=())


def test_what_stood_there_is_back_whatever_goes_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interrupt between the two renames, too."""
    output = tmp_path / "out"
    _in_place(output, lambda aside: write(aside, "old"))
    rename = Path.rename

    def interrupted(path: Path, target: Path) -> Path:
        if path.suffix == ".tmp":
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _in_place(output, write)
    assert [*tmp_path.iterdir()] == [output]
    assert (output / "file").read_text() == "old"


def test_what_a_killed_one_left_is_removed(tmp_path: Path) -> None:
    """By the next one for the same output, and nothing else is."""
    output = tmp_path / "o[u]t"
    command = [sys.executable, "-c", _KILLED, str(output)]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": SOURCES}, timeout=TIMEOUT, check=False
    )
    assert done.returncode == -signal.SIGKILL
    [left] = tmp_path.iterdir()
    assert (left / "lib" / "file").read_text() == "half"
    kept = [tmp_path / f".out.{'0' * 16}.tmp", tmp_path / ".o[u]t.mine.tmp"]
    old = tmp_path / f".o[u]t.{'0' * 16}.old"
    for path in (*kept, old):
        path.mkdir()
    _in_place(output, write)
    assert sorted(tmp_path.iterdir()) == sorted([output, old, *kept])
    _in_place(output, write)  # of an old one once there is another
    assert sorted(tmp_path.iterdir()) == sorted([output, *kept])


def test_what_a_living_one_writes_stays(tmp_path: Path) -> None:
    """Of several for the same output the last one stands."""
    output = tmp_path / "out"

    def first(aside: Path) -> Runtime:
        found = write(aside, "first")
        _in_place(output, lambda other: write(other, "second"))
        assert (output / "file").read_text() == "second"
        assert (aside / "file").read_text() == "first"
        return found

    _in_place(output, first)
    assert (output / "file").read_text() == "first"
    assert [*tmp_path.iterdir()] == [output]
