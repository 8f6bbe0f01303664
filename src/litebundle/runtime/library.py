"""How an interpreter begins whose standard library is a bundle: one made by `bundle freeze`.

Its `lib/pythonXY.zip` is that bundle. Python has it first on `sys.path`, and has zipimport read of
the launcher's zip what comes before everything else, `encodings`. That calls this, and from then
on the same path entry is served by the hook.
"""

import sys
from _frozen_importlib_external import path_sep

from .finder import path_hook
from .install import install

_held: object = None


def begin(file: str, program: "str | None") -> None:
    """Have the standard library come from the bundle `file`, and all else last from `program`.

    That is the path of another one relative to the interpreter's directory, None if that is one of
    the placed ones, which is then held.
    """
    global _held  # noqa: PLW0603  # for as long as the process lives
    sys.path_importer_cache.clear()  # of zipimport's finders, which have read the same zip
    install()
    sys.path_importer_cache[file] = finder = path_hook(file)
    archive = finder.place[0]
    if archive.variant is None:  # with -O; what is without sources serves as it is
        archive.variant = 0
    if program is not None:
        sys.path.append(sys.base_prefix + path_sep + program)
    else:
        from .marker import hold

        _held = hold(sys.base_prefix)
