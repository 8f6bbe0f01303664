"""`bundle run`: start a program of a bundle in an interpreter that knows nothing of this one."""

import io
import os
import subprocess
import sys
from pathlib import Path

import click

import litebundle

_FORMS = "-m MODULE, -c CODE, MODULE:FUNCTION or --"


@click.command(
    "run",
    context_settings={"allow_interspersed_args": False},
    options_metavar="",
    short_help="Run a program of a bundle.",
)
@click.option(
    "--trust",
    type=click.Path(readable=False, path_type=Path),
    metavar="PUB",
    help="Run nothing but what a key in this file has signed.",
)
@click.argument("file")
@click.argument("target", nargs=-1, required=True, type=click.UNPROCESSED)
def command(file: str, target: tuple[str, ...], trust: Path | None) -> None:
    """Run a program of the bundle FILE; what follows its name is the program's.

    \b
    bundle run FILE -m MODULE [ARGS]        as python -m MODULE
    bundle run FILE -c CODE [ARGS]          as python -c CODE
    bundle run FILE MODULE:FUNCTION [ARGS]  as the script of an entry point
    bundle run FILE -- [ARGS]               as python FILE, by this litebundle

    The bundle is first on sys.path, in place of the working directory; the packages of this
    Python's environment stay behind it. The exit status is the program's.
    """  # noqa: D301 - click's mark for a paragraph not to be wrapped
    _require_target(target)
    if trust is not None:
        _add_trust(trust)
    # A fresh interpreter: what this command has imported is not the program's.
    _replace_process([sys.executable, *_flags(), _script(), file, *target])


def _add_trust(trust: Path) -> None:
    """Have the program, and the children it may start, take what is signed alone."""
    from litebundle.runtime.mount import TRUST_VARIABLE
    from litebundle.runtime.trust import load

    path = str(trust.absolute())
    if os.pathsep in path:
        raise click.UsageError(f"--trust: {path!r} has a {os.pathsep!r} in it, which separates.")
    load(path)  # refuses it here, by its name
    given = os.environ.get(TRUST_VARIABLE)
    os.environ[TRUST_VARIABLE] = path if given is None else f"{given}{os.pathsep}{path}"


def _require_target(target: tuple[str, ...]) -> None:
    first = target[0]
    if first == "--":
        return
    if first in ("-m", "-c"):
        if len(target) == 1:
            raise click.UsageError(f"{first} needs a {'module' if first == '-m' else 'program'}.")
    elif first.startswith("-"):
        raise click.UsageError(f"{first} is not a way to name a program: {_FORMS}.")
    else:
        module, _, function = first.partition(":")
        if not (module and function):
            raise click.UsageError(f"{first!r} does not name a program: {_FORMS}.")


def _flags() -> list[str]:
    """Return the options that this interpreter was started with, or that mean the same."""
    # Private, but what multiprocessing starts its interpreters with.
    found: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]  # noqa: SLF001
    for name, value in sys._xoptions.items():  # noqa: SLF001 - documented, and it knows only some
        found += ["-X", name if value is True else f"{name}={value}"]
    if isinstance(getattr(sys.__stdout__, "buffer", None), io.FileIO):
        found.append("-u")
    return found


def _script() -> str:
    return os.path.join(litebundle.__path__[0], "runtime", "main.py")  # noqa: PTH118 - as sys.path has it


def _replace_process(arguments: list[str]) -> None:
    if sys.platform == "win32":
        # There exec returns to the shell at once. Ctrl-C reaches both, and is the program's.
        with subprocess.Popen(arguments) as process:
            while True:
                try:
                    sys.exit(process.wait())
                except KeyboardInterrupt:
                    continue
    else:
        os.execv(arguments[0], arguments)  # noqa: S606
