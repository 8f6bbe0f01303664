"""What a started program leaves behind is left to the end of its process.

An interpreter that ends collects garbage twice, and what modules, classes and functions are made of
is garbage by then: to take it apart object by object is up to a third of a short program's time.
Nobody would notice that it is not done but what wants to be told: objects with a finalizer, files
among them, which write what they hold; and those of native modules, which may do the same when they
are freed. If there is one, all is taken apart as ever. Python promises neither
("Memory tied up in circular references between objects is not freed", Py_FinalizeEx).
"""

import _imp
import gc
import sys

from .collection import Deferred

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

# Top-level names of those whose objects hold memory, and nothing that would have to be written
_KNOWN = frozenset(
    (
        "charset_normalizer",
        "frozenlist",
        "markupsafe",
        "msgpack",
        "multidict",
        "orjson",
        "propcache",
        "pydantic_core",
        "regex",
        "rpds",
        "wrapt",
        "yaml",
        "yarl",
    )
)
_MYPYC = "__mypyc"  # how modules end that mypyc makes: what is in them was Python
_IN_MEMORY = ("BytesIO", "StringIO")
_DATABASES = ("_dbm", "_gdbm", "sqlite3")  # written to when they are freed, without a finalizer
_MANY = 4_000_000
"""Blocks of memory; a list of more objects than that would itself take memory that is not there."""
_OWN = __name__.partition(".")[0]


def leave_memory_at_exit() -> None:
    """Have it decided once the program and all that it registered at `atexit` are done."""
    import atexit

    atexit.register(_leave_memory)


def _leave_memory() -> None:
    try:
        if sys.getallocatedblocks() > _MANY or gc.get_debug():
            return
        if not (_has_observers() or _has_foreign() or _has_unfinished()):
            gc.freeze()  # the collections to come find nothing
    except Exception:  # noqa: BLE001, S110  # a metaclass of the program's: as ever
        pass


def _has_observers() -> bool:
    return not all(isinstance(callback, Deferred) for callback in gc.callbacks)


def _has_foreign() -> bool:
    """Tell whether a native module was imported of which nothing is known."""
    natives = dict(_natives())
    known = set()
    for name, attributes in natives.items():
        if name.endswith(_MYPYC):
            known.add(name)
            # Its functions that make those modules, each of which has a file that calls it
            known.update(
                key[5:].replace("___", ".") for key in attributes if key.startswith("init_")
            )
    return any(name.partition(".")[0] not in _KNOWN for name in natives if name not in known)


def _natives() -> "Iterator[tuple[str, dict[str, object]]]":
    """Yield the native modules that are not the standard library's: names and attributes."""
    suffixes = tuple(_imp.extension_suffixes())
    for module in list(sys.modules.values()):
        if isinstance(module, type(sys)):
            # Not by getattr, which would have lazy modules imported
            attributes = object.__getattribute__(module, "__dict__")
            file = attributes.get("__file__")
            if isinstance(file, str) and file.endswith(suffixes):
                name = attributes["__name__"]
                if name.partition(".")[0] not in sys.stdlib_module_names:
                    yield name, attributes


def _has_unfinished() -> bool:
    """Tell whether there are objects that would do something before they go."""
    objects = gc.get_objects()
    kinds = set(filter(_finishes, set(map(type, objects))))
    streams = _streams()
    return any(
        id(one) not in streams and not _is_closed(one) for one in objects if type(one) in kinds
    )


def _finishes(kind: type) -> bool:
    module = str(kind.__module__)  # a metaclass may say something else
    if (module == "_io" and kind.__name__ in _IN_MEMORY) or module.partition(".")[0] == _OWN:
        return False
    return module in _DATABASES or any("__del__" in vars(base) for base in kind.__mro__)


def _is_closed(one: "Any") -> bool:
    return type(one).__module__ == "_io" and one.closed


def _streams() -> set[int]:
    """Return what is known by its `id`: standard streams, which the interpreter flushes itself."""
    found = set()
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        for one in (
            stream,
            buffer := getattr(stream, "buffer", None),
            getattr(buffer, "raw", None),
        ):
            if type(one).__module__ == "_io":  # not what the program has put there
                found.add(id(one))
    return found
