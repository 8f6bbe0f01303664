"""Make the virtual environments under `.dev/`, and remake one only when what it holds changes."""

import contextlib
import hashlib
import json
import os
import shutil
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Any

from tools.devtools.interpreters import Interpreter
from tools.devtools.process import ROOT, STATE, Command, DevError, quietly

OFFLINE = "the package index must be reachable; see pip's output above"


def make_all(interpreters: Sequence[Interpreter]) -> dict[Interpreter, Path]:
    """Make each interpreter's test environment, two at a time, and return their Pythons."""
    with _locked(), ThreadPoolExecutor(max_workers=2) as pool:
        pythons = pool.map(lambda one: _make(one, f"py{one.minor}", group="dev"), interpreters)
        return dict(zip(interpreters, pythons, strict=True))


def make_plain(interpreter: Interpreter, name: str) -> Path:
    """Make an environment with litebundle and its own dependencies only; return its Python."""
    with _locked():
        return _make(interpreter, name, group=None)


def make_group(interpreter: Interpreter, group: str) -> Path:
    """Make an environment with a group of development dependencies; return its Python."""
    with _locked():
        return _make(interpreter, f"{group}{interpreter.minor}", group=group)


def _make(interpreter: Interpreter, name: str, *, group: str | None) -> Path:
    home = STATE / "env" / name
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    stamp = home / "litebundle.stamp"
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = _fingerprint(interpreter, config)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    start = perf_counter()
    shutil.rmtree(home, ignore_errors=True)
    quietly(
        [interpreter.executable, "-I", "-m", "venv", home],
        hint=f"{interpreter.executable} cannot make a virtual environment",
    )
    # By hand rather than `pip install --group`: the pip that comes with 3.11 does not know groups.
    requirements: list[str] = config["dependency-groups"][group] if group else []
    install: Command = [python, "-m", "pip", "install", "--progress-bar", "off"]
    quietly([*install, "--editable", ROOT, *requirements], hint=OFFLINE)
    stamp.write_text(wanted, encoding="utf-8")
    print(f"made {home.relative_to(ROOT)} in {perf_counter() - start:.1f} s", flush=True)
    return python


def _fingerprint(interpreter: Interpreter, config: dict[str, Any]) -> str:
    """Digest all that decides an environment's content; the other tools' settings do not."""
    tables = [config[key] for key in ("build-system", "project", "dependency-groups")]
    tables.append(config["tool"]["hatch"])
    facts = [tables, str(ROOT), str(interpreter.executable), interpreter.name]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@contextlib.contextmanager
def _locked() -> Iterator[None]:
    """Let one process at a time make environments in this checkout."""
    STATE.mkdir(exist_ok=True)
    try:
        import fcntl
    except ImportError:  # Windows: two at once are the user's to avoid
        yield
        return
    try:
        lock = (STATE / "lock").open("w", encoding="utf-8")
    except OSError as error:
        raise DevError(f"cannot write {STATE}: {error}", "the checkout must be writable") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
