"""The standard library as the runtime finds it: its directories, and modules for its own work."""

import sys
from _frozen_importlib import BuiltinImporter, module_from_spec
from _frozen_importlib_external import PathFinder, path_sep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


_sha256: "Any" = None  # loaded when it is first needed


def sha256() -> "Callable[..., Any]":
    """Return SHA-256 as CPython has it in a small module of its own.

    Not hashlib's: that is OpenSSL's, which takes 2 ms to load, and corrupts the memory of a process
    in which an interpreter with a lock of its own ends (3.12).
    """
    global _sha256  # noqa: PLW0603  # by threads at once, which does no harm
    if _sha256 is None:
        _sha256 = standard_module("_sha256", "_sha2").sha256
    return _sha256  # type: ignore[no-any-return]


def is_standard(path: str) -> bool:
    """Tell whether a path entry is of the standard library: the zip, the directory, its modules."""
    library = sys._stdlib_dir or ""  # type: ignore[attr-defined]  # noqa: SLF001  # what the interpreter found it in
    name = path.rpartition(path_sep)[2]
    major, minor = sys.version_info[:2]
    return (
        path == library
        or (name in ("lib-dynload", "DLLs") and path.startswith((sys.base_exec_prefix, library)))
        or (name == f"python{major}{minor}.zip" and path.startswith(sys.base_prefix))
    )


def standard_module(*names: str) -> "Any":
    """Return the first of the modules that the standard library has, whatever `sys.modules` has.

    Not by an import. The app may have a module of that name, which would be asked to unpack or to
    check itself; and a child forked meanwhile would wait for ever for the lock of a module.
    """
    entries: list[Any] = sys.path or []  # of any type, and no more when the process ends
    path = [entry for entry in entries if isinstance(entry, str) and is_standard(entry)]
    for name in names:
        spec = BuiltinImporter.find_spec(name) or PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            module = module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    return __import__(names[-1])
