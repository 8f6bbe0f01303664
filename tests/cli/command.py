"""The command `bundle` and plain Python, run as a user runs them: in processes of their own."""

import os
import pty
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import litebundle

TIMEOUT = 60  # seconds

SOURCES = str(Path(str(litebundle.__file__)).parents[1])

Done = subprocess.CompletedProcess[str]


def environment() -> dict[str, str]:
    """Return an environment that finds this litebundle and decides nothing else about Python."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PYTHON") and name not in {"FORCE_COLOR", "COLUMNS", "LC_ALL"}
    }
    return kept | {
        "PYTHONPATH": SOURCES,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
    }


def python(
    *arguments: str | Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    text: bool = True,
) -> Any:
    """Run the interpreter that runs the tests."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env=environment() | dict(env or {}),
        input=stdin if text else stdin.encode(),
        capture_output=True,
        text=text,
        timeout=TIMEOUT,
        check=False,
    )


def bundle(*arguments: str | Path, cwd: Path, flags: Sequence[str] = (), **options: Any) -> Any:
    """Run `bundle` with the arguments, and the interpreter under it with the flags.

    What it builds is not kept in the cache of who runs the tests, unless that is asked for.
    """
    if arguments[:1] == ("build",) and "--cache" not in arguments:
        arguments = ("build", "--no-cache", *arguments[1:])
    return python(*flags, "-m", "litebundle", *arguments, cwd=cwd, **options)


def good(done: Done) -> Done:
    """Return what must have been a success."""
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done


def on_terminal(stream: str, *command: str | Path, cwd: Path) -> bytes:
    """Run a command with a terminal as "stdout" or "stderr"; return what it shows there."""
    mine, theirs = pty.openpty()
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=environment() | {"TERM": "xterm", "COLUMNS": "100"},
        stdin=subprocess.DEVNULL,
        stdout=theirs if stream == "stdout" else subprocess.DEVNULL,
        stderr=theirs if stream == "stderr" else subprocess.DEVNULL,
    ) as process:
        os.close(theirs)
        output = b""
        try:
            while data := os.read(mine, 4096):
                output += data
        except OSError:  # how Linux tells that the other end was closed
            pass
        finally:
            os.close(mine)
        assert process.wait(timeout=TIMEOUT) == 0
    return output


def refusal(done: Done, status: int = 1) -> str:
    """Return the cause of a failure, having checked that it was reported as all are."""
    assert done.returncode == status, done.stderr
    assert "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    assert lines[0].startswith("error: ")
    assert lines[-1].startswith("hint: ")
    return lines[0].removeprefix("error: ")
