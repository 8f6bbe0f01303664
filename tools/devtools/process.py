"""Run a command: quietly with its output kept for the error, or in sight with its lines kept."""

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".dev"

# Another environment's settings must not reach into ours.
_FOREIGN = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
_OURS = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_USER": "0"}

Command = Sequence[str | Path]


class DevError(Exception):
    """A step that could not be done, and what the reader can do about it."""

    def __init__(self, cause: str, hint: str, output: str = "") -> None:
        super().__init__(cause)
        self.hint = hint
        self.output = output

    def tell(self) -> int:
        """Print it, and return the exit code for it."""
        if self.output:
            print(self.output.rstrip(), file=sys.stderr)
        print(f"error: {self}\nhint: {self.hint}", file=sys.stderr)
        return 1


def environ() -> dict[str, str]:
    """Return this process's environment without the settings of other Pythons."""
    return {name: value for name, value in os.environ.items() if name not in _FOREIGN} | _OURS


def shown(command: Command) -> str:
    """Write a command as one would type it at the repository's root."""
    return shlex.join(str(part).removeprefix(f"{ROOT}{os.sep}") for part in command)


def quietly(command: Command, hint: str) -> str:
    """Run a command and return its output; raise DevError with all of it if the command failed."""
    try:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=ROOT,
            env=environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise DevError(f"cannot run {shown(command)}: {error}", hint) from error
    if done.returncode:
        raise DevError(f"exit {done.returncode} from: {shown(command)}", hint, done.stdout)
    return done.stdout


def in_sight(command: Command, **settings: str) -> tuple[int, list[str]]:
    """Show and run a command, its output passed on by line; return its exit code and the lines.

    `settings` are environment variables for it.
    """
    given = "".join(f"{name}={shown([value])} " for name, value in settings.items())
    print(f"$ {given}{shown(command)}", flush=True)
    lines: list[str] = []
    with subprocess.Popen(
        [str(part) for part in command],
        cwd=ROOT,
        env=environ() | settings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            lines.append(line.rstrip("\n"))
    return process.returncode, lines
