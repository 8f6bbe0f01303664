"""Kill what writes, and see that the old or the new stands there whole: what is killed, and when.

At random moments of as long as it takes, or at each step: each thing that the interpreter asks of
the system by its audit events (PEP 578), as files opened to write, renamed, linked and removed.
What lies between two of them, and what extension modules write, is left to the random moments.
"""

import importlib
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from litebundle.cli.main import main

OLD, NEW = "old", "new"

_INTERRUPTS = {signal.SIGINT, signal.SIGTERM}
_PATIENCE = 20
"""How many times more often than it is killed a command may be done before."""
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Something that replaces or makes what stands in a directory, by one command.

    `prepare` puts the old state there; `arguments` are the command's; `state` is a digest of what
    a user of the directory gets, whatever was left aside; `aside` the pattern of such leftovers;
    `check` raises AssertionError if anything else is wrong after a kill.
    """

    name: str
    prepare: Callable[[], object]
    arguments: tuple[str, ...]
    state: Callable[[], str]
    directory: Path
    aside: str
    check: Callable[[], object] = lambda: None


@dataclass(slots=True, kw_only=True)
class Tally:
    """What came of a subject's runs: `states` afterwards, exit `statuses`, how often aside."""

    name: str
    states: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    aside: int = 0

    @property
    def runs(self) -> int:
        """How often the command was started; it may have been done before it could be killed."""
        return self.statuses.total()

    @property
    def kills(self) -> int:
        """How often it was not done."""
        return self.runs - self.statuses[0]

    @property
    def intact(self) -> int:
        """How many runs left the old or the new; all have to."""
        return self.states[OLD] + self.states[NEW]


def killed(subject: Subject, kills: int, *, number: int = signal.SIGKILL, seed: int = 7) -> Tally:
    """Start the command, and end it by the signal at a random moment, until so many were ended.

    Raises AssertionError if the next run does not bring the new, or leaves something aside.
    """
    choice = random.Random(seed)  # noqa: S311  # moments, no secrets
    trial = _Trial(subject)
    while trial.tally.kills < kills:
        assert trial.tally.runs < _PATIENCE * kills, f"{subject.name} is done before it is killed"
        child = trial.start()
        time.sleep(choice.random() * trial.seconds)
        os.kill(child, number)
        trial.end(child)
    return trial.done()


def killed_at_steps(subject: Subject) -> Tally:
    """Start the command, and kill it at its first step, at its second..., until it gets through.

    Raises AssertionError as `killed`.
    """
    trial = _Trial(subject)
    while not trial.tally.statuses[0]:
        trial.end(trial.start(step=trial.tally.runs + 1))
    return trial.done()


class _Trial:
    """A subject, and what came of it so far; `seconds` is how long the command takes."""

    def __init__(self, subject: Subject) -> None:
        self.tally = Tally(name=subject.name)
        self._subject = subject
        importlib.import_module(f"litebundle.cli.{subject.arguments[0]}")  # not in each child
        subject.prepare()
        self._old = subject.state()
        for _ in range(2):  # the first time takes longer
            began = time.monotonic()
            assert not _wait(self.start()), f"{subject.name} fails without a kill"
            self.seconds = time.monotonic() - began
        self._new = subject.state()
        assert self._old != self._new, "the command does nothing"

    def start(self, step: int | None = None) -> int:
        """Prepare, and start a child; it kills itself at a step, if any."""
        self._subject.prepare()
        return _start(self._subject.arguments, step)

    def end(self, child: int) -> None:
        """Wait for a child, and look at what it left."""
        self.tally.statuses[_wait(child)] += 1
        found = self._subject.state()
        self.tally.states[{self._old: OLD, self._new: NEW}.get(found, found)] += 1
        self.tally.aside += bool(self._aside())
        self._subject.check()

    def done(self) -> Tally:
        """Return the tally, having seen that the command goes on and tidies up."""
        name = self._subject.name
        _wait(self.start())
        assert self._subject.state() == self._new, f"{name} does not go on after its kills"
        assert not self._aside(), f"{name} left {self._aside()}"
        return self.tally

    def _aside(self) -> list[str]:
        return [path.name for path in self._subject.directory.glob(self._subject.aside)]


def _start(arguments: tuple[str, ...], step: int | None) -> int:
    """Run the command in a forked child: in an interpreter of its own most kills came too early."""
    # An interrupt in the middle of the fork would be swallowed by whoever prepares the child
    signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTS)
    child = os.fork()
    if child:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPTS)
        return child
    status = 1
    try:
        null = os.open(os.devnull, os.O_RDWR)
        for number in (1, 2):
            os.dup2(null, number)
        sys.argv = ["bundle", *arguments]
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPTS)
            if step is not None:
                _die_at(step)
            main()
        finally:
            signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTS)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0
    except KeyboardInterrupt:  # before the command was at work, or after
        status = 130
    finally:
        os._exit(status)


def _wait(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _die_at(step: int) -> None:
    left = step

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        opened = event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING
        if opened or event.startswith(("os.", "shutil.", "fcntl.")):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
