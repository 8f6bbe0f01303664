"""The tools that resolve, download and build: uv, pip and pypa/build, run as processes."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from litebundle.errors import BuildError

_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_NOISE = re.compile(
    r"\s*(WARNING: |\[notice\]|note: |TIP |[*-] |\N{BOX DRAWINGS LIGHT ARC UP AND RIGHT}"
    r"|\[end of output\]|File \"|Traceback |[~^]+$)"
)
_IDLE = re.compile(r"Ignored the following|Exception:$")  # the latter above a traceback
_PREFIXES = ("  \N{MULTIPLICATION SIGN} ", "error: ", "ERROR: ")
_LINES = 12  # of a tool's complaint: the last ones tell most
_WIDTH = 300  # pip lists every version there ever was


def uv() -> str | None:
    """Return the path of uv, if it is installed beside this Python or is on the PATH."""
    beside = Path(sys.executable).with_name("uv.exe" if os.name == "nt" else "uv")
    return str(beside) if beside.is_file() else shutil.which("uv")


def pip(python: str) -> list[str]:
    """Return the command that runs pip for an interpreter; raises BuildError if there is no pip."""
    options = ["--disable-pip-version-check", "--no-input"]
    if importlib.util.find_spec("pip"):
        if python != sys.executable:
            options += ["--python", python]
        return [*module("pip"), *options]
    if tool := uv():
        return [tool, "tool", "run", "--quiet", "pip", *options, "--python", python]
    raise BuildError(
        "there is neither uv nor pip to get packages with",
        hint="install one of them: https://docs.astral.sh/uv or https://pip.pypa.io",
    )


def module(name: str) -> list[str]:
    """Return the command that runs a module of this Python, not one of the working directory."""
    return [sys.executable, "-P", "-m", name]


def run(
    command: Sequence[str],
    cause: str,
    *,
    hint: str,
    text: str = "",
    env: Mapping[str, str] | None = None,
) -> str:
    """Return what the command prints, given `text` to read.

    If it fails, raises BuildError of the cause and the hint, with what the tool has to say of it.
    """
    quiet = {"NO_COLOR": "1", "PYTHONWARNINGS": "ignore", "PYTHONUTF8": "1"}
    try:
        done = subprocess.run(
            command,
            input=text,
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="replace",
            env=os.environ | quiet | dict(env or {}),
        )
    except OSError as error:
        raise BuildError(f"{cause}: {command[0]}: {error.strerror}", hint=hint) from error
    if done.returncode:
        problems = _complaint(done.stderr) or _complaint(done.stdout)
        problems = problems or [f"{Path(command[0]).name} ended with status {done.returncode}"]
        raise BuildError(cause, problems=problems, hint=hint)
    return done.stdout


def _complaint(text: str) -> list[str]:
    """Return the lines of a tool's messages that tell people what is wrong."""
    lines = [line.rstrip() for line in _COLOR.sub("", text).splitlines()]
    lines = [line for line in lines if line.strip() and not _NOISE.match(line)]
    # Where pip marks its errors the rest, but for what is indented below them, is how it got there.
    marked: list[str] = []
    for line in lines:
        is_error = line.startswith("ERROR: ") and not _IDLE.search(line)
        if is_error or (marked and line.startswith("    ")):
            marked.append(line)
    return [_shortened(line) for line in (marked or lines)[-_LINES:]]


def _shortened(line: str) -> str:
    for prefix in _PREFIXES:
        line = line.removeprefix(prefix)
    if len(line) <= _WIDTH:
        return line
    return f"{line[: _WIDTH // 2]} ... {line[-_WIDTH // 2 :]}"  # causes stand at the end
