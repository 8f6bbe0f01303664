"""Kill a piece of work at any moment, and see after each time what it left."""

import os
import random
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

_PATIENCE = 20
"""How many times more often than it is killed work may be done before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """`prepare` makes everything new, `run` is what is killed, `check` raises AssertionError."""

    prepare: Callable[[], object]
    run: Callable[[], object]
    check: Callable[[], object]


@dataclass(slots=True)
class Tally:
    """How often work was killed, and how often it was done before."""

    killed: int = 0
    done: int = 0


def at_every_step(work: Work) -> Tally:
    """Kill at the first thing that the interpreter asks of the system, then at the second...

    Until it gets through. What it asks are its audit events (PEP 578): files opened, renamed,
    linked, removed. What lies between two of them is left to `at_random`.
    """
    tally = Tally()
    while not tally.done:
        _once(work, tally, lambda: _die_at(tally.killed + 1), None)
    return tally


def at_random(work: Work, times: int, seed: int) -> Tally:
    """Kill so many times, at random moments of as long as the work takes."""
    chance = random.Random(seed)  # noqa: S311  # repeatable, and nobody's secret
    tally = Tally()
    lasts = _once(work, Tally(), lambda: None, None)
    while tally.killed < times:
        _once(work, tally, lambda: None, chance.uniform(0, lasts))
        assert tally.done < _PATIENCE * times, "it is done before it can be killed"
    return tally


def _once(work: Work, tally: Tally, before: Callable[[], object], delay: float | None) -> float:
    """Do the work in a child, which is killed after the delay, if any; return the seconds."""
    work.prepare()
    started = time.monotonic()
    child = os.fork()
    if not child:
        status = 1
        try:
            before()
            work.run()
            status = 0
        finally:
            os._exit(status)
    if delay is not None:
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    lasted = time.monotonic() - started
    assert status in (0, -signal.SIGKILL), f"the work failed by itself: {status}"
    if status:
        tally.killed += 1
    else:
        tally.done += 1
    work.check()
    return lasted


def _die_at(number: int) -> None:
    left = number

    def hook(event: str, _: object) -> None:
        nonlocal left
        if event == "open" or event.startswith(("os.", "shutil.")):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
