"""Compare the sizes of the files that hold a program's modules."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tools.bench.contestants import (
    LITEBUNDLE_SQLITE,
    LITEBUNDLE_ZIP,
    LITEBUNDLE_ZLIB,
    LITEBUNDLE_ZSTD,
    ZIP_DEFLATED,
    Contestant,
    artefact,
)
from tools.bench.environment import Environment, remove
from tools.bench.frame import Table, Wanted, noting_failure
from tools.bench.results import BYTES, RATIO, Goal, Result
from tools.bench.workloads import EVERYTHING, SYMPY, WORKLOADS, Workload

_CASES = ("sympy", "django", "sqlalchemy", "botocore", "rich", "everything")
_GOAL = Goal(kind=RATIO, at_most=0.75)
_OURS = (ZIP_DEFLATED, LITEBUNDLE_SQLITE, LITEBUNDLE_ZIP, LITEBUNDLE_ZLIB, LITEBUNDLE_ZSTD)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Peer:
    """Another packer; `make` packs a tree, and returns the file."""

    name: str
    requirement: str
    make: Callable[[Environment, Path, Workload], Path]


def _shiv(environment: Environment, tree: Path, workload: Workload) -> Path:
    del workload
    out = environment.scratch / "app.pyz"
    environment.run(
        [environment.python, "-m", "shiv", "--compressed", "--site-packages", tree, "-o", out]
    )
    return out


def _pex(environment: Environment, tree: Path, workload: Workload) -> Path:
    out = environment.scratch / "app.pex"
    del tree  # it packs distributions, in wheels of their own
    environment.run(
        [environment.python, "-m", "pex", "--compile", "-o", out, *workload.requirements]
    )
    return out


def _pyinstaller(environment: Environment, tree: Path, workload: Workload) -> Path:
    main = environment.scratch / "main.py"
    main.write_text(workload.statement or "pass", encoding="utf-8")
    scratch = environment.scratch
    command: list[str | Path] = [environment.python, "-m", "PyInstaller", "--onefile", "--name"]
    command += ["app", "--paths", tree, "--distpath", scratch, "--workpath", scratch / "work"]
    environment.run([*command, "--specpath", scratch, main])
    return environment.scratch / "app"


_PEERS = (
    _Peer(name="shiv", requirement="shiv==1.0.8", make=_shiv),
    _Peer(name="pex", requirement="pex>=2.50", make=_pex),
    _Peer(name="PyInstaller", requirement="pyinstaller>=6.10", make=_pyinstaller),
)


def measure(environment: Environment, wanted: Wanted) -> list[Result]:
    """Pack every workload with everyone."""
    results: list[Result] = []
    for workload in (*WORKLOADS, EVERYTHING):
        if workload.name not in _CASES or not wanted.case(workload.name):
            continue
        takes: dict[str, Callable[[], int]] = {
            one.name: partial(_own, environment, one, workload) for one in _OURS
        }
        if workload.name == SYMPY.name:  # for the others they are as they are for this one
            takes |= {one.name: partial(_peer, environment, one, workload) for one in _PEERS}
        for name, take in takes.items():
            if name == ZIP_DEFLATED.name or wanted.contestant(name):
                goals = (_GOAL,) if name == LITEBUNDLE_ZSTD.name else ()
                result = Result(case=workload.name, contestant=name, unit=BYTES, goals=goals)
                results.append(result)
                with noting_failure(result):
                    result.values.append(take())
    return results


def _own(environment: Environment, contestant: Contestant, workload: Workload) -> int:
    return artefact(environment, contestant, workload).stat().st_size


def _peer(environment: Environment, peer: _Peer, workload: Workload) -> int:
    environment.install(peer.name, peer.requirement)
    remove(environment.scratch)
    environment.scratch.mkdir(parents=True)
    size = peer.make(environment, environment.tree(workload), workload).stat().st_size
    remove(environment.scratch)
    return size


TABLE = Table(
    name="size",
    help="compare the sizes of bundles, zips, shiv, pex and PyInstaller files",
    about="""\
Bytes of one file with sources and code of a tree (`everything` is all of them in one); the zip has
the `.py` and `.pyc` files deflated. Ours have their launcher, some 0.4 MB. PyInstaller's file has
Python in it, and of the modules only those it found to be used, without sources.""",
    runs=1,
    cases=_CASES,
    contestants=(*(one.name for one in _OURS), *(one.name for one in _PEERS)),
    measure=measure,
)
