"""Interpreters that a started bundle starts: they see what it sees (A6).

In a virtual environment `[sys.executable, "-m", "package"]` finds the program's packages. Here it
would find nothing, so the command is made to go through the bundle:
`[sys.executable, FILE, "--litebundle-interpreter", "-m", "package"]`. Refused: PYTHONPATH, since
every Python program further below would import from the bundle, with other packages than its own.
Where the program sets that itself (pip does, to build in isolation), its child is left alone.
"""

import sys

from . import extend as extension

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

OPTION = "--litebundle-interpreter"
_PROGRAM = ("c", "m")  # their value is the program; all that follows belongs to it
_VALUED = ("W", "X")
_INFORMING = ("h", "V", "?")  # nothing is run
_LONG = "--check-hash-based-pycs"  # the one long option with which something is

# Of Popen, behind the command
_PARAMETERS = (
    *("bufsize", "executable", "stdin", "stdout", "stderr", "preexec_fn", "close_fds"),
    *("shell", "cwd", "env"),
)

_started = ""  # the bundle, absolute
_python_path: str | None = None  # PYTHONPATH as it was then


def start(file: str) -> None:
    """Have the interpreters that this program will start go through a bundle."""
    global _started, _python_path  # noqa: PLW0603  # one process, one program
    import os

    _started = file
    _python_path = os.environ.get("PYTHONPATH")
    extension.add("subprocess", "interpreter")


def extend(subprocess: "Any") -> None:
    """Have `subprocess.Popen` start this process' interpreter through the bundle."""
    standard = subprocess.Popen.__init__
    if standard.__module__ == __name__:
        return  # extended already
    from functools import wraps

    @wraps(standard, assigned=("__doc__", "__name__", "__qualname__"))
    def initialize(self: "Any", args: "Any", *rest: "Any", **options: "Any") -> None:
        given = dict(zip(_PARAMETERS, rest, strict=False)) | options
        other = given.get("shell") or given.get("executable") or not isinstance(args, list | tuple)
        command = None if other or _has_own_path(given.get("env")) else through(args, _started)
        standard(self, command or args, *rest, **options)
        self.args = args  # as others see it

    subprocess.Popen.__init__ = initialize


def _has_own_path(env: "Mapping[str, str] | None") -> bool:
    """Tell whether the program itself says, by PYTHONPATH, what its child imports from."""
    import os

    return (os.environ if env is None else env).get("PYTHONPATH") not in (None, _python_path)


def through(command: "Sequence[Any]", file: str) -> list[str] | None:
    """Return the command of an interpreter made to go through a bundle, None for all others.

    Files that are no `.py` are left alone: they may be bundles, and see what is theirs.
    """
    words = [getattr(word, "__fspath__", lambda word=word: word)() for word in command]
    if not all(isinstance(word, str) for word in words) or words[:1] != [sys.executable]:
        return None
    at = _end_of_options(words)
    if at is None:
        return None
    program = words[at:]
    if program and program[0][:1] != "-" and program[0][-3:] != ".py":
        return None
    return [*words[:at], file, OPTION, *program]


def _end_of_options(words: list[str]) -> int | None:
    """Return where the program begins, None if none is run.

    A `-m` or `-c` among others (`-Im`) is taken out of them first, as a word of its own.
    """
    at = 1
    while at < len(words) and words[at][:1] == "-" and words[at] != "-":
        word = words[at]
        if word[:2] == "--":
            if word != _LONG:
                return None
            at += 2
            continue
        for index, letter in enumerate(word):
            if letter in _INFORMING:
                return None
            if letter in _PROGRAM:
                flags, value = word[:index], word[index + 1 :]
                words[at : at + 1] = [flags] * (index > 1) + ["-" + letter] + [value] * bool(value)
                return at + (index > 1)
            if letter in _VALUED:
                at += index == len(word) - 1
                break
        at += 1
    return at
