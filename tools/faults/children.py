"""Work in forked children, side by side, and their answers."""

import json
import os
import signal
import traceback
from collections.abc import Callable, Sequence
from typing import Any


def in_children(works: Sequence[Callable[[], Any]], *, patience: int = 120) -> list[Any]:
    """Do each work in a child of its own, at once; return what they return, in that order.

    The answers have to be JSON. Raises AssertionError with what a child told if one failed, or
    was not done after so many seconds: it waits for something that never comes.
    """
    started = [_started(work, patience) for work in works]
    answers, failures = [], []
    for child, reading in started:
        with os.fdopen(reading, "rb") as stream:
            answer = stream.read()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status or not answer:
            failures.append(f"a child ended with {status}: {answer.decode()}")
        else:
            answers.append(json.loads(answer))
    if failures:
        raise AssertionError("\n".join(failures))
    return answers


def _started(work: Callable[[], Any], patience: int) -> tuple[int, int]:
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    status = 1
    try:  # whatever happens, this copy of the process ends here
        signal.alarm(patience)
        try:
            answer = json.dumps(work())
            status = 0
        except BaseException:  # noqa: BLE001  # the parent hears of it
            answer = traceback.format_exc()
        with os.fdopen(writing, "wb") as stream:
            stream.write(answer.encode())
    finally:
        os._exit(status)
