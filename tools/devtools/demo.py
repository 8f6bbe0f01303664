"""Build a bundle of real programs, defined under `bundles/`, and run them from it."""

import shutil
from time import perf_counter

from tools.devtools import environments, interpreters
from tools.devtools.process import ROOT, STATE, Command, DevError, in_sight, shown

_DEFINITION = ROOT / "bundles" / "django-sympy"
_HOME = STATE / "demo"


def run() -> int:
    """Build and run, printing each step with its time; return the exit code."""
    interpreter = interpreters.running()
    python = environments.make_plain(interpreter, "demo")
    bundle = _HOME / "app.bundle"
    _HOME.mkdir(exist_ok=True)
    build: Command = [python, "-m", "litebundle", "build", _DEFINITION, "-o", bundle]
    hint = "the builder failed; its message is above"
    _step("build the bundle", build, hint=hint, XDG_CACHE_HOME=str(STATE / "cache"))
    print(f"{shown([bundle])}: {bundle.stat().st_size:,} bytes", flush=True)
    runner = ROOT / "bundles" / "run.py"
    # -I -S: no site-packages, so what is not in the standard library can only come from the bundle.
    command: Command = [interpreter.executable, "-I", "-S", runner, _DEFINITION / "main.py"]
    # Not in the user's cache, and empty: what is shown is a first run.
    placed = _HOME / "placed"
    shutil.rmtree(placed, ignore_errors=True)
    _step(
        "run from the bundle, nothing else installed",
        [*command, bundle, ROOT / "src"],
        hint="see the line marked FAILED, or the traceback, above",
        LITEBUNDLE_CACHE=str(placed),
    )
    return 0


def _step(what: str, command: Command, *, hint: str, **settings: str) -> None:
    print(f"\n{what}")
    start = perf_counter()
    code, _ = in_sight(command, **settings)
    if code:
        raise DevError(f"exit {code} from: {shown(command)}", hint)
    print(f"{perf_counter() - start:.1f} s", flush=True)
