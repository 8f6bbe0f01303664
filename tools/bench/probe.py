"""Take what one entry of `sys.path` costs apart, in a fresh process; print seconds by the step.

Run as: python -P -s -S probe.py ACCESS ENTRY SITE NAME ..., names of modules that the entry has.
Each figure but those of installing and opening is a mean over thousands, the least of some rounds.
"""

import gc
import marshal
import sys
from _frozen_importlib import module_from_spec
from _frozen_importlib_external import PathFinder, path_sep
from time import perf_counter

# The root, so that tools.bench.child has the one name mypy knows it by.
sys.path.append(__file__.rpartition(f"{path_sep}tools{path_sep}")[0])

from tools.bench.child import FLOOR, INSTALLED, SETUPS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

_ROUNDS = 5


def main() -> None:
    """Set the contestant up, and time it step by step."""
    access, entry, site, *names = sys.argv[1:]
    sys.path[:] = [site, *(path for path in sys.path if path.startswith(sys.base_prefix))]
    found: dict[str, float] = {}
    before = len(sys.modules)
    started = perf_counter()
    SETUPS[access](entry)
    if access in INSTALLED:
        found["install"] = perf_counter() - started
        found["install, modules"] = len(sys.modules) - before
    sys.path.remove(site)
    entry = FLOOR if access == "floor" else entry
    started = perf_counter()
    PathFinder.find_spec("absent", [entry])
    found["open"] = perf_counter() - started
    found["absent"] = _absent(entry)
    print(repr(found | _present(entry, names)))


def _absent(entry: str) -> float:
    """Return what an entry of the path costs an import that finds nothing there."""
    names = [f"absent{number}" for number in range(20_000)]

    def look(path: "list[str]") -> "Callable[[], None]":
        def work() -> None:
            for name in names:
                PathFinder.find_spec(name, path)

        return work

    with_it, without = _least(look([entry]), look([]))
    return (with_it - without) / len(names)


def _present(entry: str, names: "Sequence[str]") -> "dict[str, float]":
    """Return what the steps of importing a module cost."""
    finder: Any = sys.path_importer_cache[entry]
    found: dict[str, float] = {}
    [found["spec"]] = _least(lambda: [finder.find_spec(name) for name in names])
    specs = [finder.find_spec(name) for name in names]
    if hasattr(specs[0].loader, "get_code"):
        [found["code"]] = _least(lambda: [spec.loader.get_code(spec.name) for spec in specs])
        dumped = [marshal.dumps(spec.loader.get_code(spec.name)) for spec in specs]
    else:  # the floor
        dumped = [finder.modules[name][1] for name in names]
    [found["unmarshal"]] = _least(lambda: [marshal.loads(data) for data in dumped])
    pairs = [
        (marshal.loads(data), module_from_spec(spec).__dict__)
        for data, spec in zip(dumped, specs, strict=True)
    ]

    def execute() -> None:
        for code, namespace in pairs:
            exec(code, namespace)

    [found["execute"]] = _least(execute)
    found["import"] = _imported(entry, names)
    return {step: seconds / len(names) for step, seconds in found.items()}


def _imported(entry: str, names: "Sequence[str]") -> float:
    sys.path.insert(0, entry)
    gc.collect()
    started = perf_counter()
    for name in names:
        __import__(name)
    return perf_counter() - started


def _least(*works: "Callable[[], object]") -> "list[float]":
    """Return the least time of each, in turn."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(_ROUNDS):
        for work, its in zip(works, times, strict=True):
            gc.collect()
            started = perf_counter()
            work()
            its.append(perf_counter() - started)
    return [min(its) for its in times]


if __name__ == "__main__":
    main()
