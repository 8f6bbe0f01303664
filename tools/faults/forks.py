"""Forks of a process that imports from a bundle: alone, and while its threads import and read."""

import importlib
import os
import signal
import sys
import threading
import warnings
from collections import Counter
from pathlib import Path

import litebundle
from litebundle.builder import Options, build
from tools.faults.children import in_children

_MODULES = 20
_THREADS = 4
ALARM = 1.5
"""Seconds that a child has; one that waits for a lock nobody holds never ends by itself."""


def made(directory: Path, container: str, forks: int) -> Path:
    """Build a bundle with a module for each fork, and some that threads import again and again."""
    source, output = directory / "source", directory / "app.bundle"
    for package, count in (("lone", forks), ("busy", _MODULES)):
        (source / package).mkdir(parents=True)
        (source / package / "__init__.py").touch()
        for number in range(count):
            (source / package / f"m{number}.py").write_text(f"VALUE = {number}\n" * 50)
    build([source], output, Options(container=container, jobs=2))  # type: ignore[arg-type]
    return output


def storm(bundle: Path, forks: int, *, threads: bool) -> Counter[int]:
    """Fork as often as said; return the children's exit statuses, 0 for an import that worked."""
    [answer] = in_children([lambda: _parent(bundle, forks, threads=threads)])
    return Counter({int(status): count for status, count in answer.items()})


def _parent(bundle: Path, forks: int, *, threads: bool) -> dict[int, int]:
    signal.alarm(0)
    warnings.simplefilter("ignore", DeprecationWarning)  # that threads and fork do not go together
    litebundle.install()
    sys.path.insert(0, str(bundle))
    importlib.import_module("busy.m0")
    importlib.import_module("lone")
    over = threading.Event()
    workers = [threading.Thread(target=_busy, args=(n, over)) for n in range(_THREADS * threads)]
    sys.setswitchinterval(1e-4)
    for worker in workers:
        worker.start()
    statuses = Counter(_child(number) for number in range(forks))
    over.set()
    for worker in workers:
        worker.join()
    return dict(statuses)


def _busy(number: int, over: threading.Event) -> None:
    name = f"busy.m{number}"
    while not over.is_set():
        sys.modules.pop(name, None)
        loader = importlib.import_module(name).__loader__
        loader.get_source(name)  # type: ignore[union-attr]


def _child(number: int) -> int:
    child = os.fork()
    if not child:
        try:
            signal.setitimer(signal.ITIMER_REAL, ALARM)
            module = importlib.import_module(f"lone.m{number}")
            source = module.__loader__.get_source(module.__name__)  # type: ignore[union-attr]
            os._exit(0 if (module.VALUE, len(source) > 50) == (number, True) else 3)
        finally:
            os._exit(4)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
