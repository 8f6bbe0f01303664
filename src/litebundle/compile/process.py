"""One worker process, seen from the builder: start it, ask it, end it."""

import contextlib
import marshal
import os
import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, cast

from litebundle.compile import worker
from litebundle.compile.target import Target
from litebundle.errors import BuildError

try:
    import fcntl
except ImportError:  # Windows
    _WIDEN = 0
else:
    _WIDEN = getattr(fcntl, "F_SETPIPE_SZ", 0)  # of Linux

Source = tuple[str, bytes]
"""A file's path in the bundle, and its content."""

Answer = tuple[tuple[bytes, ...], str | None]
"""A file's code at every level and no error, or no code and an error."""

_SCRIPT = Path(worker.__file__).absolute()
# Not -I, nor -E: they ignore PYTHONHASHSEED. The other variables are left out by hand.
_FLAGS = ("-s", "-S", "-P", "-W", "ignore")
_GREETING_SECONDS = 60.0
_GREETING_SIZE = 1 << 16
_PIPE = 1 << 18
"""Bytes that wait in a pipe: most batches and their answers as a whole, so that nobody is woken to
make room; Linux gives 64 KiB unasked."""


class WorkerDiedError(Exception):
    """The process ended, or was ended, before it answered; `str()` tells how."""


class Worker:
    """A process that compiles. One thread uses it; `kill` may come from another."""

    __slots__ = ("_process", "_python")

    def __init__(self, python: str | os.PathLike[str]) -> None:
        self._python = os.fspath(python)
        try:
            self._process = subprocess.Popen(
                [self._python, *_FLAGS, str(_SCRIPT), str(_SCRIPT.parents[2])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=_environment(),
                # A terminal's Ctrl-C is for the builder, which ends its workers itself.
                process_group=0 if os.name == "posix" else -1,
            )
        except OSError as error:
            raise self._unusable(error.strerror or str(error)) from error
        if _WIDEN:
            with contextlib.suppress(OSError):  # a user's pipes have a limit all together
                for stream in (self._process.stdin, self._process.stdout):
                    fcntl.fcntl(_open(stream), _WIDEN, _PIPE)

    def greet(self, optimize: tuple[int, ...]) -> Target:
        """Return what the worker compiles for; raises BuildError if it is no usable Python."""
        watchdog = threading.Timer(_GREETING_SECONDS, self.kill)
        watchdog.start()
        try:
            answer = self._exchange(None, _GREETING_SIZE)
        except WorkerDiedError as died:
            raise self._unusable(self._complaint() or str(died)) from None
        except (ValueError, EOFError, TypeError):  # no marshal
            raise self._unusable("it does not behave like Python") from None
        finally:
            watchdog.cancel()
        if target := Target.of(answer, optimize):
            return target
        raise self._unusable(f"it identified itself as {answer!r}")

    def compile(self, levels: tuple[int, ...], batch: Sequence[Source]) -> list[Answer]:
        """Return the answers in the order of the batch; raises WorkerDiedError, BuildError."""
        answers = self._exchange((levels, list(batch)))
        if isinstance(answers, str):
            raise BuildError(
                f"the compiler's own code failed: {answers}",
                hint="this is a fault of litebundle: please report it with that file",
            )
        return cast("list[Answer]", answers)

    def kill(self) -> None:
        """End the process at once; a thread that waits for its answer gets WorkerDiedError."""
        if self._process.poll() is not None:
            return
        if os.name == "posix":
            # The whole group: `python` may be a script that runs the real one.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        else:
            self._process.kill()

    def close(self) -> None:
        """End the process and leave neither it nor its pipes behind."""
        self.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            with contextlib.suppress(BrokenPipeError):  # what stdin still buffered
                _open(stream).close()

    def _exchange(self, request: Any, limit: int | None = None) -> Any:
        requests, answers = _open(self._process.stdin), _open(self._process.stdout)
        data = marshal.dumps(request, worker.MARSHAL_VERSION)
        try:
            requests.write(len(data).to_bytes(8, "little") + data)
            requests.flush()
        except BrokenPipeError:
            raise self._died() from None
        size = int.from_bytes(answers.read(8), "little")
        if not size or (limit is not None and size > limit):
            raise self._died()
        data = answers.read(size)
        if len(data) < size:
            raise self._died()
        return marshal.loads(data)

    def _died(self) -> WorkerDiedError:
        try:
            status = self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self.kill()
            status = self._process.wait()
        if status >= 0:
            return WorkerDiedError(f"exit status {status}")
        return WorkerDiedError(f"killed by signal {-status} ({signal.strsignal(-status)})")

    def _complaint(self) -> str:
        """Return the line of the dead process's messages that tells most."""
        lines = _open(self._process.stderr).read().decode(errors="replace").strip().splitlines()
        errors = [line for line in lines if "error" in line.lower()]
        return (errors[-1:] or lines[:1] or [""])[0]

    def _unusable(self, reason: str) -> BuildError:
        return BuildError(
            f"cannot compile with {self._python}: {reason}",
            hint="name a working CPython, version 3.11 or newer",
        )


def _environment() -> dict[str, str]:
    """Return ours without what changes how Python compiles, and with one order of hashing."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return kept | {"PYTHONHASHSEED": "0"}


def _open(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:  # Popen's type has it for streams that are not pipes
        raise TypeError
    return stream
