"""Several builders of one output, alone and with processes that import from it meanwhile."""

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import litebundle
from litebundle.builder import Options, build
from litebundle.inspect.verify import verify
from litebundle.runtime.archive import open_archive
from tools.faults.children import in_children

_MODULES = 30
_READS = """
import sys, importlib, litebundle
litebundle.install()
sys.path.insert(0, sys.argv[1])
from litebundle.runtime import mount
seen = {importlib.import_module(f"m{number}").BUILD for number in range(int(sys.argv[2]))}
[kept] = mount._mounts.values()
print(*seen, kept.archive.identity)
"""


def race(directory: Path, container: str, *, builders: int = 8, rounds: int) -> int:
    """Let builders build one output as often as said, all at once; return how many builds.

    Raises AssertionError if one fails, leaves something beside it, or what stands there at the
    end is not whole and one builder's.
    """
    output, sources = _sources(directory, builders)
    options = _options(container)
    identities = {build([source], output, options).identity for source in sources}
    works = [partial(_builds, source, output, options, rounds) for source in sources]
    done: list[int] = in_children(works, patience=3600)
    assert os.listdir(output.parent) == [output.name]  # noqa: PTH208
    assert not verify(str(output)).problems
    archive = open_archive(str(output))
    assert archive is not None
    assert archive.identity in identities
    return sum(done)


def read_meanwhile(
    directory: Path, container: str, *, builders: int, readers: int, seconds: float
) -> tuple[int, int]:
    """Let processes import while builders replace the file; return how many builds and reads.

    Raises AssertionError if a process sees modules of two builds, or of none that was built.
    """
    output, sources = _sources(directory, builders)
    options = _options(container)
    identities = {str(n): build([s], output, options).identity for n, s in enumerate(sources)}
    ends = time.monotonic() + seconds
    works = [
        *(partial(_builds, source, output, options, 2, ends) for source in sources),
        *(partial(_reads, output, identities, ends) for _ in range(readers)),
    ]
    counts = in_children(works)
    return sum(counts[:builders]), sum(counts[builders:])


def _sources(directory: Path, count: int) -> tuple[Path, list[Path]]:
    output = directory / "out" / "app.bundle"
    output.parent.mkdir()
    sources = [directory / f"source{number}" for number in range(count)]
    for number, source in enumerate(sources):
        source.mkdir()
        for module in range(_MODULES):
            (source / f"m{module}.py").write_text(f"BUILD = {number}\n")
    return output, sources


def _options(container: str) -> Options:
    return Options(container=container, jobs=1)  # type: ignore[arg-type]


def _builds(source: Path, output: Path, options: Options, least: int, ends: float = 0) -> int:
    count = 0
    while count < least or time.monotonic() < ends:
        build([source], output, options)
        count += 1
    return count


def _reads(output: Path, identities: dict[str, str], ends: float) -> int:
    home = str(Path(litebundle.__file__).parents[1])
    command = [sys.executable, "-B", "-c", _READS, str(output), str(_MODULES)]
    count = 0
    while count < 2 or time.monotonic() < ends:
        done = subprocess.run(
            command, env={"PYTHONPATH": home}, capture_output=True, text=True, check=True
        )
        number, identity = done.stdout.split()
        assert identities[number] == identity
        count += 1
    return count
