"""The file that a frozen program starts as: a shell script with the bundle behind it.

The script finds the interpreter and hands the file to it. It is POSIX sh with `[ -O ]`, which every
shell has that is called sh today, and starts no other process unless the file is a symbolic link.
"""

import ast
import os
import re
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
HEAD = b"#!/bin/sh\n#@%012d\n"
"""How the file begins; the number says where the bundle does (FORMAT.md, "Prefix")."""
_COMMENTS = rb"#!/bin/sh\n#@\d{12}\n(?:#.*\n)+"
_BEGINNING = 1 << 10  # bytes, in which the first command is


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


def script(name: str, bundle: Bundle, python: Interpreter, **facts: str) -> bytes:
    """Return one of the scripts beside this module, with what it has to know written in."""
    text = Path(__file__).with_name(name).read_text("utf-8")
    facts |= {"command": python.command, "arguments": arguments(bundle)}
    for fact, value in facts.items():
        text = text.replace(f"@{fact.upper()}@", value)
    return HEAD % 0 + text.encode()


def begins(path: Path, command: bytes) -> bool:
    """Tell whether a file begins as one of the scripts does: the one with that first command.

    That is a pattern, of the whole line.
    """
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return re.match(_COMMENTS + command + rb"\n", file.read(_BEGINNING)) is not None


def write_program(bundle: Bundle, output: Path, script: bytes, payload: Path | None = None) -> None:
    """Write the script and the bundle behind it as an executable file, a payload in between."""
    start = len(script) + (payload.stat().st_size if payload else 0)
    with output.open("wb") as file, Path(bundle.path).open("rb") as source:
        file.write(script.replace(HEAD % 0, HEAD % start, 1))
        if payload:
            with payload.open("rb") as between:
                shutil.copyfileobj(between, file, _BLOCK)
        source.seek(bundle.archive.container.base)
        shutil.copyfileobj(source, file, _BLOCK)
    output.chmod(0o777 & ~_umask())


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
