"""Time whole processes: a program's start from every file or folder that it can be shipped as."""

import os
import socket
import subprocess
import sysconfig
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter

from tools.bench.environment import Environment, remove
from tools.bench.programs import Launched, Packer, Program, launched
from tools.bench.results import Report, noting_failure
from tools.bench.table import milliseconds, render
from tools.devtools.process import DevError

_TIMEOUT = 120
_FIRST_RUNS = 3


@dataclass(kw_only=True, slots=True)
class Start:
    """What one contestant took for one program: seconds a run, bytes, and seconds to make it.

    `first` are runs with nothing left from earlier ones, `left` what such a run leaves.
    """

    program: str
    contestant: str
    seconds: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    size: int = 0
    left: int = 0
    build_seconds: float = 0.0
    failure: str | None = None


def measure(
    environment: Environment, programs: Sequence[Program], packers: Sequence[Packer], runs: int
) -> Report:
    """Start every program in every way, in turn, `runs` times."""
    starts = []
    for program in programs:
        found = [
            (packer, Start(program=program.name, contestant=packer.name)) for packer in packers
        ]
        ready = [
            (Runner(environment, program, made, packer.name), start)
            for packer, start in found
            if (made := _made(environment, packer, program, start)) is not None
        ]
        for runner, start in ready:
            with noting_failure(start):
                for _ in range(_FIRST_RUNS):
                    runner.forget()
                    start.first.append(runner.run())
                start.left = size_of(runner.home)
        for _ in range(runs):
            for runner, start in ready:
                if start.failure is None:
                    with noting_failure(start):
                        start.seconds.append(runner.run())
        starts += [start for _, start in found]
    return _report(starts)


def _made(
    environment: Environment, packer: Packer, program: Program, start: Start
) -> Launched | None:
    made = None
    with noting_failure(start):
        started = perf_counter()
        made = launched(environment, packer, program)
        start.build_seconds = perf_counter() - started
        start.size = size_of(made.artefact.resolve())
    return made


class Runner:
    """Starts one program in one way, with a home directory of its own."""

    def __init__(
        self, environment: Environment, program: Program, made: Launched, name: str
    ) -> None:
        self.home = environment.scratch / f"home of {program.name} as {name}"
        self._program = program
        self._command = made.command
        path = environment.scratch / "path"
        path.mkdir(parents=True, exist_ok=True)
        for python in ("python3", f"python{sysconfig.get_python_version()}"):
            if not (path / python).is_symlink():
                (path / python).symlink_to(os.path.realpath(environment.python))
        self._environ = {
            "PATH": f"{path}:{os.defpath}",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            **program.variables,
        }

    def forget(self) -> None:
        """Remove what earlier runs have left."""
        remove(self.home)
        self.home.mkdir(parents=True)

    def run(self) -> float:
        """Return how long it took, in seconds; raise DevError if it failed."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        arguments = [word.replace("@PORT@", str(port)) for word in self._program.arguments]
        started = perf_counter()
        process = subprocess.Popen(
            [*self._command, *arguments],
            env=self._environ,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            if self._program.serves:
                _await_answer(process, port)
                return perf_counter() - started
            _, errors = process.communicate(timeout=_TIMEOUT)
            taken = perf_counter() - started
        except subprocess.TimeoutExpired:
            raise DevError(f"not done after {_TIMEOUT} s", "look for a deadlock") from None
        finally:
            process.terminate()
            process.communicate()
        if process.returncode:
            lines = errors.decode(errors="replace").splitlines() or [f"exit {process.returncode}"]
            raise DevError(lines[-1], "run it by hand")
        return taken


def _await_answer(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Return when a server has answered a request."""
    limit = perf_counter() + _TIMEOUT
    while perf_counter() < limit and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT) as connection:
                connection.sendall(b"GET /books/1 HTTP/1.0\r\n\r\n")
                if connection.recv(16).startswith(b"HTTP/1."):
                    return
        except ConnectionRefusedError:
            os.sched_yield()
    raise DevError("the server does not answer", "run it by hand")


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files below a directory."""
    if path.is_file():
        return path.stat().st_size
    return sum(each.lstat().st_size for each in path.rglob("*") if not each.is_dir())


def _report(starts: Sequence[Start]) -> Report:
    """Compare each start with the first one of its program: ratios, then what they are of."""
    header = ["program", "contestant", f"x {starts[0].contestant}, min", "x median", "x first"]
    header += ["ms, min", "median", "first", "MB", "MB left", "build s"]
    if failed := any(start.failure for start in starts):
        header.append("failures")
    bases = {start.program: start for start in reversed(starts)}
    rows = [_row(start, bases[start.program])[: len(header)] for start in starts]
    return Report(
        table=render(header, rows), figures=[asdict(start) for start in starts], failed=failed
    )


def _row(start: Start, base: Start) -> list[str]:
    row = [start.program, start.contestant]
    if start.failure:
        return [*row, *"-" * 9, f"failed: {start.failure}"]
    if base.failure:
        row += ["-", "-", "-"]
    else:
        row += [f"{pick(start.seconds) / pick(base.seconds):.2f}" for pick in (min, median)]
        row.append(f"{min(start.first) / min(base.seconds):.2f}")
    row += [milliseconds(each) for each in (min(start.seconds), median(start.seconds))]
    row += [milliseconds(min(start.first)), *(f"{n / 1e6:.1f}" for n in (start.size, start.left))]
    return [*row, f"{start.build_seconds:.1f}", ""]
