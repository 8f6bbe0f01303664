"""Find the CPythons of this machine that the tests can run on: one for each version."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.devtools.process import DevError, environ

OLDEST = (3, 11)

# Run by every candidate, so it must compile on any Python that calls itself python3. One in a
# virtual environment answers for the Python it was made from, so that ours does not depend on it.
_PROBE = """
import json, platform, sys, sysconfig
missing = []
for name in ("ssl", "zlib", "sqlite3", "ctypes", "venv", "ensurepip"):
    try:
        __import__(name)
    except ImportError:
        missing.append(name)
print(json.dumps({
    "executable": getattr(sys, "_base_executable", "") or sys.executable,
    "implementation": platform.python_implementation(),
    "version": list(sys.version_info[:3]),
    "final": sys.version_info[3] == "final",
    "threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "missing": missing,
}))
"""


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Interpreter:
    """A working CPython, able to make a virtual environment with pip."""

    version: tuple[int, int, int]
    free_threaded: bool
    executable: Path

    @property
    def minor(self) -> str:
        """Name the version the tests tell apart: `3.13`, or `3.13t` for a free-threaded build."""
        return "{}.{}".format(*self.version) + ("t" if self.free_threaded else "")

    @property
    def name(self) -> str:
        """Name the full version, as messages do."""
        return ".".join(map(str, self.version)) + ("t" if self.free_threaded else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """The interpreters to use, oldest first, and why each other candidate was left out."""

    used: tuple[Interpreter, ...]
    left_out: tuple[tuple[Path, str], ...]


def find() -> Findings:
    """Look at the running Python, pyenv's and those on PATH, in this order of preference."""
    used: dict[str, Interpreter] = {}
    left_out: dict[Path, str] = {}
    for candidate in dict.fromkeys(_candidates()):
        found = _examine(candidate)
        if isinstance(found, str):
            left_out[candidate] = found
        elif found.minor not in used:
            used[found.minor] = found
        elif not used[found.minor].executable.samefile(found.executable):
            # Resolved, because one file often stands in several directories of PATH.
            left_out[found.executable.resolve()] = f"another {found.minor} is used"
    return Findings(used=tuple(sorted(used.values())), left_out=tuple(left_out.items()))


def select(findings: Findings, wanted: list[str]) -> tuple[Interpreter, ...]:
    """Return the interpreters of the wanted versions (all if none is named), or raise DevError."""
    for name in wanted:
        if not any(name in (found.minor, found.name) for found in findings.used):
            have = ", ".join(found.name for found in findings.used) or "none"
            raise DevError(f"no usable CPython {name} on this machine", f"found: {have}")
    if not findings.used:
        raise DevError(
            "no usable CPython >= 3.11 on this machine",
            "install one with its venv module (Debian: apt install python3-venv)",
        )
    return tuple(
        found
        for found in findings.used
        if not wanted or found.minor in wanted or found.name in wanted
    )


def running() -> Interpreter:
    """Return the Python that runs this, or raise DevError if it cannot make an environment."""
    found = _examine(Path(sys.executable))
    if isinstance(found, str):
        raise DevError(
            f"{sys.executable}: {found}",
            "run this with a CPython that has its venv module (Debian: apt install python3-venv)",
        )
    return found


def _candidates() -> Iterator[Path]:
    yield Path(sys.executable)
    for version in sorted(_pyenv_versions(), key=_version_key, reverse=True):
        yield version / "bin" / "python"
    for directory in os.get_exec_path():
        if Path(directory).is_dir():
            yield from sorted(filter(_is_python, Path(directory).iterdir()))


def _pyenv_versions() -> Iterator[Path]:
    """Yield pyenv's versions that are new enough by name; pyenv itself need not be on PATH."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    versions = root / "versions"
    if versions.is_dir():
        for version in versions.iterdir():
            if _version_key(version) >= OLDEST:
                yield version


def _version_key(directory: Path) -> tuple[int, ...]:
    match = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?t?$", directory.name)
    return tuple(int(part or 0) for part in match.groups()) if match else ()


def _is_python(path: Path) -> bool:
    match = re.fullmatch(r"python(\d+)\.(\d+)t?(?:\.exe)?", path.name)
    if match is None or tuple(map(int, match.groups())) < OLDEST:
        return False
    return os.access(path, os.X_OK)


def _examine(candidate: Path) -> Interpreter | str:
    """Ask the candidate what it is; return it, or the reason to leave it out."""
    try:
        answer = subprocess.run(
            [candidate, "-I", "-c", _PROBE],
            env=environ(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        facts = json.loads(answer)
    except (OSError, subprocess.SubprocessError, ValueError):
        return "does not run"
    if facts["implementation"] != "CPython":
        return f"is {facts['implementation']}, not CPython"
    version = tuple(facts["version"])
    if version[:2] < OLDEST:
        return "older than {}.{}".format(*OLDEST)
    if not facts["final"]:
        return "a pre-release"
    if facts["missing"]:
        return f"built or packaged without {', '.join(facts['missing'])}"
    return Interpreter(
        version=(version[0], version[1], version[2]),
        free_threaded=facts["threaded"],
        executable=Path(facts["executable"]),
    )
