"""What a Python first runs of a bundle: it sees to an interpreter that fits.

This text, with a call behind it, is the launcher's `__main__.py` (write/launcher.py). It is the one
file that a Python too old for the others (3.6 and newer) has to understand, so that it can say so.
"""

import sys

_CHOSEN = "litebundle"  # the -X option of an interpreter that was started by another: the last one


def ensure_fitting(
    file: str, pythons: "tuple[str, ...]", arguments: "tuple[str, ...]", *, needed: bool
) -> None:
    """Go on in this interpreter, or start the one that fits in its place, at most once.

    `pythons` are the versions that the bundle has code for ("3.12"), `arguments` the options that
    the interpreter is to have; `needed` tells that no other version will do. Raises SystemExit,
    after a message, if there is none.
    """
    running = ".".join(map(str, sys.version_info[:2]))
    given = list(getattr(sys, "orig_argv", ()))[1:] or [file, *sys.argv[1:]]
    fits = running in pythons and sys.implementation.name == "cpython"
    ready = fits and given[: len(arguments)] == list(arguments)
    if not ready and _CHOSEN not in getattr(sys, "_xoptions", {}):
        python = sys.executable if fits else _search(pythons)
        if not python and not needed and given[: len(arguments)] != list(arguments):
            python = sys.executable
        if python:
            _execute([python, "-X", _CHOSEN, *arguments, *given])
    if not fits and (needed or sys.version_info < (3, 11)):
        sys.stderr.write(
            f"error: {file}: needs CPython {' or '.join(pythons)},"
            f" and this is {sys.implementation.name} {running} ({sys.executable})\n"
            f"hint: have python{pythons[0]} on the PATH, or build the bundle for this Python\n"
        )
        sys.exit(1)


def _search(pythons: "tuple[str, ...]") -> "str | None":
    """Return the first interpreter of one of the versions, beside this one or on the PATH."""
    import os
    import subprocess

    places = [os.path.dirname(sys.executable or "")]
    places += os.environ.get("PATH", os.defpath).split(os.pathsep)
    for version in pythons:
        # Asked, since the name may be that of a shim which starts another one, or none
        numbers = tuple(map(int, version.split(".")))
        question = f"import sys; sys.exit(sys.version_info[:2] != {numbers})"
        for place in filter(None, places):
            python = os.path.join(place, f"python{version}")
            if os.access(python, os.X_OK):
                command = [python, "-I", "-S", "-c", question]
                if not subprocess.call(command, stdout=-3, stderr=-3):  # DEVNULL
                    return python
    return None


def _execute(command: "list[str]") -> None:
    import os

    if sys.platform == "win32":  # there exec returns to the shell at once
        import subprocess

        sys.exit(subprocess.call(command))
    os.execv(command[0], command)  # noqa: S606
