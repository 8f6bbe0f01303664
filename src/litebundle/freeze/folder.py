"""A relocatable folder with everything that a program needs to run, but for the C library.

    NAME                         the program: a script, with the bundle behind it
    bin/python3.13               the interpreter
    lib/python313.zip            its standard library, a bundle
    lib/python3.13/lib-dynload/  the extension modules of it that are used
    lib/*.so*                    the shared libraries they need, and the interpreter's own

These are the paths that CPython looks at by itself, which is why nothing has to tell it where it
is. Other systems have other ones (Windows: all in one directory, and `python313._pth`).
"""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from litebundle.errors import BuildError
from litebundle.freeze import native
from litebundle.freeze.interpreter import Interpreter, chosen
from litebundle.freeze.library import build_library, require_modules, used_extensions
from litebundle.freeze.program import begins, name, script, write_program
from litebundle.inspect.bundle import Bundle
from litebundle.runtime.archive import open_archive
from litebundle.write.atomic import replacing_directory

_NATIVE = (".so", ".so.")
_WRITTEN = re.compile(
    r"bin/python3\.\d+"
    r"|lib[^/]*/(python3\d+t?\.zip|python3\.\d+t?/lib-dynload/[^/]+\.so|[^/]+\.so[^/]*)"
)
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How a program is frozen.

    `python` is the interpreter's path or version, by default the first that the bundle is for;
    `include` are standard modules that no source imports by name; `strip` is whether symbols are
    removed; `force` whether a frozen program that stands at the output is replaced.
    """

    python: str | None = None
    include: tuple[str, ...] = ()
    strip: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """What was made: sizes are in bytes, `missing` the shared libraries that are not here."""

    output: Path
    program: Path
    python: str
    size: int
    extensions: tuple[str, ...]
    libraries: tuple[str, ...]
    missing: tuple[str, ...]


def freeze(file: Path, output: Path, choice: Choice) -> Frozen:
    """Write a bundle's program and its interpreter into a new directory, as a whole.

    Raises BuildError for what cannot be frozen and for what the disk refuses; what stood at
    `output` is then untouched.
    """
    bundle, python = opened(file, choice)
    text = script("beside.sh", bundle, python)
    program = name(bundle)
    output = _placed(output)
    check_output(output, file, is_folder, force=choice.force)
    _require_own(output)

    def write(aside: Path) -> Runtime:
        found = write_runtime(bundle, python, aside, choice, program=program)
        write_program(bundle, aside / program, text)
        check_output(output, file, is_folder, force=choice.force)  # it took a while
        _require_own(output)
        return found

    found = _in_place(output, write)
    return Frozen(
        output=output,
        program=output / program,
        python=python.release,
        size=size_of(output),
        extensions=found.extensions,
        libraries=found.libraries,
        missing=found.missing,
    )


def opened(file: Path, choice: Choice) -> tuple[Bundle, Interpreter]:
    """Return the bundle as its interpreter sees it, and the interpreter; raises BundleError."""
    bundle = Bundle(file)
    python = chosen(bundle, choice.python)
    require_modules(python, choice.include)
    return bundle.seen_by(python.tag), python


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What of the interpreter is in a folder, by name, and which shared libraries are not here."""

    extensions: tuple[str, ...]
    libraries: tuple[str, ...]
    missing: tuple[str, ...]


def write_runtime(
    bundle: Bundle, python: Interpreter, home: Path, choice: Choice, *, program: str | None
) -> Runtime:
    """Write interpreter, standard library and shared libraries into a directory that is there.

    `program` is the bundle beside them that every process of it has on its path, None if there is
    none.
    """
    extensions = used_extensions(bundle, python, choice.include)
    executable = home / python.command
    archive = home / python.archive
    dynload = home / python.native
    for directory in (executable.parent, archive.parent, dynload):
        directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="litebundle-") as work:
        origins = [python.executable, *extensions.values()]
        libraries, missing = native.needed([*origins, *_unpacked(bundle, Path(work) / "native")])
        build_library(python, archive, Path(work) / "library", program=program)
    copies = [_copied(path, dynload / path.name) for path in extensions.values()]
    copies += [_copied(path, archive.parent / name) for name, path in sorted(libraries.items())]
    _copied(python.executable, executable)
    if choice.strip:
        native.strip([executable, *copies])
    native.relocate(executable, archive.parent, copies)
    return Runtime(
        extensions=tuple(sorted(extensions)),
        libraries=tuple(sorted(libraries)),
        missing=tuple(missing),
    )


def check_output(output: Path, file: Path, is_ours: Callable[[Path], bool], *, force: bool) -> None:
    """Raise BuildError, before any work, if the output could not be put in place.

    `file` is what is to be frozen, which is never replaced.
    """
    if not output.parent.is_dir():
        raise BuildError(
            "the output's directory does not exist",
            file=str(output.parent),
            hint="create it first",
        )
    if not os.access(output.parent, os.W_OK | os.X_OK):
        raise BuildError(
            "the output's directory cannot be written",
            file=str(output.parent),
            hint="choose another place with -o",
        )
    if not os.path.lexists(output):
        return
    if output.is_dir() and not output.is_symlink() and not any(output.iterdir()):
        return
    origin = Path(os.path.realpath(file))
    if output.exists() and any(path.samefile(output) for path in (origin, *origin.parents)):
        is_it = "where the bundle is that" if output.is_dir() else "what"
        raise BuildError(
            f"is {is_it} is to be frozen", file=str(output), hint="choose another name with -o"
        )
    if not force:
        raise BuildError(
            "is there already", file=str(output), hint="choose another name, or --force"
        )
    if not is_ours(output):
        raise BuildError(
            "is no frozen program, and would be lost",
            file=str(output),
            hint="choose another name with -o",
        )


def is_folder(path: Path) -> bool:
    """Tell whether a directory is what `freeze` writes."""
    if path.is_symlink() or not path.is_dir():
        return False
    archives = [*path.glob("lib*/python3*.zip")]
    return len(archives) == 1 and open_archive(str(archives[0])) is not None


def _require_own(output: Path) -> None:
    """Raise BuildError if a folder has files in it that `freeze` does not write."""
    foreign = [path for path in _files(output) if not _is_written(path, output)]
    if foreign:
        problems = [str(path.relative_to(output)) for path in foreign[:_SHOWN]]
        if foreign[_SHOWN:]:
            problems.append(f"and {len(foreign) - _SHOWN} more")
        raise BuildError(
            "has files in it that `bundle freeze` did not write",
            file=str(output),
            problems=problems,
            hint="move them elsewhere, or choose another name with -o",
        )


def _files(directory: Path) -> list[Path]:
    """Return all that is below a directory and is no directory itself, sorted."""
    return sorted(path for path in directory.rglob("*") if path.is_symlink() or not path.is_dir())


def _is_written(path: Path, output: Path) -> bool:
    if path.is_symlink():
        return False
    if path.parent == output:
        return begins(path, rb"self=\$0")
    return _WRITTEN.fullmatch(path.relative_to(output).as_posix()) is not None


def size_of(directory: Path) -> int:
    """Return the bytes of all files below a directory."""
    return sum(path.lstat().st_size for path in directory.rglob("*") if path.is_file())


def _placed(output: Path) -> Path:
    """Return where a path leads, up to its last name: it must not lead through what is renamed."""
    if output.name == "..":
        return Path(os.path.realpath(output))
    return Path(os.path.realpath(output.absolute().parent), output.absolute().name)


def _in_place(output: Path, write: Callable[[Path], Runtime]) -> Runtime:
    """Have a directory written beside the output, and rename it to that."""
    try:
        with replacing_directory(output) as aside:
            return write(aside)
    except OSError as error:
        raise BuildError(
            f"cannot be written: {error.strerror or error}",
            file=str(output),
            hint="check the free space and the permissions there",
        ) from error


def _unpacked(bundle: Bundle, work: Path) -> Sequence[Path]:
    """Write the bundle's own native files as they will lie to each other; return those."""
    found = []
    for file in bundle.files():
        if any(mark in file.path.rpartition("/")[2] for mark in _NATIVE):
            path = work / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bundle.read(file.path))
            if native.is_native(path):
                path.chmod(0o755)
                found.append(path)
    return found


def _copied(origin: Path, target: Path) -> Path:
    shutil.copyfile(origin, target)
    target.chmod(0o755)
    return target
