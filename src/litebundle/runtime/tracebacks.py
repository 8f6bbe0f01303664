"""Source lines in the tracebacks of uncaught errors, before 3.13 (A2).

The interpreter's own printer reads lines from files on disk only; since 3.13 it is the traceback
module, which asks loaders. Errors that have nothing to do with bundles are left to it.
"""

import sys

from ..errors import BundleError
from .mount import told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

_standard = sys.__excepthook__


def extend_excepthook() -> None:
    """Print errors of the main thread with their lines, unless the program has its own way."""
    if sys.excepthook is _standard:
        # Both: who looks whether the hook is the interpreter's, or goes back to it, means this
        sys.excepthook = sys.__excepthook__ = _excepthook


def extend(threading: "Any") -> None:
    """Print errors of other threads with their lines, likewise."""
    standard = getattr(threading, "__excepthook__", None)
    if standard is None or standard.__module__ == __name__ or threading.excepthook is not standard:
        return

    def excepthook(arguments: "Any") -> None:
        if arguments.exc_type is SystemExit or not _from_bundle(arguments.exc_value):
            return standard(arguments)  # type: ignore[no-any-return]
        from traceback import print_exception

        name = arguments.thread.name if arguments.thread else threading.get_ident()
        sys.stderr.write(f"Exception in thread {name}:\n")
        print_exception(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
        return None

    threading.excepthook = threading.__excepthook__ = excepthook


def _excepthook(
    kind: type[BaseException], error: BaseException, frames: "TracebackType | None"
) -> None:
    if not _from_bundle(error):
        _standard(kind, error, frames)
        return
    try:
        from traceback import print_exception

        print_exception(kind, error, frames)
    except BundleError:  # a trust file that says nothing keeps what that imports from being found
        _standard(kind, error, frames)
    if kind is KeyboardInterrupt:
        # L10: an interrupt ends the process by its signal, but only if it was the end of what the
        # interpreter evaluated last, which some of the imports of traceback are by now.
        try:
            exec("raise KeyboardInterrupt")
        except KeyboardInterrupt:
            pass


def _from_bundle(error: BaseException | None) -> bool:
    """Tell whether a traceback, or that of an error behind it, has a line that is in a bundle."""
    if sys.stderr is None:
        return False
    todo, seen = [error], set()
    while todo:
        one = todo.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        frames = one.__traceback__
        while frames is not None:
            if told(frames.tb_frame.f_code.co_filename) is not None:
                return True
            frames = frames.tb_next
        todo += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
    return False
