"""What an import costs does not follow the size of the bundle, nor where in the file things are."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from litebundle.builder import Options, build
from litebundle.errors import BundleIOError
from litebundle.format import PIECE
from litebundle.runtime import archive as archives
from litebundle.runtime import descriptor
from litebundle.runtime.archive import open_archive
from litebundle.runtime.finder import path_hook
from tools.bench import crowd, sparse

Container = Literal["sqlite", "zip"]

_PACKAGES = 100  # side by side
_MODULES = 20  # in each


def _bundle(directory: Path, groups: int, container: Container) -> Path:
    """Build a bundle of 2,000 modules a group, of which no two are equal."""
    source = directory / f"source-{groups}"
    for number in range(groups * _PACKAGES * _MODULES):
        package, module = divmod(number, _MODULES)
        group, package = divmod(package, _PACKAGES)
        path = source / f"g{group}" / f"p{package:02}" / f"m{module:02}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"VALUE = {number}\n")
    build([source], directory / f"{groups}.bundle", Options(container=container, jobs=1))
    return directory / f"{groups}.bundle"


@dataclass
class Reads:
    """What was read of bundles: how often, and how many bytes."""

    number: int = 0
    bytes: int = 0


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Reads:
    """Return what is read from now on, in this process."""
    found = Reads()
    original = descriptor.pread

    def pread(fd: int, size: int, offset: int) -> bytes:
        data: bytes = original(fd, size, offset)
        found.number += 1
        found.bytes += len(data)
        return data

    monkeypatch.setattr(descriptor, "pread", pread)
    monkeypatch.setattr(archives, "pread", pread)
    return found


def _cost(path: Path, reads: Reads) -> tuple[int, int]:
    """Return how often and how much is read to open a bundle and get one module's code."""
    before = reads.number, reads.bytes
    archive = open_archive(str(path))
    assert archive is not None
    listing = archive.listing("g0/p07")
    assert listing is not None
    assert archive.variant is not None
    index = listing.find_module("m11")
    assert index is not None
    assert archive.code(listing.code(archive.variant, index))
    return reads.number - before[0], reads.bytes - before[1]


@pytest.mark.parametrize("into", ["sqlite", "zip"])
def test_opening_costs_the_same_for_any_number_of_modules(
    tmp_path: Path, reads: Reads, into: Container
) -> None:
    """A module of 8,000 is read with as many reads as one of 2,000, and as few bytes.

    Some of a database's reads are of whole pages, of at most 64 KiB.
    """
    small, large = (_cost(_bundle(tmp_path, groups, into), reads) for groups in (1, 4))
    assert small[0] == large[0] <= 12
    assert large[1] <= small[1] + {"sqlite": 4 * 65536, "zip": 1024}[into]


@pytest.mark.parametrize("into", ["sqlite", "zip"])
def test_opening_costs_the_same_for_any_number_of_packages_side_by_side(
    tmp_path: Path, reads: Reads, into: Container
) -> None:
    """A first import out of 5,000 packages on top reads a small piece more than out of 100."""
    costs = []
    for number in (100, 5000):
        source = tmp_path / f"{number}"
        for package in range(number):
            (source / f"p{package:04}").mkdir(parents=True)
            (source / f"p{package:04}" / "__init__.py").write_text(f"VALUE = {package}\n")
        out = tmp_path / f"{number}.bundle"
        build([source], out, Options(container=into, jobs=1))
        before = reads.number, reads.bytes
        spec = path_hook(str(out)).find_spec("p0042")
        assert spec is not None
        assert spec.loader is not None
        assert spec.loader.get_code("p0042") is not None  # type: ignore[attr-defined]
        costs.append((reads.number - before[0], reads.bytes - before[1]))
    small, large = costs
    assert large[0] <= small[0] + 1
    assert large[1] <= small[1] + 16384


def test_a_name_that_is_not_there_reads_nothing(
    tmp_path: Path, reads: Reads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every import of others passes the bundle: after the first, without a system call."""
    finder = path_hook(str(_bundle(tmp_path, 1, "sqlite")))
    assert finder.find_spec("absent") is None
    before = reads.number
    for name in ("stat", "fstat", "open"):
        monkeypatch.delattr(f"litebundle.runtime.descriptor._os.{name}")
    assert [finder.find_spec(f"absent{number}") for number in range(1000)] == [None] * 1000
    assert reads.number == before


def test_offsets_are_of_any_size(tmp_path: Path, reads: Reads) -> None:
    """Behind 5 GB of nothing everything is found where its reference says, and as fast."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "m.py").write_text("VALUE = 1\n")
    (tmp_path / "source" / "large.py").write_text(f"VALUE = {'x' * 100_000!r}\n")
    sizes = (1 << 20, 5 << 30)
    script = str(sparse.__file__)
    costs = []
    for size in sizes:
        out = tmp_path / f"{size}.bundle"
        subprocess.run([sys.executable, script, tmp_path / "source", out, str(size)], check=True)
        assert out.stat().st_size > size
        assert out.stat().st_blocks * 512 < 1 << 23  # most of it is a hole
        archive = open_archive(str(out))
        assert archive is not None
        listing = archive.listing("")
        assert listing is not None
        before = reads.number
        for name in listing.modules:
            assert archive.code(listing.code(0, listing.modules[name]))
        costs.append(reads.number - before)
    assert costs[0] == costs[1]


@pytest.mark.parametrize("into", ["sqlite", "zip"])
def test_a_module_may_be_a_large_one(tmp_path: Path, into: Container) -> None:
    """Code of more than a piece is checked by the piece, and imported like any other."""
    size = PIECE + 1000
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "large.py").write_text(f"VALUE = {'x' * size!r}\n")
    build([tmp_path / "source"], tmp_path / "b", Options(container=into, jobs=1))
    code = "import litebundle, sys; litebundle.install(); sys.path.insert(0, sys.argv[1])\n"
    code += "import large; print(len(large.VALUE), large.__file__)"
    command = [sys.executable, "-c", code, str(tmp_path / "b")]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert done.stdout.split() == [str(size), str(tmp_path / "b" / "large.py")]


_MANY = """
import os, resource, sys
import litebundle
litebundle.install()
directory, number, limit = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
before = len(os.listdir("/dev/fd"))
sys.path[:0] = [f"{directory}/{each}.bundle" for each in range(number)]
try:
    import absent
except ImportError:
    print(len(os.listdir("/dev/fd")) - before)
except litebundle.BundleError as error:
    print(type(error).__name__, error.hint)
"""


def _pass_by(directory: Path, number: int, limit: int) -> str:
    """Import in vain past a number of bundles, with at most so many descriptors."""
    arguments = [str(directory), str(number), str(limit)]
    command = [sys.executable, "-c", _MANY, *arguments]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no RLIMIT_NOFILE")
def test_each_bundle_on_the_path_takes_one_descriptor(tmp_path: Path) -> None:
    """And where there are too few, the error says so: no import is wrong about what is there."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "m.py").write_text("VALUE = 1\n")
    build([tmp_path / "source"], tmp_path / "0.bundle", Options(jobs=1))
    for number in range(1, 300):
        (tmp_path / f"{number}.bundle").write_bytes((tmp_path / "0.bundle").read_bytes())
    assert _pass_by(tmp_path, 300, 350).split() == ["300"]
    name, _, hint = _pass_by(tmp_path, 300, 200).partition(" ")
    assert name == BundleIOError.__name__
    assert "raise the limit (ulimit -n)" in hint


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the memory is read from /proc")
def test_many_processes_share_a_bundle(tmp_path: Path) -> None:
    """Twenty at once import from one file; no process needs more memory of its own for it."""
    code = "import litebundle, sys; litebundle.install(); sys.path.insert(0, sys.argv[1])\n"
    code += "from g0.p07 import m11\nprint(flush=True)\nsys.stdin.read()"
    python = [sys.executable, "-c", code, str(_bundle(tmp_path, 1, "sqlite"))]
    figures = []
    for number in (1, 20):
        command = [sys.executable, str(crowd.__file__), str(number), *python]
        done = subprocess.run(command, capture_output=True, check=True, text=True)
        figures.append(float(done.stdout.strip("()\n").split(",")[1]))
    assert figures[1] <= figures[0] + (1 << 20)
