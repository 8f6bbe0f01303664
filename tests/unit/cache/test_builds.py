"""Builds with the cache: the same bytes as without it, and nothing done twice."""

import marshal
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from litebundle.builder import Options, build
from litebundle.collect.inputs import Inputs
from litebundle.compile.process import Answer, Source, Worker
from litebundle.place.analyser import Analyser, Evidence
from litebundle.report import Report
from litebundle.write.encoding import Encoded, zstandard
from tests.unit.collect.trees import make

FILES: Mapping[str, str] = {
    "pkg/__init__.py": "",
    "pkg/one.py": "def one(): return 1\n",
    "pkg/two.py": "TEXT = 'two'\n" * 50,
    "pkg/reads.py": "import os\nHERE = os.path.dirname(__file__)\nopen(HERE + '/data.txt')\n",
    "pkg/asks.py": "from pkg import reads\n",
    "pkg/data.txt": "data " * 100,
    "same.py": "VALUE = 1\n",
    "other/same.py": "VALUE = 1\n",
    "bad.py": "def\n",
    "latin.py": "# -*- coding: latin-1 -*-\nx = '\xe9'\n",
}


class Work:
    """What builds did: processes started, sources compiled by them, trees analysed."""

    def __init__(self) -> None:
        self.processes = 0
        self.compiled: list[str] = []
        self.analysed = 0


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """Count from here on."""
    seen = Work()
    start, ask, analyse = subprocess.Popen, Worker.compile, Analyser.evidence

    def popen(*arguments: Any, **options: Any) -> Any:
        seen.processes += 1
        return start(*arguments, **options)

    def compile_(self: Worker, levels: tuple[int, ...], batch: list[Source]) -> list[Answer]:
        seen.compiled += [path for path, _ in batch]
        return ask(self, levels, batch)

    def evidence(self: Analyser, *, thorough: bool) -> dict[str, Evidence]:
        seen.analysed += 1
        return analyse(self, thorough=thorough)

    monkeypatch.setattr(subprocess, "Popen", popen)
    monkeypatch.setattr(Worker, "compile", compile_)
    monkeypatch.setattr(Analyser, "evidence", evidence)
    return seen


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a directory of modules that was left alone for a while."""
    made = make(tmp_path / "site", FILES)
    time.sleep(0.15)
    return made


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the cache is: nowhere yet."""
    monkeypatch.setenv("LITEBUNDLE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "builds"


def _built(site: Path, *, cache: bool = True, **options: Any) -> tuple[bytes, Report]:
    output = site.parent / "out.bundle"
    report = build([site], output, Options(cache=cache, jobs=2, **options))
    return output.read_bytes(), report


@pytest.mark.parametrize("kind", ["sqlite", "zip"])
def test_the_bytes_are_those_of_a_build_without_it(site: Path, kind: str) -> None:
    """Whether the cache is empty, full, or about an older state of the sources."""
    options: dict[str, Any] = {"container": kind, "optimize": (0, 2)}
    expected, report = _built(site, cache=False, **options)
    assert [u.path for u in report.uncompiled] == ["bad.py"]
    for _ in range(2):
        found, again = _built(site, **options)
        assert found == expected
        assert again.uncompiled == report.uncompiled
        assert again.placed == report.placed
    (site / "pkg" / "one.py").write_text("def one(): return 2\n")
    assert _built(site, **options)[0] == _built(site, cache=False, **options)[0] != expected


def test_an_unchanged_build_compresses_nothing_anew(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What zstd made, and that it made nothing, is kept; other bytes are compressed."""
    (site / "noise.bin").write_bytes(os.urandom(5000))
    expected, _ = _built(site, cache=False, compress="zstd")
    assert _built(site, compress="zstd")[0] == expected
    compressed = []

    def counted(data: bytes, digest: bytes, zstd: object) -> Encoded:
        compressed.append(len(data))
        return zstandard(data, digest, zstd)

    monkeypatch.setattr("litebundle.cache.cache.zstandard", counted)
    assert _built(site, compress="zstd")[0] == expected
    assert compressed == []
    (site / "pkg" / "one.py").write_text("def one(): return 2\n")
    assert _built(site, compress="zstd")[0] == _built(site, cache=False, compress="zstd")[0]
    assert compressed


def test_an_unchanged_build_starts_no_compiler(site: Path, work: Work) -> None:
    """Nor for a file that does not compile, and nothing is analysed; the launcher included."""
    _built(site)
    assert work.processes
    work.processes = work.analysed = 0
    _, report = _built(site)
    assert (work.processes, work.analysed) == (0, 0)
    assert report.modules == len([path for path in FILES if path.endswith(".py")]) - 1


def test_one_changed_module_is_one_compiled(site: Path, work: Work) -> None:
    """By one process, and without a look at the others' ways with paths."""
    _built(site)
    work.processes, work.analysed, work.compiled = 0, 0, []
    (site / "pkg" / "one.py").write_text("def one(): return 2\n")
    _built(site)
    assert (work.processes, work.analysed, work.compiled) == (1, 0, ["pkg/one.py"])


def test_another_project_shares_what_is_equal(site: Path, tmp_path: Path, work: Work) -> None:
    """The path in the bundle is part of the code, and where the sources lie is not."""
    _built(site)
    work.compiled = []
    elsewhere = make(tmp_path / "elsewhere", {**FILES, "moved.py": FILES["same.py"]})
    expected, _ = _built(elsewhere, cache=False)
    work.compiled = []
    assert _built(elsewhere)[0] == expected
    assert work.compiled == ["moved.py"]


def test_other_levels_are_other_code(site: Path, work: Work) -> None:
    """A level that was not asked for before is compiled, and then kept beside the other."""
    _built(site, optimize=(0,))
    work.processes = 0
    _built(site, optimize=(0, 2))
    assert work.processes
    work.processes = 0
    _built(site, optimize=(2,), launch=None)
    _built(site, optimize=(0,))
    assert work.processes == 0


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("pkg/reads.py", "import os\nHERE = 1\n"),  # said something
        ("pkg/one.py", "import os\nos.listdir(os.path.dirname(__file__))\n"),  # does so now
        ("pkg/asks.py", "from pkg import reads\nprint(reads.HERE)\n"),  # uses what another says
        ("pkg/new.py", "import os\nos.listdir(os.path.dirname(__file__))\n"),
        ("pkg/more.txt", "more"),
    ],
)
def test_what_matters_is_analysed_again(site: Path, work: Work, path: str, source: str) -> None:
    """What is placed is what it would be without a cache."""
    _built(site)
    work.analysed = 0
    (site / path).write_text(source)
    found, report = _built(site)
    assert work.analysed == 1
    expected, without = _built(site, cache=False)
    assert (found, report.placed) == (expected, without.placed)


def test_damage_is_compiled_again(site: Path, cache: Path, work: Work) -> None:
    """A flipped bit anywhere changes nothing but the time it takes."""
    expected, _ = _built(site)
    [pack] = cache.glob("*.pack")
    data = bytearray(pack.read_bytes())
    for at in range(0, len(data), 16):
        data[at] ^= 4
    pack.write_bytes(data)
    assert _built(site)[0] == expected
    pack.unlink()
    for seen in cache.glob("*.seen"):
        seen.write_bytes(marshal.dumps("nonsense"))
    work.processes = 0
    assert _built(site)[0] == expected
    assert _built(site)[0] == expected


def test_damaged_code_is_compiled_alone(site: Path, cache: Path, work: Work) -> None:
    """In the midst of what is kept, in its order."""
    expected, _ = _built(site)
    [pack] = cache.glob("*.pack")
    data = pack.read_bytes()
    for name in (b"\x03one", b"\x04VALUE"):
        assert name[1:] in data
    at = data.index(b"other/same.py")
    pack.write_bytes(data[:at] + b"O" + data[at + 1 :])
    work.compiled = []
    assert _built(site)[0] == expected
    assert work.compiled == ["other/same.py"]
    work.compiled = []
    assert _built(site)[0] == expected
    assert work.compiled == []


def test_other_interpreters_have_their_own_code(site: Path, tmp_path: Path, work: Work) -> None:
    """One that is not the running one is asked who it is, and then compiles nothing twice."""
    python = tmp_path / "python"
    python.symlink_to(sys.executable)
    options: dict[str, Any] = {"inputs": Inputs(python_version=(str(python),))}
    expected, _ = _built(site, cache=False, **options)
    _built(site, **options)
    work.compiled = []
    assert _built(site, **options)[0] == expected
    assert work.compiled == []


def test_a_cache_that_is_not_safe_is_not_used(site: Path, cache: Path) -> None:
    """What others can write to is not executed; the summary says so."""
    cache.mkdir(parents=True)
    cache.chmod(0o777)
    _, report = _built(site)
    [warning] = report.warnings
    assert warning.startswith(f"the cache is not used: {cache} can be written by other users")
    assert list(cache.iterdir()) == []
    cache.chmod(0o700)
    cache.parent.chmod(0o777)
    [warning] = _built(site)[1].warnings
    assert str(cache.parent) in warning


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_that_cannot_be_written_is_no_error(site: Path, cache: Path) -> None:
    """A build in a read-only home is one without a cache."""
    cache.parent.mkdir()
    cache.parent.chmod(0o500)
    expected, _ = _built(site, cache=False)
    assert _built(site)[0] == expected
