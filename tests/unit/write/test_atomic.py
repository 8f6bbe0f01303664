"""What is written aside is on the disk before it is put in place."""

import errno
import os
import threading
from pathlib import Path

import pytest

from litebundle.write import atomic
from litebundle.write.atomic import flushing


@pytest.mark.skipif(os.name != "posix", reason="Windows syncs what is open for writing only")
def test_the_disk_begins_while_a_large_file_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the file that is synced, before the block is left; what the disk says comes later."""
    synced = threading.Event()
    inodes = []

    def sync(descriptor: int) -> None:
        inodes.append(os.fstat(descriptor).st_ino)
        synced.set()
        raise OSError(errno.EIO, "no")

    monkeypatch.setattr(os, "fsync", sync)
    path = tmp_path / "file"
    path.write_bytes(bytes(atomic._WAITED_FOR))
    with flushing(path):
        assert synced.wait(60)
    assert inodes == [path.stat().st_ino]


def test_for_a_small_file_nothing_is_done_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is synced at the end, and only there."""
    found: list[int] = []
    monkeypatch.setattr(os, "fsync", found.append)
    path = tmp_path / "file"
    path.write_bytes(b"small")
    with flushing(path):
        pass
    assert found == []
