"""Time whole processes: a program's start from every file or folder that it can be shipped as."""

import os
import socket
import subprocess
import sysconfig
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from time import perf_counter

from tools.bench.environment import Environment, remove
from tools.bench.frame import Entrant, Table, Wanted, in_turn, noting_failure
from tools.bench.programs import PACKERS, PROGRAMS, Launched, Packer, Program, launched
from tools.bench.results import BYTES, SECONDS, Result
from tools.devtools.process import DevError

_TIMEOUT = 120
_FIRST_RUNS = 3
_MEASURED = (
    ("start", SECONDS),
    ("first start", SECONDS),
    ("size", BYTES),
    ("left on disk", BYTES),
    ("making it", SECONDS),
)


def measure(environment: Environment, wanted: Wanted) -> list[Result]:
    """Start every program in every way, in turn."""
    packers = [one for one in PACKERS if one is PACKERS[0] or wanted.contestant(one.name)]
    # All anew: their making is timed, and PyInstaller leaves itself in the virtual environments
    remove(environment.home / "programs")
    return [
        result
        for program in PROGRAMS
        if wanted.case(program.name)
        for result in _compare(environment, program, packers, wanted.runs)
    ]


def _compare(
    environment: Environment, program: Program, packers: Sequence[Packer], runs: int
) -> list[Result]:
    entrants: list[Entrant] = []
    around: list[Result] = []
    for packer in packers:
        start, first, size, left, build = (
            Result(case=program.name, contestant=packer.name, what=what, unit=unit)
            for what, unit in _MEASURED
        )
        runner = None
        with noting_failure(start, first, size, left, build):
            started = perf_counter()
            made = launched(environment, packer, program)
            build.values = [perf_counter() - started]
            size.values = [size_of(made.artefact.resolve())]
            runner = Runner(environment, program, made, packer.name)
            for _ in range(_FIRST_RUNS):
                runner.forget()
                first.values.append(runner.run())
            left.values = [size_of(runner.home)]
        entrants.append(([start], partial(_seconds, runner)))
        around += first, size, left, build
    order = [what for what, _ in _MEASURED]
    found = [*in_turn(entrants, runs), *around]
    return sorted(found, key=lambda result: order.index(result.what))


def _seconds(runner: "Runner | None") -> list[float]:
    assert runner is not None  # else its failure was noted
    return [runner.run()]


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


TABLE = Table(
    name="launch",
    help="time whole programs, started from all that they can be shipped as (Linux)",
    about="""\
A process from its start to its end, or until a server answers its first request. The first start
has nothing left of earlier ones; what such a start leaves on disk is counted, and so are the bytes
that are shipped: of the virtual environment those are without the interpreter.""",
    runs=9,
    cases=tuple(program.name for program in PROGRAMS),
    contestants=tuple(packer.name for packer in PACKERS),
    measure=measure,
)
