"""The shim between a program and the C library: build it, preload it, and arm it from within."""

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("shim.c")

ONCE, LATER, HANDLE = range(3)
"""What fails: the one call, all calls from it on, or all on the descriptor that it was made on."""

SHORT = 0
"""In the place of an error's number: the call moves half of the bytes."""


class ShimError(Exception):
    """There is no shim, and why."""


def build(directory: Path) -> Path:
    """Compile the shim with the system's compiler and return the library; raises ShimError."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise ShimError("there is no C compiler here")
    library = directory / "shim.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ShimError(f"the shim does not compile here: {done.stderr.strip()[:500]}")
    return library


class Shim:
    """The shim in this process, into which it was preloaded as LD_PRELOAD said."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(os.environ["LD_PRELOAD"])
        self._library.fault_last.restype = ctypes.c_char_p

    def arm(self, calls: str, path: str, at: int, error: int, mode: int) -> None:
        """Let the `at`-th of the calls ("read,open") about files whose path has `path` fail.

        `error` is the number of the error, or SHORT.
        """
        self._library.fault_arm(f",{calls},".encode(), os.fsencode(path), at, error, mode)

    def disarm(self) -> None:
        """Let nothing fail any more, descriptors that were stale included."""
        self._library.fault_disarm()

    @property
    def hits(self) -> int:
        """How many calls have failed."""
        return int(self._library.fault_hits())

    @property
    def last(self) -> str:
        """Which call failed last."""
        return str(self._library.fault_last().decode())
