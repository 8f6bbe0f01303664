"""The worker script, spoken to over its pipes as the pool does it."""

import fcntl
import marshal
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import pytest

from litebundle.compile import worker
from litebundle.compile.process import Worker
from litebundle.errors import BuildError

_ROOT = Path(worker.__file__).parents[2]


def _message(content: Any) -> bytes:
    data = marshal.dumps(content, worker.MARSHAL_VERSION)
    return len(data).to_bytes(8, "little") + data


def _messages(stream: bytes) -> list[Any]:
    found = []
    while stream:
        end = 8 + int.from_bytes(stream[:8], "little")
        found.append(marshal.loads(stream[8:end]))
        stream = stream[end:]
    return found


def _speak(requests: bytes, root: Path = _ROOT) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-s", "-S", "-P", worker.__file__, str(root)]
    return subprocess.run(
        command, input=requests, env={}, capture_output=True, check=True, timeout=60
    )


def test_requests_are_answered_in_order() -> None:
    """One answer a request, one result a file, until the input ends."""
    batch = [("a.py", b"a = 1"), ("b.py", b"b ="), ("c.py", b"")]
    spoken = _speak(_message(((0, 1), batch)) + _message(None) + _message(((0,), [])))
    (good, bad, empty), identity, nothing = _messages(spoken.stdout)
    assert [marshal.loads(code).co_names for code in good[0]] == [("a",), ("a",)]
    assert (good[1], empty[1], nothing) == (None, None, [])
    assert bad == ((), "SyntaxError: invalid syntax (line 1)")
    assert identity[0] == sys.implementation.name
    assert spoken.stderr == b""


@pytest.mark.parametrize("end", [0, 3, 8, 20])
def test_the_worker_ends_when_the_builder_is_gone(end: int) -> None:
    """A stream that breaks off, be it in a length or a message, is the end and no error."""
    request = _message(((0,), [("a.py", b"a = 1")]))
    spoken = _speak(request + request[:end])
    assert len(_messages(spoken.stdout)) == 1
    assert spoken.stderr == b""


def test_what_compiling_prints_does_not_get_between_the_answers(tmp_path: Path) -> None:
    """Standard output belongs to the protocol; whatever else is written to it goes to stderr."""
    package = tmp_path / "litebundle/format"
    package.mkdir(parents=True)
    (package / "canonical.py").write_text(
        "import os\n"
        "def canonical(data):\n"
        "    print('printed', flush=True)\n"
        "    os.write(1, b'written')\n"
        "    return data\n"
    )
    request = _message(((0,), [("a.py", b"a = 1")]))
    spoken = _speak(request + request, tmp_path)
    assert [answer[0][1] for answer in _messages(spoken.stdout)] == [None, None]
    assert spoken.stderr == b"printed\nwritten" * 2


def test_a_fault_of_our_own_is_not_taken_for_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failing canonical() gives a message instead of answers, and the build fails with it."""

    def broken(data: bytes) -> bytes:
        raise NameError(f"no such name in {len(data)} bytes")

    monkeypatch.setattr(worker, "canonical", broken)
    answer = worker._answers((0,), [("a.py", b"x = 1\n")])
    assert isinstance(answer, str)
    assert answer.startswith("a.py: NameError: no such name")
    process = Worker(sys.executable)
    try:
        monkeypatch.setattr(Worker, "_exchange", lambda *_: answer)
        with pytest.raises(BuildError, match=r"a\.py: NameError"):
            process.compile((0,), [("a.py", b"x = 1\n")])
    finally:
        process.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets pipes be widened")
@pytest.mark.parametrize("refused", [False, True])
def test_pipes_have_room_for_a_batch(refused: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are wider than the system makes them; where it refuses, the worker works no less."""
    sizes: list[int] = []
    widened = fcntl.fcntl

    def asked(stream: IO[bytes], command: int, size: int) -> int:
        if refused:
            raise PermissionError
        sizes.append(widened(stream, command, size))
        return sizes[-1]

    monkeypatch.setattr(fcntl, "fcntl", asked)
    found = Worker(sys.executable)
    try:
        [(codes, error)] = found.compile((0,), [("a.py", b"a = 1")])
    finally:
        found.close()
    assert (len(codes), error) == (1, None)
    assert sizes == ([] if refused else [1 << 18] * 2)
