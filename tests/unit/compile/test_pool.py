"""The pool: order, errors, crashing compilers, and what is left when it ends."""

import importlib.util
import marshal
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType

import pytest

from litebundle.collect.tree import Entry
from litebundle.compile import pool as pool_module
from litebundle.compile.pool import Compiled, Pool
from litebundle.compile.target import Target
from litebundle.errors import BuildError
from tests.unit.compile.sources import children, descriptors, entries, freeze, script

SLOW = "\n".join(f"def f{number}(a, b): return [a + {number} for a in b]" for number in range(3000))
NESTED = "-" * 2000 + "1"
"""Compiles, but overflows a stack of 256 kB."""

linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def _compile(
    files: Iterable[Entry],
    python: str | Path = sys.executable,
    optimize: tuple[int, ...] = (0,),
    jobs: int | None = None,
) -> list[Compiled]:
    with Pool(python, optimize, jobs) as pool:
        return list(pool.compile(files))


def _run(data: bytes) -> dict[str, object]:
    namespace: dict[str, object] = {"__name__": "module"}
    exec(marshal.loads(data), namespace)
    return namespace


@pytest.fixture
def small_stack(tmp_path: Path) -> Path:
    """Return an interpreter whose compiler crashes on NESTED."""
    return script(tmp_path / "python", "ulimit -s 256", f'exec "{sys.executable}" "$@"')


def test_code_runs_and_is_named_by_its_path(tmp_path: Path) -> None:
    """The code is what importing would run; every code object has the path in the bundle."""
    source = "def inner(): pass\nvalue = 6 * 7\n"
    (compiled,) = _compile(entries(tmp_path, {"pkg/mod.py": source}))
    assert (compiled.path, compiled.source, compiled.error) == ("pkg/mod.py", source.encode(), None)
    (data,) = compiled.codes
    code = marshal.loads(data)
    nested = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    assert {code.co_filename, *(inner.co_filename for inner in nested)} == {"pkg/mod.py"}
    assert len(nested) == 1
    assert _run(data)["value"] == 42


def test_code_is_compiled_at_every_level_asked_for(tmp_path: Path) -> None:
    """One code object a level, in the order of the levels, as -O and -OO would have it."""
    source = (
        '"""Doc."""\n'
        "asserted = False\n"
        "try:\n"
        "    assert asserted\n"
        "except AssertionError:\n"
        "    asserted = True\n"
    )
    (compiled,) = _compile(entries(tmp_path, {"m.py": source}), optimize=(2, 0, 1))
    results = [(run["asserted"], run.get("__doc__")) for run in map(_run, compiled.codes)]
    assert results == [(False, None), (True, "Doc."), (False, "Doc.")]


def test_the_target_is_the_interpreter_asked() -> None:
    """What the code is for is told by the interpreter that compiles it."""
    with Pool(optimize=(0, 2)) as pool:
        assert pool.target == Target(
            implementation=sys.implementation.name,
            version=".".join(map(str, sys.version_info[:3])),
            cache_tag=str(sys.implementation.cache_tag),
            abiflags=getattr(sys, "abiflags", ""),
            magic=importlib.util.MAGIC_NUMBER,
            build=sys.version,
            optimize=(0, 2),
        )


def test_workers_have_one_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of Python's variables only the hash seed is set, to 0; the others are handed on."""
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    monkeypatch.setenv("PYTHONHASHSEED", "5")
    monkeypatch.setenv("OTHER", "kept")
    seen = tmp_path / "seen"
    python = script(
        tmp_path / "python",
        f'env > "{seen}"',
        f'echo "$*" >> "{seen}"',
        f'exec "{sys.executable}" "$@"',
    )
    with Pool(python):
        lines = seen.read_text().splitlines()
    assert [line for line in lines if line.startswith("PYTHON")] == ["PYTHONHASHSEED=0"]
    assert "OTHER=kept" in lines
    assert lines[-1].startswith("-s -S -P -W ignore /")


def test_results_come_in_the_order_of_the_entries(tmp_path: Path) -> None:
    """A file that takes long does not let later ones pass it."""
    sources = {"slow.py": SLOW} | {f"m{number:03}.py": f"x = {number}" for number in range(300)}
    files = entries(tmp_path, sources)
    assert [c.path for c in _compile(files, jobs=3)] == list(sources)
    assert [c.path for c in _compile(reversed(files), jobs=3)] == list(reversed(sources))


def test_nothing_to_compile_yields_nothing() -> None:
    """An application without Python sources is none the worse."""
    assert _compile([]) == []


@pytest.mark.fault(45)
@pytest.mark.parametrize(
    ("source", "error"),
    [
        (b"a = 1\n\nb = = 2\n", "SyntaxError: invalid syntax (line 3)"),
        (b"if x:\npass\n", "IndentationError: expected an indented block after 'if'"),
        (b"# coding: klingon\n", "SyntaxError: unknown encoding: klingon"),
        (b"x = '\xff'\n", "SyntaxError: (unicode error) 'utf-8' codec can't decode byte 0xff"),
        (b"print 'python 2'\n", "SyntaxError: Missing parentheses in call to 'print'."),
        (b"x = 1\0\n", "source code string cannot contain null bytes"),
        (b"x = " + b"9" * 5000, "SyntaxError: Exceeds the limit (4300 digits) for integer"),
        (b"(" * 1000 + b")" * 1000, "SyntaxError: too many nested parentheses (line 1)"),
        (b"x" + b"." + b"a." * 100_000 + b"a", "RecursionError: maximum recursion depth exceeded"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_file_that_does_not_compile_has_the_reason(
    tmp_path: Path, source: bytes, error: str
) -> None:
    """Its source is kept, its neighbours compile, and the error says what importing would."""
    files = entries(tmp_path, {"a.py": "a = 1", "bad.py": source, "z.py": "z = 1"})
    before, bad, after = _compile(files)
    assert (bad.source, bad.codes) == (source, ())
    assert bad.error is not None
    assert error in bad.error
    assert (before.error, after.error) == (None, None)
    assert _run(after.codes[0])["z"] == 1


@pytest.mark.fault(45)
def test_unusual_sources_compile(tmp_path: Path) -> None:
    """Encodings, line ends, empty files and warnings are the compiler's affair, and pass."""
    files = entries(
        tmp_path,
        {
            "latin.py": b"# coding: latin-1\nx = '\xe9'\n",
            "bom.py": b"\xef\xbb\xbfx = '\xc3\xa9'\n",
            "crlf.py": b"x = '''\r\n'''\r\n",
            "empty.py": b"",
            "warns.py": b"x = '\\d' is 'd'\n",
            "caf\xe9 \U0001f600.py": b"x = 1",
        },
    )
    compiled = _compile(files)
    assert [c.error for c in compiled] == [None] * len(files)
    values = [_run(c.codes[0]).get("x") for c in compiled]
    assert values == ["é", "é", "\n", None, False, 1]


def test_an_unreadable_file_ends_the_iteration(tmp_path: Path) -> None:
    """What cannot be read is an error of the build, named with its file."""
    files = entries(tmp_path, {"a.py": "", "gone.py": "", "z.py": ""})
    Path(files[1].location).unlink()
    with pytest.raises(BuildError, match="cannot be read"):
        _compile(files)


@pytest.mark.fault(45, 46)
@linux
def test_a_source_that_crashes_the_compiler_is_the_only_victim(
    tmp_path: Path, small_stack: Path
) -> None:
    """The worker is replaced; the files compiled together with the culprit are not lost."""
    sources = {f"m{number}.py": f"x = {number}" for number in range(20)}
    sources["m7.py"] = NESTED
    compiled = _compile(entries(tmp_path, sources), python=small_stack, jobs=2)
    assert [c.path for c in compiled] == list(sources)
    errors = {c.path: c.error for c in compiled if c.error}
    assert errors == {"m7.py": "the compiler crashed: killed by signal 11 (Segmentation fault)"}
    assert [_run(c.codes[0])["x"] for c in compiled if c.codes] == [n for n in range(20) if n != 7]


@linux
def test_workers_killed_by_somebody_else_are_replaced(tmp_path: Path) -> None:
    """The out-of-memory killer costs time, not results."""
    files = entries(tmp_path, {f"m{number}.py": SLOW + f"\nx = {number}" for number in range(8)})
    with Pool(jobs=2) as pool:
        results = pool.compile(files)
        compiled = [next(results)]
        for worker in children(os.getpid()):
            os.kill(worker, signal.SIGKILL)
        compiled += results
    assert [(c.path, c.error) for c in compiled] == [(entry.path, None) for entry in files]


@linux
@pytest.mark.parametrize("ending", ["exhausted", "abandoned", "closed", "failed", "crashed"])
def test_nothing_is_left_behind(tmp_path: Path, small_stack: Path, ending: str) -> None:
    """However an iteration ends, no process, zombie or descriptor remains.

    Leaving early does not wait for the workers: they are stopped, and would not answer.
    """
    sources = {f"m{number}.py": SLOW for number in range(6)} | {"nested.py": NESTED}
    files = entries(tmp_path, sources)
    open_before, children_before = descriptors(), children(os.getpid())
    with Pool(small_stack if ending == "crashed" else sys.executable, jobs=2) as pool:
        results = pool.compile(files)
        next(results)
        if ending in ("exhausted", "crashed"):
            list(results)
        else:
            freeze(children(os.getpid()) - children_before)
        if ending == "abandoned":
            del results
            assert children(os.getpid()) == children_before
        elif ending == "failed":
            with pytest.raises(KeyboardInterrupt):
                results.throw(KeyboardInterrupt)
    assert children(os.getpid()) == children_before
    assert descriptors() == open_before


@linux
def test_interrupting_the_builder_ends_its_workers(tmp_path: Path) -> None:
    """Ctrl-C reaches the whole terminal's group; the builder ends by it, and at once."""
    entries(tmp_path, {f"m{number}.py": SLOW for number in range(6)})
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from litebundle.collect.directory import collect\n"
        "from litebundle.compile.pool import Pool\n"
        "with Pool(jobs=2) as pool:\n"
        "    for compiled in pool.compile(collect([Path(sys.argv[1])]).entries):\n"
        "        print(compiled.path, flush=True)\n"
    )
    builder = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        process_group=0,
    )
    with builder:
        assert builder.stdout is not None
        assert builder.stdout.readline() == b"m0.py\n"
        workers = children(builder.pid)
        freeze(workers)
        os.killpg(builder.pid, signal.SIGINT)
        _, errors = builder.communicate(timeout=60)
    assert len(workers) == 2
    assert not [worker for worker in workers if Path(f"/proc/{worker}").exists()]
    assert builder.returncode == -signal.SIGINT
    assert errors.decode().count("Traceback") == 1


def test_only_so_much_is_read_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The results not taken yet bound what is in memory, however many files there are."""
    monkeypatch.setattr(pool_module, "_AHEAD", 300_000)
    files = entries(tmp_path, {f"m{number}.py": "#" * 10_000 for number in range(200)})
    read = 0

    def counted() -> Iterator[Entry]:
        nonlocal read
        for entry in files:
            read += 1
            yield entry

    with Pool(jobs=2) as pool:
        for taken, _ in enumerate(pool.compile(counted()), 1):
            assert (read - taken) * 10_000 < 300_000 + 2 * 64 * 1024
    assert taken == 200


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["exit 3"], "exit status 3"),
        (["echo 'Unknown option: -P' >&2", "echo usage >&2", "exit 2"], "Unknown option: -P"),
        (["echo 'Traceback:' >&2", "echo 'ImportError: no' >&2", "exit 1"], "ImportError: no"),
        (["kill -9 $$"], "killed by signal 9 (Killed)"),
        (["echo a line longer than eight bytes", "exec sleep 60"], "killed by signal 9 (Killed)"),
        (
            [r"printf '\003\000\000\000\000\000\000\000abc'", "exec sleep 60"],
            "it does not behave like Python",
        ),
        (
            [r"printf '\005\000\000\000\000\000\000\000i\001\000\000\000'", "exec sleep 60"],
            "it identified itself as 1",
        ),
    ],
)
def test_an_interpreter_that_is_none_is_refused(
    tmp_path: Path, lines: list[str], reason: str
) -> None:
    """Whatever the program does instead of answering, the error says what is known of it."""
    python = script(tmp_path / "python", *lines)
    with pytest.raises(BuildError) as caught:
        Pool(python)
    assert caught.value.message == f"cannot compile with {python}: {reason}"
    assert caught.value.hint == "name a working CPython, version 3.11 or newer"


def test_an_interpreter_that_does_not_start_is_refused(tmp_path: Path) -> None:
    """A missing or unexecutable interpreter is an error of the build, with the reason."""
    with pytest.raises(BuildError, match="python: No such file or directory"):
        Pool(tmp_path / "python")
    with pytest.raises(BuildError, match="Permission denied"):
        Pool(tmp_path)


@linux
def test_an_interpreter_that_hangs_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that reads and never answers is killed after a while, its children too."""
    monkeypatch.setattr("litebundle.compile.process._GREETING_SECONDS", 0.2)
    before = children(os.getpid())
    with pytest.raises(BuildError, match="killed by signal 9"):
        Pool(script(tmp_path / "python", "sleep 60", "exit 0"))
    assert children(os.getpid()) == before
