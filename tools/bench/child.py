"""Import one workload in a fresh process; print what it took and the modules that came.

Run as: python -P -s -S child.py ACCESS ENTRY SITE LIBRARY STATEMENT
Until the clock has stopped it imports only what every Python has builtin or frozen.
"""

import gc
import marshal
import sys
from _frozen_importlib import ModuleSpec
from time import perf_counter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    Opening = Callable[[], None]

FLOOR = "<floor>"
# Who has something to import and install before the first import; the others are there already.
INSTALLED = ("sqliteimport", "litebundle")


class Floor:
    """Find and load modules from one dict of code bytes, doing nothing else."""

    __slots__ = ("modules",)

    def __init__(self, modules: "dict[str, tuple[bool, bytes]]") -> None:
        self.modules = modules

    def __call__(self, entry: str) -> "Floor":
        """Serve as path hook: the one finder for the one path entry."""
        if entry != FLOOR:
            raise ImportError(entry)
        return self

    def find_spec(self, name: str, target: object = None) -> "ModuleSpec | None":  # noqa: ARG002
        """Return the spec of a module that the dict has."""
        found = self.modules.get(name)
        if found is None:
            return None
        origin = f"{FLOOR}/{name}"
        # A loader by its methods: importlib.abc, for the base class, brings sixty modules along.
        spec = ModuleSpec(name, self, origin=origin, is_package=found[0])  # type: ignore[arg-type]
        spec.has_location = True
        if found[0]:
            spec.submodule_search_locations = [FLOOR]
        return spec

    def create_module(self, spec: "ModuleSpec") -> None:
        """Leave the creation to the import system."""

    def exec_module(self, module: "ModuleType") -> None:
        """Unmarshal and execute the module's code."""
        exec(marshal.loads(self.modules[module.__name__][1]), module.__dict__)


def _floor(entry: str) -> "Opening":
    with open(entry, "rb") as file:  # noqa: PTH123 - pathlib is not to be imported here
        sys.path_hooks.insert(0, Floor(marshal.load(file)))
    return lambda: sys.path.insert(0, FLOOR)


def _path(entry: str) -> "Opening":
    return lambda: sys.path.insert(0, entry)


def _sqliteimport(entry: str) -> "Opening":
    sqliteimport = __import__("sqliteimport")
    return lambda: sqliteimport.load(entry)


def _litebundle(entry: str) -> "Opening":
    __import__("litebundle").install()
    if entry.endswith(".zstd") and sys.version_info < (3, 14):
        __import__("backports.zstd")  # beside the program, as any requirement of it
    return lambda: sys.path.insert(0, entry)


# Each readies the process, and returns what then opens the entry: that belongs to the import.
SETUPS = {
    "floor": _floor,
    "path": _path,
    "sqliteimport": _sqliteimport,
    "litebundle": _litebundle,
}


def main() -> None:
    """Set the contestant up, have the library's modules at hand, and time the statement."""
    access, entry, site, library, statement = sys.argv[1:]
    sys.path.insert(0, site)
    before = len(sys.modules)
    started = perf_counter()
    enter = SETUPS[access](entry)
    setup = [perf_counter() - started, len(sys.modules) - before] if access in INSTALLED else []
    sys.path.remove(site)
    # All have them: else what a contestant's setup needs of the library would be a gift to it.
    for name in library.split():
        __import__(name)
    code = compile(statement, "<workload>", "exec")
    known = set(sys.modules)
    gc.collect()
    started = perf_counter()
    enter()
    exec(code, {"__name__": "__workload__"})
    seconds = perf_counter() - started
    # Not as JSON: importing that would search the entry too, and its system calls be counted.
    names = [name for name in sys.modules if name not in known]
    print(repr((seconds, setup, names, _resident())))


def _resident() -> int:
    """Return the resident memory in bytes, 0 where the system does not tell."""
    try:
        with open("/proc/self/status") as status:  # noqa: PTH123 - as above
            lines = [line.split() for line in status]
    except OSError:
        return 0
    return next(1024 * int(words[1]) for words in lines if words[0] == "VmRSS:")


if __name__ == "__main__":
    main()
