"""The file that a frozen program starts as: a shell script with the bundle behind it.

The script finds the interpreter and hands the file to it. It is POSIX sh with `[ -O ]`, which every
shell has that is called sh today, and starts no other process unless the file is a symbolic link.
"""

import ast
import shlex
import shutil
import zipfile
from pathlib import Path

from litebundle.errors import BuildError
from litebundle.freeze.interpreter import Interpreter
from litebundle.inspect.bundle import Bundle
from litebundle.write.launcher import MAIN_MEMBER

_BLOCK = 1 << 20
_SCRIPT = "script."
_DIGITS = 12

BESIDE = """\
# The interpreter is beside this file, wherever that is and whatever links lead to it.
self=$0
while [ -h "$self" ]; do
  link=$(readlink "$self"; echo .)
  link=${{link%??}}
  case $link in /*) ;; *) case $self in */*) link=${{self%/*}}/$link ;; esac ;; esac
  self=$link
done
case $self in */*) ;; *) self=./$self ;; esac
unset PYTHONHOME
exec "${{self%/*}}/{command}" {arguments} "$0" "$@"
"""


def arguments(bundle: Bundle) -> str:
    """Return the options of the interpreter, as words of the shell.

    Of the bundle's own, and `-s`: a frozen program has no packages of a user's. Raises BuildError
    if the bundle does not start.
    """
    if "main" not in bundle.manifest:
        raise BuildError(
            "no program: nothing says what to run",
            file=bundle.path,
            hint="build it with --main",
        )
    try:
        with zipfile.ZipFile(bundle.path) as archive:
            text = archive.read(MAIN_MEMBER)
    except (zipfile.BadZipFile, KeyError) as error:
        raise BuildError(
            "no program: it has no launcher",
            file=bundle.path,
            hint="build it without --no-launcher",
        ) from error
    calls = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    for call in calls:
        if isinstance(call.func, ast.Name) and call.func.id == "ensure_fitting":
            return shlex.join([*ast.literal_eval(call.args[2]), "-s"])
    return "-s"  # a zip's own __main__.py


def name(bundle: Bundle) -> str:
    """Return what to call the program: its console script's name, else that of the bundle."""
    manifest = bundle.manifest
    scripts = sorted(
        key.removeprefix(_SCRIPT)
        for key, target in manifest.items()
        if key.startswith(_SCRIPT) and target == manifest["main"]
    )
    return scripts[0] if scripts else Path(bundle.path).stem


def beside(bundle: Bundle, python: Interpreter) -> bytes:
    """Return the script that runs an interpreter of the same directory."""
    return BESIDE.format(command=python.command, arguments=arguments(bundle)).encode()


def write_program(bundle: Bundle, output: Path, script: bytes, payload: Path | None = None) -> None:
    """Write the script and the bundle behind it as an executable file, a payload in between."""
    head = b"#!/bin/sh\n#@%0*d\n" % (_DIGITS, 0)
    size = payload.stat().st_size if payload else 0
    start = len(head) + len(script) + size
    with output.open("wb") as file, Path(bundle.path).open("rb") as source:
        file.write(b"#!/bin/sh\n#@%0*d\n" % (_DIGITS, start))
        file.write(script)
        if payload:
            with payload.open("rb") as between:
                shutil.copyfileobj(between, file, _BLOCK)
        source.seek(bundle.archive.container.base)
        shutil.copyfileobj(source, file, _BLOCK)
    output.chmod(0o755)
