"""Child processes get the hook with the path that multiprocessing hands to them (A6).

A forked child has all that its parent has. For `spawn` and `forkserver` a fresh interpreter is told
the parent's `sys.path` before anything else: by a pickle, and the server by an expression on its
command line. Both are made to install the hook on their way, and to come out as a plain list.
Alternatives refused: a variable in the environment is inherited by processes that want nothing of
it, and no interpreter looks at ours; another `-c` command is only spawn's, and the server's
children are told by pickle alone.
"""

import sys
from _frozen_importlib_external import path_sep

from .descriptor import absolute
from .finder import path_hook
from .mount import trust_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Nothing but builtins: the child finds litebundle where the parent did, whatever its own path.
_BOOT = """\
import sys
sys.path.insert(0, {home!r})
try:
    from {package}.runtime.install import install
finally:
    sys.path.remove({home!r})
for trust in {trust!r}:
    install(trust)
"""


class HandedPath(list):  # type: ignore[type-arg]  # not subscripted: it is a base at run time
    """A `sys.path` that becomes a plain list in the child process, where it installs the hook."""

    def __reduce__(self) -> tuple[object, ...]:
        # Not by `repr`, like below: entries may be anything that pickles
        return eval, ("[exec(boot, {}), path][1]", {"boot": _boot(), "path": list(self)})

    def __repr__(self) -> str:
        return f"[exec({_boot()!r}, {{}}), {super().__repr__()}][1]"


def extend(spawn: "Any") -> None:
    """Have `multiprocessing.spawn`, or its like, hand the hook over while this process has it."""
    standard = getattr(spawn, "get_preparation_data", None)
    if standard is None or standard.__module__ == __name__:
        return  # another module of that name, or extended already

    def get_preparation_data(*args: "Any", **options: "Any") -> "dict[str, Any]":
        data: dict[str, Any] = standard(*args, **options)
        if path_hook in sys.path_hooks:
            data["sys_path"] = HandedPath(data["sys_path"])
            _rename_main(data)
        return data

    spawn.get_preparation_data = get_preparation_data


def _rename_main(data: "dict[str, Any]") -> None:
    """Have the child import the program by its name where it is a file inside a bundle.

    Of a bundle that was started itself there is nothing to import: its program is a function.
    """
    from .paths import path_at

    main = path_at(data.get("init_main_from_path") or "")
    if main is not None:
        del data["init_main_from_path"]
        if main.is_file() and main.suffix == ".py":
            data["init_main_from_name"] = main.stem


def _boot() -> str:
    # Under whatever name and wherever it lives, inside a bundle too
    package = __name__.removesuffix(".runtime.children")
    home = absolute(__file__).rsplit(path_sep, __name__.count(".") + 1)[0]
    return _BOOT.format(home=home, package=package, trust=trust_files() or [None])
