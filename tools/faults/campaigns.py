"""What takes too long for the suite, with the suite's own code; each yields lines of the page."""

import errno
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from litebundle.builder import Options, build
from tools.faults import builders, flips, forks, injected, kills, shim, subjects

CONTAINERS = ("sqlite", "zip")
_ERRORS = ("EIO", "ENOSPC", "EINTR", "ESTALE", "EMFILE")


def run_kills(count: int = 200) -> Iterator[str]:
    """Kill, and interrupt, each command that writes, so many times; and kill it at each step."""
    yield "| kills | signal | intact | old | new | left aside, and removed | exit |"
    yield "|---|---|---:|---:|---:|---:|---|"
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        builds = [subjects.building(base, kind) for kind in CONTAINERS]
        placing = subjects.placing(base)
        every = [*builds, placing, *subjects.deploying(base, CONTAINERS[0])]
        for number in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM):
            for subject in every:
                yield _ended(kills.killed(subject, count, number=number), number.name)
        for subject in every:
            yield _ended(kills.killed_at_steps(subject), "SIGKILL at each step")
    yield ""


def _ended(tally: kills.Tally, how: str) -> str:
    exits = ", ".join(f"{many} of {code}" for code, many in tally.statuses.most_common())
    return (
        f"| {tally.name} | {how} | {tally.intact}/{tally.runs} | {tally.states[kills.OLD]}"
        f" | {tally.states[kills.NEW]} | {tally.aside} | {exits} |"
    )


def run_flips(bits: int = 8) -> Iterator[str]:
    """Flip bits of each byte of a small bundle, and one in each page of a large one."""
    titles = "its module raises | its directory | refused | left to others | no difference"
    yield f"| flipped | bits | {titles} | other code |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for kind in CONTAINERS:
        with tempfile.TemporaryDirectory() as folder:
            bundle = flips.small(Path(folder), kind)
            places = [8 * byte + bit for byte in range(len(bundle.data)) for bit in range(bits)]
            yield _flipped(f"20 modules, {kind}", bundle, places)
            codes = [8 * byte + bit for r in bundle.codes for byte in r for bit in range(bits)]
            yield _flipped(f"their code alone, {kind}", bundle, codes)
    yield ""


def _flipped(what: str, bundle: flips.Bundle, places: list[int]) -> str:
    found = flips.verdicts(bundle, flips.flip(bundle.data), places)
    one = found["1 raised"]
    more = sum(count for verdict, count in found.items() if "raised" in verdict) - one
    cells = (one, more, found[flips.REFUSED], found[flips.NOT_OURS], found[flips.EQUAL], 0)
    return f"| {what} | {len(places):,} | " + " | ".join(f"{cell:,}" for cell in cells) + " |"


def run_forks(count: int = 600) -> Iterator[str]:
    """Fork under threads that import, and 1,000 times without threads."""
    yield "| forks | container | children that imported |"
    yield "|---|---|---:|"
    for kind in CONTAINERS:
        for threads, many in ((True, count), (False, 1000)):
            with tempfile.TemporaryDirectory() as folder:
                bundle = forks.made(Path(folder), kind, many)
                found = forks.storm(bundle, many, threads=threads)
                what = "under 4 threads" if threads else "of one thread"
                yield f"| {what} | {kind} | {found[0]}/{many} |"
    yield ""


def run_builders(rounds: int = 50) -> Iterator[str]:
    """Let eight builders race, and four replace what sixteen import from."""
    yield "| builders | container | as it should be |"
    yield "|---|---|---:|"
    for kind in CONTAINERS:
        with tempfile.TemporaryDirectory() as folder:
            done = builders.race(Path(folder), kind, rounds=rounds)
            yield f"| 8 of one output, builds | {kind} | {done}/{8 * rounds} |"
        with tempfile.TemporaryDirectory() as folder:
            built, read = builders.read_meanwhile(
                Path(folder), kind, builders=4, readers=16, seconds=20
            )
            yield f"| imports of 16 readers during {built} builds of 4 | {kind} | {read}/{read} |"
    yield ""


def run_io() -> Iterator[str]:
    """Fail each call, with each error, in each way, of builds and imports."""
    yield "| calls failed | container | error | once | from then on | on that handle |"
    yield "|---|---|---|---:|---:|---:|"
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        library = shim.build(base)
        source = base / "source"
        (source / "pkg").mkdir(parents=True)
        for name in ("top", "pkg", "pkg.sub"):
            path = {"top": "top.py", "pkg": "pkg/__init__.py", "pkg.sub": "pkg/sub.py"}[name]
            (source / path).write_text(f"VALUE = {name!r}\n")
        for kind in CONTAINERS:
            for work in (_building(base, kind), _loading(base, kind)):
                for name in (*_ERRORS, "short"):
                    error = getattr(errno, name, shim.SHORT)
                    cells = [
                        _survived(library, work(error, mode))
                        if name != "EINTR" or mode == shim.ONCE  # Python repeats it for ever
                        else ""
                        for mode in (shim.ONCE, shim.LATER, shim.HANDLE)
                    ]
                    yield f"| {work(0, 0).kind} | {kind} | {name} | " + " | ".join(cells) + " |"
    yield ""


Making = Callable[[int, int], injected.Work]


def _building(base: Path, kind: str) -> Making:
    output = base / f"build-{kind}" / "app.bundle"
    output.parent.mkdir()
    output.write_bytes(b"old")
    options = ("--format", kind, "--no-launcher", "-q", "-j", "1")
    return lambda error, mode: injected.Work(
        kind="build",
        arguments=(str(base / "source"), "-o", str(output), *options),
        output=str(output),
        path=str(output.parent),
        calls="open,read,write,pread,pwrite,fsync,rename",
        error=error,
        mode=mode,
    )


def _loading(base: Path, kind: str) -> Making:
    output = base / f"load-{kind}.bundle"
    build([base / "source"], output, Options(container=kind, jobs=1))  # type: ignore[arg-type]
    return lambda error, mode: injected.Work(
        kind="load",
        arguments=("top", "pkg", "pkg.sub"),
        output=str(output),
        path=str(output),
        calls="open,pread,fstat",
        error=error,
        mode=mode,
    )


def _survived(library: Path, work: injected.Work) -> str:
    """Return how many outcomes were as they should be, of all."""
    outcomes = injected.run(library, work)
    good = [outcome for outcome in outcomes if _good(work, outcome)]
    return f"{len(good)}/{len(outcomes)}"


def _good(work: injected.Work, outcome: injected.Outcome) -> bool:
    if work.kind == "load":
        refusal = f"BundleIOError,BundleError,OSError {work.error} {work.output}"
        return (
            set(outcome.first) <= {"", refusal}
            and not any(outcome.second)
            and not outcome.remembered
        )
    told = outcome.message.startswith(f"error: {work.output}: cannot be ")
    said = (outcome.status == 1 and told and outcome.message.count("\n") == 2) or (
        (outcome.status, outcome.message) == (0, "")
    )
    return said and outcome.beside == (os.path.basename(work.output),)  # noqa: PTH119


ALL: dict[str, Callable[[], Iterator[str]]] = {
    "io": run_io,
    "flips": run_flips,
    "kills": run_kills,
    "forks": run_forks,
    "builders": run_builders,
}

if __name__ == "__main__":
    for line in ALL[sys.argv[1]]():
        print(line, flush=True)
