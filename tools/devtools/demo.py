"""Build a bundle of real programs, defined under `bundles/`, and run them from it."""

import hashlib
import shutil
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Self

from tools.devtools import environments, interpreters
from tools.devtools.process import ROOT, STATE, Command, DevError, in_sight, quietly, shown

_DEFINITION = ROOT / "bundles" / "django-sympy"
_HOME = STATE / "demo"


@dataclass(frozen=True, kw_only=True, slots=True)
class Definition:
    """A `bundle.toml`: what is bundled, the lock that pins it, and the script that tries it."""

    name: str
    requirements: Sequence[str]
    lock: Path
    check: Path

    @classmethod
    def read(cls, directory: Path) -> Self:
        """Read the directory's `bundle.toml`; the lock must pin each requirement as it does."""
        table = tomllib.loads((directory / "bundle.toml").read_text(encoding="utf-8"))
        definition = cls(
            name=table["name"],
            requirements=table["requirements"],
            lock=directory / table["lock"],
            check=directory / table["check"],
        )
        lines = definition.lock.read_text(encoding="utf-8").splitlines()
        pinned = {line.split(maxsplit=1)[0] for line in lines if line}
        for requirement in definition.requirements:
            if requirement not in pinned:
                raise DevError(
                    f"{shown([definition.lock])} does not pin {requirement}",
                    "write the lock anew with the command in its first lines",
                )
        return definition


def run() -> int:
    """Install, build and run, printing each step with its time; return the exit code."""
    definition = Definition.read(_DEFINITION)
    interpreter = interpreters.running()
    print(f"{definition.name}: {', '.join(definition.requirements)}", flush=True)
    python = environments.make_plain(interpreter, "demo")
    site, bundle = _HOME / "site", _HOME / "app.bundle"
    _install(definition, python, site)
    build: Command = [python, "-m", "litebundle", "build", site, "-o", bundle]
    _step("build the bundle", build, hint="the builder failed; its message is above")
    print(f"{shown([bundle])}: {bundle.stat().st_size:,} bytes", flush=True)
    # -I -S: no site-packages, so what is not in the standard library can only come from the bundle.
    check: Command = [interpreter.executable, "-I", "-S", definition.check, bundle, ROOT / "src"]
    # Not in the user's cache, and empty: what is shown is a first run.
    placed = _HOME / "placed"
    shutil.rmtree(placed, ignore_errors=True)
    _step(
        "run from the bundle, nothing else installed",
        check,
        hint="see the line marked FAILED, or the traceback, above",
        LITEBUNDLE_CACHE=str(placed),
    )
    return 0


def _install(definition: Definition, python: Path, site: Path) -> None:
    """Install the locked requirements into a directory, unless they are there already."""
    stamp = site.with_name("site.stamp")
    facts = definition.lock.read_bytes() + str(python.resolve()).encode()
    wanted = hashlib.sha256(facts).hexdigest()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    start = perf_counter()
    shutil.rmtree(site, ignore_errors=True)
    options = ["--require-hashes", "--only-binary", ":all:", "--no-compile", "--quiet"]
    quietly(
        [python, "-m", "pip", "install", *options, "--target", site, "-r", definition.lock],
        hint=environments.OFFLINE,
    )
    stamp.write_text(wanted, encoding="utf-8")
    print(f"installed the lock into {shown([site])} in {perf_counter() - start:.1f} s", flush=True)


def _step(what: str, command: Command, *, hint: str, **settings: str) -> None:
    print(f"\n{what}")
    start = perf_counter()
    code, _ = in_sight(command, **settings)
    if code:
        raise DevError(f"exit {code} from: {shown(command)}", hint)
    print(f"{perf_counter() - start:.1f} s", flush=True)
