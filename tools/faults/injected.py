"""Fail the first operation, then the second, until the work succeeds, as SQLite's own tests do.

`run` starts this file as a program into which the shim is preloaded. Each time the work is done in
a forked child; what became of it is a line of JSON.
"""

import errno
import hashlib
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import litebundle
from tools.devtools.process import ROOT
from tools.faults.shim import ONCE, Shim

_MOST = 2000
"""Operations after which something goes in circles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What is done, and what fails in it.

    `kind` is "build" with the command's `arguments`, or "load" with modules to be imported.
    `calls` ("read,open") about files whose path has `path` fail with `error`, as `mode` says.
    `output` is the file that is built, or loaded from.
    """

    kind: str
    arguments: tuple[str, ...]
    output: str
    path: str
    calls: str
    error: int = errno.EIO
    mode: int = ONCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of the work when the `at`-th operation, a `call`, failed.

    Of a build: exit status, messages, the names beside the output and its SHA-256 afterwards. Of
    imports: what each raised, or "", then the same again without a fault; and whether the import
    system remembered that the entry is no bundle.
    """

    at: int
    call: str
    status: int = 0
    message: str = ""
    beside: tuple[str, ...] = ()
    digest: str = ""
    first: tuple[str, ...] = ()
    second: tuple[str, ...] = ()
    remembered: bool = field(default=False)


def run(shim: Path, work: Work) -> list[Outcome]:
    """Do the work in a process with the shim, again and again; return what became of it."""
    home = Path(litebundle.__file__).parents[1]
    paths = os.pathsep.join(map(str, (home, ROOT)))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "tools.faults.injected", json.dumps(asdict(work))],
        env={**kept, "LD_PRELOAD": str(shim), "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    return [Outcome(**_tuples(json.loads(line))) for line in done.stdout.splitlines()]


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}


def _outcomes(work: Work) -> Iterator[Outcome]:
    """Yield the outcomes until nothing failed any more."""
    once = {"build": _build, "load": _load}[work.kind]
    before = Path(work.output).read_bytes()
    for at in range(1, _MOST):
        Path(work.output).write_bytes(before)
        hits, found = _in_child(lambda at=at: once(work, at))  # type: ignore[misc]
        outcome = Outcome(at=at, **_tuples(found))
        if not hits:
            return
        yield outcome
    raise RuntimeError("no end of operations")


def _in_child(function: Callable[[], dict[str, Any]]) -> tuple[int, dict[str, Any]]:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            found = function()
            os.write(writing, json.dumps([_shim.hits, found]).encode())
        except BaseException:  # noqa: BLE001  # whatever it is, the parent hears of it
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answers:
        answer = answers.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if not answer:
        raise RuntimeError(f"a child died: {status}")
    hits, found = json.loads(answer)
    return hits, found


def _build(work: Work, at: int) -> dict[str, Any]:
    from litebundle.cli.main import main

    output = Path(work.output)
    told = output.parent.parent / "told"
    with told.open("w") as stream:
        sys.stdout = sys.stderr = stream
        sys.argv = ["bundle", "build", "--no-cache", *work.arguments]
        _shim.arm(work.calls, work.path, at, work.error, work.mode)
        status: object = "an exception"
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
        except BaseException:  # noqa: BLE001  # a traceback for the user: it is told
            traceback.print_exc(file=stream)
        call = _shim.last
        _shim.disarm()
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    return {
        "call": call,
        "status": status,
        "message": told.read_text(),
        "beside": sorted(os.listdir(output.parent)),  # noqa: PTH208
        "digest": hashlib.sha256(output.read_bytes()).hexdigest(),
    }


def _load(work: Work, at: int) -> dict[str, Any]:
    litebundle.install()
    sys.path.insert(0, work.output)
    _shim.arm(work.calls, work.path, at, work.error, work.mode)
    first = [_imported(name) for name in work.arguments]
    call = _shim.last
    remembered = sys.path_importer_cache.get(work.output, True) is None
    _shim.disarm()
    return {
        "call": call,
        "first": first,
        "second": [_imported(name) for name in work.arguments],
        "remembered": remembered,
    }


def _imported(name: str) -> str:
    """Import a module and have it give its data; return what was raised, or ""."""
    try:
        module = __import__(name, fromlist=["VALUE"])
        data = getattr(module, "data", str)()
        if name != module.VALUE or data not in ("", "data" * 999):
            return f"other code or data: {module.VALUE} {data!r:.40}"
    except Exception as error:  # noqa: BLE001  # which one, and of what kind, is the question
        kinds = ",".join(each.__name__ for each in type(error).__mro__[:-3])
        return f"{kinds} {getattr(error, 'errno', '')} {getattr(error, 'file', '')}"
    return ""


def main() -> None:
    """Do the work that the argument describes."""
    import litebundle.builder
    import litebundle.cli.build
    import litebundle.cli.main  # noqa: F401  # once, and not in every child

    work = Work(**_tuples(json.loads(sys.argv[1])))
    for outcome in _outcomes(work):
        print(json.dumps(asdict(outcome)), flush=True)


if __name__ == "__main__":
    _shim = Shim()
    main()
