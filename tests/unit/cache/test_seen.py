"""What is known of files: until somebody touches them, and not before they are at rest."""

import hashlib
import os
import time
from pathlib import Path

import pytest

from litebundle.cache import seen
from litebundle.cache.seen import Seen
from litebundle.collect.directory import walked
from litebundle.collect.tree import Entry

pytestmark = pytest.mark.skipif(os.name != "posix", reason="elsewhere files have no ctime")


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    """Return where it is kept."""
    return tmp_path / "builds" / seen.name([tmp_path])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file that was left alone for a while."""
    path = tmp_path / "site" / "module.py"
    path.parent.mkdir()
    path.write_text("value = 1")
    time.sleep(0.15)
    return path


def _entry(file: Path) -> Entry:
    [layer] = walked([file.parent])
    [entry] = layer.entries
    return entry


def _look(memory: Path, file: Path) -> bytes | None:
    """Return what is known of the file, and keep what there is to know."""
    known, entry = Seen(memory), _entry(file)
    digest = known.digest(entry)
    known.note(entry, hashlib.sha256(entry.read()).digest())
    known.finish()
    return digest


def test_a_file_is_known_again(memory: Path, file: Path) -> None:
    """From the second build on."""
    digest = hashlib.sha256(b"value = 1").digest()
    assert [_look(memory, file) for _ in range(3)] == [None, digest, digest]


def _rewrite(file: Path) -> None:
    file.write_text("value = 2")


def _rewrite_with_old_times(file: Path) -> None:
    before = file.stat()
    file.write_text("value = 2")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replace(file: Path) -> None:
    other = file.with_suffix(".new")
    other.write_text("value = 2")
    before = file.stat()
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(file)


@pytest.mark.parametrize("change", [_rewrite, _rewrite_with_old_times, _replace])
def test_a_file_that_was_touched_is_not_known(memory: Path, file: Path, change: object) -> None:
    """Even if its size and its time of modification are as they were."""
    assert [_look(memory, file) for _ in range(2)][1] is not None
    assert callable(change)
    change(file)
    assert _look(memory, file) is None


def test_a_fresh_file_is_not_relied_on(memory: Path, file: Path) -> None:
    """What changes twice within a tick of the file system's clock has one time of change."""
    entry = _entry(file)
    early = Seen(memory)
    early._started = max(file.stat().st_ctime_ns, file.stat().st_mtime_ns) + 1000
    early.note(entry, b"digest")
    early.finish()
    assert Seen(memory).digest(entry) is None


def test_damage_is_as_if_nothing_were_known(memory: Path, file: Path) -> None:
    """And is put right."""
    _look(memory, file)
    data = bytearray(memory.read_bytes())
    for at in (0, 9, len(data) // 2, len(data) - 1):
        memory.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert _look(memory, file) is None
        assert _look(memory, file) is not None


def test_what_is_remembered_is_recalled(memory: Path, file: Path) -> None:
    """Values by name, once: what a build does not remember is gone after it."""
    for remembered, recalled in (({"a": [1, b"x"]}, {}), ({}, {"a": [1, b"x"]}), ({}, {})):
        known = Seen(memory)
        assert known.recalled == recalled
        known.note(_entry(file), b"digest")
        known.remembered.update(remembered)
        known.finish()


def test_archives_leave_nothing(memory: Path) -> None:
    """They lie in another place each time, and their files have no times of their own."""
    known = Seen(memory)
    known.remembered["a"] = 1
    known.finish()
    assert not memory.exists()
