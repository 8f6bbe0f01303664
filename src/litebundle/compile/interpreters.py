"""The interpreters of this machine: which one is asked for by a version, and what it says."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from litebundle.errors import BuildError

_SECONDS = 30


def find(version: str) -> str:
    """Return a CPython of the version ("3.12", "3.12.1"): the running one, else the first found.

    Raises BuildError if there is none.
    """
    wanted = version.split(".")
    running = [str(number) for number in sys.version_info[:3]]
    if running[: len(wanted)] == wanted:
        return sys.executable
    for python in _candidates(version):
        if _version(python)[: len(wanted)] == wanted:
            return python
    raise BuildError(
        f"there is no Python {version} on this machine to compile with",
        hint=f"install it so that python{'.'.join(wanted[:2])} is on the PATH",
    )


def ask(python: str, code: str) -> Any:
    """Return what the interpreter prints as JSON, running the code by itself; raises BuildError."""
    try:
        done = subprocess.run(
            [python, "-I", "-c", code], capture_output=True, check=True, timeout=_SECONDS
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
        f"cannot use {python}: {reason}", hint="name a working CPython, version 3.11 or newer"
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


def _version(python: str) -> list[str]:
    code = "import sys; print('[\"' + '\", \"'.join(map(str, sys.version_info[:3])) + '\"]')"
    try:
        version: list[str] = ask(python, code)
    except BuildError:  # a pyenv shim of a version that is not selected, for example
        return []
    return version
