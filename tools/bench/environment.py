"""The work directory: a virtual environment, trees, and what is made of them, each made once."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from functools import cache
from pathlib import Path

from tools.bench.workloads import Workload
from tools.devtools.process import ROOT, Command, DevError, quietly

_TIMEOUT = 600
_OFFLINE = "the package index must be reachable; see pip's output above"


class Environment:
    """Everything one Python is measured with, kept under one directory from run to run."""

    def __init__(self, work: Path) -> None:
        work.mkdir(parents=True, exist_ok=True)
        (work / ".gitignore").write_text("*\n", encoding="ascii")
        # Two builds of one version on one machine differ in these at least; Windows has none.
        flags = sysconfig.get_config_var("ABIFLAGS") or ""
        name = f"{sys.implementation.cache_tag}-{platform.python_version()}{flags}"
        self.home = work.resolve() / name
        self.results = self.home.parent / "results"
        self.scratch = self.home / "scratch"
        self.cache = self.home / "cache"

    @property
    def python(self) -> Path:
        """Return the Python of a virtual environment, which is made at the first call."""
        home = self.made("venv", os.path.realpath(sys.executable), self._make_venv)
        return home / ("Scripts" if os.name == "nt" else "bin") / "python"

    @property
    def site(self) -> Path:
        """Return the directory that pip installs into with the environment's Python."""
        home = str(self.python.parent.parent)
        return Path(sysconfig.get_path("purelib", "venv", {"base": home, "platbase": home}))

    def install(self, name: str, requirement: str, version: str = "") -> None:
        """Install a requirement into the environment, unless that version of it is there."""
        key = f"{requirement} {version}"
        self.made(f"installed/{name}", key, lambda out: self._install(requirement, out))

    def tree(self, workload: Workload) -> Path:
        """Return the workload's tree as pip installs it, without any bytecode."""
        key = repr((workload.requirements, workload.files))
        return self.made(f"trees/{workload.name}", key, lambda out: self._make_tree(workload, out))

    def made(self, name: str, key: str, make: Callable[[Path], None]) -> Path:
        """Return the path of that name, letting `make` make it anew when the key has changed."""
        path = self.home / name
        stamp = path.with_name(path.name + ".key")
        wanted = hashlib.sha256(key.encode()).hexdigest()
        if stamp.is_file() and stamp.read_text(encoding="ascii") == wanted:
            return path
        # First the stamp goes, and last it comes: nothing half made is ever taken for whole.
        stamp.unlink(missing_ok=True)
        remove(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        make(path)
        stamp.write_text(wanted, encoding="ascii")
        return path

    def run(self, command: Command) -> str:
        """Run a command in our environment; return its stdout, or raise DevError if it fails."""
        try:
            done = subprocess.run(
                [str(part) for part in command],
                env=self._environ(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
                timeout=_TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            raise DevError(f"not done after {_TIMEOUT} s", "look for a deadlock") from None
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if line and line[:5] != "hint:"]
            cause = lines[-1] if lines else f"exit {done.returncode}"
            raise DevError(cause.removeprefix("error: "), "see its output above", done.stderr)
        return done.stdout

    def _environ(self) -> dict[str, str]:
        """Return our environment with Python's own settings replaced, and a cache to throw away."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        return kept | {
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "XDG_CACHE_HOME": str(self.cache),
            "LITEBUNDLE_CACHE": "",  # else that would be where builds keep what they made
        }

    def _make_venv(self, out: Path) -> None:
        remove(self.home / "installed")
        quietly(
            [sys.executable, "-I", "-m", "venv", out],
            hint=f"{sys.executable} cannot make a virtual environment (Debian: python3-venv)",
        )

    def _install(self, requirement: str, out: Path) -> None:
        quietly([self.python, "-m", "pip", "install", "-q", requirement], hint=_OFFLINE)
        out.touch()

    def _make_tree(self, workload: Workload, out: Path) -> None:
        for name, source in workload.files.items():
            path = out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source, encoding="utf-8")
        if workload.requirements:
            # Platform "any": pure wheels only, since no zip can hold an extension module.
            pip: Command = [self.python, "-m", "pip", "install", "-q", "--no-deps", "--no-compile"]
            pure: Command = ["--only-binary", ":all:", "--platform", "any", "--target", out]
            quietly([*pip, *pure, *workload.requirements], hint=_OFFLINE)


@cache
def litebundle_key() -> str:
    """Digest the checkout's litebundle, so that a change of it is installed and measured."""
    digest = hashlib.sha256()
    for path in [ROOT / "pyproject.toml", *sorted((ROOT / "src").rglob("*.py"))]:
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def remove(path: Path) -> None:
    """Remove a file, a link or a whole directory, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
