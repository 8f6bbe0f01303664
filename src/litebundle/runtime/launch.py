"""What `python app.bundle` does once the runtime is there: choose the program, and run it."""

import sys
from _frozen_importlib_external import path_sep, path_separators

from . import interpreter
from .main import (
    EndOfProgram,
    fail,
    open_bundle,
    run_code,
    run_entry_point,
    run_module,
    run_path,
    run_script,
)
from .standard import is_standard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .finder import BundleFinder

_CHOICE = "--litebundle-entry"
_SCRIPT = "script."


def launch(file: str, *, inherit: bool, defer_gc: bool = True) -> None:
    """Run the program of a bundle, as the command line says; raises what it raises.

    `inherit` keeps on `sys.path` what the interpreter has beside its standard library; `defer_gc`
    puts garbage collection off until the program is up, and leaves out the one when it ends.
    """
    if defer_gc:
        from .collection import defer_collection
        from .ending import leave_memory_at_exit

        defer_collection()
        leave_memory_at_exit()
    if not inherit:
        leave_environment()
    finder = open_bundle(file)
    interpreter.start(finder.path)
    manifest = finder.place[0].manifest
    with EndOfProgram():
        _run(finder, _target(manifest, file, sys.argv), file)


def _target(manifest: "dict[str, str]", file: str, argv: list[str]) -> str:
    """Return what to run: that which was asked for, that of the name called by, or the default.

    "" is an interpreter.
    """
    if argv[1:2] == [interpreter.OPTION]:
        del argv[1]
        return ""
    if argv[1:2] == [_CHOICE]:
        name = argv[2] if len(argv) > 2 else ""
        if _SCRIPT + name not in manifest:
            names = [key[len(_SCRIPT) :] for key in manifest if key.startswith(_SCRIPT)]
            fail(f"{file} has no script {name!r}", f"it has {', '.join(names) or 'none'}", 2)
        del argv[1:3]
        return manifest[_SCRIPT + name]
    at = max(file.rfind(separator) for separator in path_separators)
    return manifest.get(_SCRIPT + file[at + 1 :], manifest.get("main", ""))


def _run(finder: "BundleFinder", target: str, file: str) -> None:
    if not target:
        _interpret(sys.argv[1:])
    elif ":" in target:
        run_entry_point(file, target)
    elif "/" in target or target.endswith(".py"):
        run_script(finder, target, file)
    else:
        run_module(target)


def _interpret(arguments: list[str]) -> None:
    """Be an interpreter with the bundle on its path: `-m`, `-c`, a script, or a dialogue."""
    first = arguments[0] if arguments else ""
    if first in ("-m", "-c") and len(arguments) > 1:
        sys.argv[:] = [first, *arguments[2:]]
        (run_module if first == "-m" else run_code)(arguments[1])
    elif first[:1] == "-" and first != "-":
        fail(
            f"{first}: the bundle has no program of its own; it takes -m MODULE, -c CODE or a file",
            "options of Python stand before the bundle; `bundle build --main` names a program",
            2,
        )
    else:
        sys.argv[:] = arguments or [""]
        run_path(first)


def leave_environment() -> None:
    """Take off `sys.path`, and out of the process, all that is not the interpreter's own.

    That is what PYTHONPATH, the directories of site-packages and their `.pth` files brought. The
    alternative of another process, started with `-I`, would cost its time and drop the variables
    that are no paths.
    """
    left = [path for path in sys.path if not is_standard(path)]
    sys.path[:] = [path for path in sys.path if is_standard(path)]
    package = __package__.partition(".")[0]
    own = ("_frozen_importlib", "_frozen_importlib_external", "zipimport", package)

    def foreign(hook: object) -> bool:
        home = getattr(hook, "__module__", None) or type(hook).__module__
        return home.partition(".")[0] not in own

    sys.meta_path[:] = [finder for finder in sys.meta_path if not foreign(finder)]
    sys.path_hooks[:] = [hook for hook in sys.path_hooks if not foreign(hook)]
    gone = set()
    for name, module in list(sys.modules.items()):
        if name != "__main__" and name.partition(".")[0] not in own:
            where = getattr(module, "__file__", None) or next(iter(_path(module)), "")
            if _nearest(where, left) > _nearest(where, sys.path):
                gone.add(name)
    # With what is below it and frozen: who imports it again would not have that as an attribute
    for name in list(sys.modules):
        if not gone.isdisjoint(_and_above(name)):
            del sys.modules[name]


def _path(module: object) -> "Iterable[str]":
    return getattr(module, "__path__", None) or ()


def _and_above(name: str) -> "Iterable[str]":
    """Yield a module's name, and the packages that it is in."""
    while name:
        yield name
        name = name.rpartition(".")[0]


def _nearest(where: str, paths: list[str]) -> int:
    """Return the length of the longest of the paths that something is below."""
    return max((len(p) for p in paths if where.startswith(p + path_sep)), default=0)
