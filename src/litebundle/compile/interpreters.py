"""The interpreters of this machine: which one is asked for by a version, and what it says."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from litebundle.collect import tools
from litebundle.errors import BuildError

_SECONDS = 30
_OLDEST = [3, 11]
_SAID = 200  # characters of what a program says that turns out to be no Python


def find(wanted: str) -> str:
    """Return a CPython by its path or version ("3.12", "3.12.1"): the running one, else the first.

    Raises BuildError if there is none.
    """
    if not wanted[:1].isdecimal():
        path = shutil.which(wanted)
        if path is None:
            raise BuildError(
                f"{wanted} is no program", hint="name a CPython by its path, or by its version"
            )
        return str(Path(path).absolute())
    version = wanted.split(".")
    if [*map(int, version[:2])] < _OLDEST[: len(version)]:
        raise BuildError(
            f"Python {wanted} is too old to import from bundles", hint="they are for 3.11 and newer"
        )
    running = [str(number) for number in sys.version_info[:3]]
    if running[: len(version)] == version:
        return sys.executable
    for python in _candidates(wanted):
        if _version(python)[: len(version)] == version:
            return python
    raise BuildError(
        f"there is no Python {wanted} on this machine to compile with",
        hint=f"install it so that python{'.'.join(version[:2])} is on the PATH, or name its path",
    )


def ask(python: str, code: str) -> Any:
    """Return what the interpreter prints as JSON, running the code by itself; raises BuildError."""
    try:
        done = subprocess.run(
            [python, "-I", "-S", "-c", code], capture_output=True, check=True, timeout=_SECONDS
        )
        return json.loads(done.stdout)
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").strip().splitlines()
        reason = lines[-1] if lines else f"exit status {error.returncode}"
    except subprocess.TimeoutExpired:
        reason = f"it does not answer within {_SECONDS} s"
    except (OSError, ValueError) as error:
        reason = str(error)
    raise BuildError(
        f"cannot use {python}: {reason[:_SAID]}",
        hint="name a working CPython, version 3.11 or newer",
    )


def _candidates(version: str) -> Iterator[str]:
    minor = ".".join(version.split(".")[:2])
    if found := shutil.which(f"python{minor}"):
        yield found
    # Where pyenv and uv keep theirs; their commands would need a start-up of their own.
    roots = (
        Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions",
        Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or Path.home() / ".local/share/uv/python"),
    )
    for root in roots:
        for python in sorted(root.glob(f"*{minor}*/bin/python{minor}"), reverse=True):
            yield str(python)
    # Those that ask the registry, or a configuration, come last: they cost a start-up.
    code = "import sys; print(sys.executable)"
    if launcher := shutil.which("py"):
        yield from _printed([launcher, f"-{minor}", "-I", "-c", code])
    if uv := tools.uv():
        yield from _printed([uv, "python", "find", "--system", "--no-python-downloads", version])


def _printed(command: list[str]) -> Iterator[str]:
    """Yield the line that a command prints, nothing if it fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, check=True, timeout=_SECONDS, encoding="utf-8"
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return
    yield from done.stdout.splitlines()[:1]


def _version(python: str) -> list[str]:
    code = "import sys; print('[\"' + '\", \"'.join(map(str, sys.version_info[:3])) + '\"]')"
    try:
        version: list[str] = ask(python, code)
    except BuildError:  # a pyenv shim of a version that is not selected, for example
        return []
    return version
