"""What builds keep by content: found again, never half, never damaged, never without end."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from litebundle.cache import packs
from litebundle.cache.packs import MAGIC, Packs, kept, prune
from litebundle.collect.tree import Packed
from litebundle.write.encoding import Encoded, deflated, plain

TEXT = deflated(Packed(b"text " * 1000))
CODE = plain(b"code")

_BUILD = """
import sys
from pathlib import Path
from litebundle.cache.packs import Packs
from litebundle.write.encoding import plain
packs = Packs(Path(sys.argv[1]))
for number in range(200):
    packs.add(b"%d" % number, plain(b"shared %d" % number))
    packs.add(sys.argv[2].encode() + b" %d" % number, plain(sys.argv[2].encode() * number))
packs.finish()
"""


def _keep(directory: Path, **results: Encoded) -> None:
    kept = Packs(directory)
    for name, result in results.items():
        kept.add(name.encode(), result)
    kept.finish()


def _one(directory: Path) -> Path:
    [path] = directory.iterdir()
    return path


def test_a_later_build_finds_what_one_has_kept(tmp_path: Path) -> None:
    """By its key, as it was; in one file, which only the user can read."""
    directory = tmp_path / "new" / "builds"
    _keep(directory, text=TEXT, code=CODE)
    later = Packs(directory)
    assert (later.find(b"text"), later.find(b"code")) == (TEXT, CODE)
    assert later.find(b"other") is None
    assert (b"text" in later, b"other" in later) == (True, False)
    assert _one(directory).suffix == ".pack"
    assert directory.stat().st_mode & 0o777 == 0o700
    assert directory.parent.stat().st_mode & 0o777 == 0o700


def test_without_a_directory_nothing_is_kept() -> None:
    """A build without a cache asks it all the same, and never finds anything."""
    nothing = Packs(None)
    nothing.add(b"key", CODE)
    nothing.finish()
    assert b"key" not in nothing
    assert nothing.find(b"key") is None


@pytest.mark.parametrize("at", [0, 2, -1, -9, -17, -40])
def test_damage_is_as_if_nothing_were_kept(tmp_path: Path, at: int) -> None:
    """In a result, in the index, or in what ends the file; the next build keeps it anew."""
    _keep(tmp_path, code=CODE)
    path = _one(tmp_path)
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    assert Packs(tmp_path).find(b"code") is None
    _keep(tmp_path, code=CODE)
    assert Packs(tmp_path).find(b"code") == CODE


@pytest.mark.parametrize("size", [0, 5, 20, -1])
def test_a_pack_cut_short_is_none(tmp_path: Path, size: int) -> None:
    """As a power failure leaves one."""
    _keep(tmp_path, code=CODE, text=TEXT)
    path = _one(tmp_path)
    path.write_bytes(path.read_bytes()[:size])
    assert Packs(tmp_path).find(b"code") is None


def test_a_pack_that_shrinks_while_it_is_open_is_damage(tmp_path: Path) -> None:
    """No error, nor a signal as with mapped files."""
    _keep(tmp_path, text=TEXT)
    opened = Packs(tmp_path)
    os.truncate(_one(tmp_path), 10)
    assert opened.find(b"text") is None


def test_builds_at_the_same_time_do_not_see_each_other(tmp_path: Path) -> None:
    """Each keeps everything it made, and no file of theirs is ever half there."""
    commands = [[sys.executable, "-c", _BUILD, str(tmp_path), name] for name in "abcd"]
    builds = [subprocess.Popen(command) for command in commands]
    assert [build.wait() for build in builds] == [0, 0, 0, 0]
    later = Packs(tmp_path)
    for number in range(200):
        assert later.find(b"%d" % number) == plain(b"shared %d" % number)
        for name in (b"a", b"b", b"c", b"d"):
            assert later.find(name + b" %d" % number) == plain(name * number)
    assert {path.suffix for path in tmp_path.iterdir()} == {".pack"}


def test_a_killed_build_leaves_nothing_that_is_read(tmp_path: Path) -> None:
    """Its file is removed by a later one, a day after."""
    code = (
        "import os, sys; from pathlib import Path\n"
        "from litebundle.cache.packs import Packs\n"
        "from litebundle.write.encoding import plain\n"
        "Packs(Path(sys.argv[1])).add(b'half', plain(bytes(5 << 20)))\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    aside = _one(tmp_path)
    assert aside.suffix == ".tmp"
    _keep(tmp_path, code=CODE)
    assert Packs(tmp_path).find(b"half") is None
    os.utime(aside, (time.time() - 90_000,) * 2)
    _keep(tmp_path, text=TEXT)
    assert not aside.exists()
    assert Packs(tmp_path).find(b"code") == CODE


def test_many_small_packs_become_one(tmp_path: Path) -> None:
    """Each costs every build the reading of its index. What was damaged is not taken over."""
    for number in range(8):
        _keep(tmp_path, **{f"key{number}": plain(b"%d" % number * 100)})
    first, *_ = sorted(tmp_path.iterdir())
    first.write_bytes(b"!" + first.read_bytes()[1:])
    _keep(tmp_path, key8=CODE)
    assert _one(tmp_path).read_bytes().endswith(MAGIC)
    later = Packs(tmp_path)
    found = [later.find(b"key%d" % number) for number in range(9)]
    assert found == [None, *(plain(b"%d" % number * 100) for number in range(1, 8)), CODE]


def test_what_no_build_uses_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a month, or as the least recently used if all are too large; use counts, not age."""
    for number in range(3):
        _keep(tmp_path, **{f"key{number}": plain(b"%d" % number * 1000)})
    old, older, used = sorted(tmp_path.iterdir())
    month = time.time() - 31 * 86_400
    for path, when in ((old, month), (older, month - 1), (used, month - 2)):
        os.utime(path, (when, when))
    later = Packs(tmp_path)
    later.find(b"key2")
    later.finish()
    assert used.stat().st_mtime > month + 86_400
    monkeypatch.setattr(packs, "UNUSED", 10**9)
    monkeypatch.setattr(packs, "TOTAL", 3 * used.stat().st_size)
    _keep(tmp_path, more=CODE)
    assert not older.exists()
    assert old.exists()
    monkeypatch.setattr(packs, "UNUSED", 30 * 86_400)
    _keep(tmp_path, most=TEXT)
    assert not old.exists()
    assert used.exists()


def test_pruning_spares_files_of_others(tmp_path: Path) -> None:
    """Whatever the directory is that somebody named for the cache."""
    _keep(tmp_path, code=CODE)
    own = _one(tmp_path)
    for name in ("mine.pack", "notes.txt", "old.tmp"):
        (tmp_path / name).write_text("mine")
        os.utime(tmp_path / name, (0, 0))
    assert [file.path for file in kept(tmp_path)] == [str(own)]
    removed, stale = prune(tmp_path, max_size=0)
    assert [file.path for file in removed] == [str(own)]
    assert stale == 0
    assert {path.name for path in tmp_path.iterdir()} == {"mine.pack", "notes.txt", "old.tmp"}


def test_a_full_disk_is_no_error(tmp_path: Path) -> None:
    """The build goes on and keeps nothing; what was there stays."""
    _keep(tmp_path, code=CODE)
    full = Packs(tmp_path)
    with Path("/dev/full").open("wb", buffering=0) as device:
        full.add(b"first", TEXT)
        assert full._file is not None
        os.dup2(device.fileno(), full._file.fileno())
    for number in range(3):
        full.add(b"large %d" % number, plain(bytes(2 << 20)))
    full.finish()
    assert Packs(tmp_path).find(b"large 0") is None
    assert Packs(tmp_path).find(b"code") == CODE
    assert _one(tmp_path).suffix == ".pack"


def test_large_results_are_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache full of what is read from its own file just as fast is no use."""
    monkeypatch.setattr(packs, "LARGEST", 100)
    _keep(tmp_path, large=plain(bytes(101)), fitting=plain(bytes(100)))
    assert Packs(tmp_path).find(b"large") is None
    assert Packs(tmp_path).find(b"fitting") == plain(bytes(100))
