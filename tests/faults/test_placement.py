"""Placed files under everything that processes do to each other, and users to files."""

import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from litebundle.place.cache import GRACE, prune, units
from litebundle.runtime.placing import remove_stale
from tests.faults.conftest import PROBE, Program

_WAITS = PROBE + "print('ready', flush=True)\nsys.stdin.readline()\n"


def _aged(program: Program) -> Path:
    """Return the directory of placed files, after its last use was set back beyond the grace."""
    (directory,) = program.placed()
    past = time.time() - 2 * GRACE
    os.utime(directory / ".litebundle", (past, past))
    return directory


@pytest.mark.fault(27)
def test_thirty_two_first_starts_place_once(program: Program) -> None:
    """All at once they work, one of them writes, and nothing is left aside."""
    script = "import litebundle.runtime.placing as placing\nwrite = placing._write\n"
    script += "placing._write = lambda s: print('wrote') or write(s)\n" + PROBE
    processes = [program.start(script) for _ in range(32)]
    results = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0] * 32, results
    assert {errors for _, errors in results} == {""}
    (directory,) = program.placed()
    assert {output.splitlines()[-1] for output, _ in results} == {f"{directory}/stuffed 7"}
    assert sum(output.startswith("wrote") for output, _ in results) == 1


@pytest.mark.fault(23)
def test_first_starts_need_no_locks(program: Program) -> None:
    """On a file system without locks more than one may write; the result is the same."""
    script = "import fcntl, errno\ndef flock(*_): raise OSError(errno.ENOLCK, 'no locks')\n"
    script += "fcntl.flock = flock\n" + PROBE
    processes = [program.start(script) for _ in range(8)]
    results = [process.communicate(timeout=120) for process in processes]
    assert {errors for _, errors in results} == {""}
    assert len(program.placed()) == 1


@pytest.mark.fault(10)
def test_killed_at_any_moment_the_next_start_works(program: Program) -> None:
    """What killed processes left aside is removed by whoever places next."""
    choice = random.Random(4)  # noqa: S311  # moments, no secrets
    left = 0
    for _ in range(25):
        shutil.rmtree(program.cache, ignore_errors=True)
        for _ in range(2):
            process = program.start(PROBE)
            deadline = time.monotonic() + 30
            while not program.placed() and time.monotonic() < deadline:
                time.sleep(0.001)
            time.sleep(choice.random() * 0.02)
            process.kill()
            process.communicate()
            left += any(path.suffix == ".tmp" for path in program.placed())
        assert program.run().endswith(" 7\n")
        assert [path.suffix for path in program.placed()] == [""]
    assert left  # else none was killed in the middle


def test_what_a_living_process_has_aside_stays(program: Program) -> None:
    """Only what nobody holds a lock on is taken for left behind."""
    program.run()
    (directory,) = program.placed()
    script = f"""
import time
from litebundle.runtime.placing import Aside
aside = Aside({str(directory)!r}, 0o700)
print("ready", flush=True)
sys.stdin.readline()
"""
    process = program.start(script)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    (directory.parent / f"{directory.name}.00000000.tmp").mkdir()
    abandoned = directory.parent / f"{directory.name}.11111111.tmp"
    shutil.copytree(directory, abandoned)
    (program.cache / "others.tmp").mkdir()
    (directory.parent / f"{directory.name}.22222222.tmp" / ".litebundle").mkdir(parents=True)
    assert remove_stale(str(program.cache)) == 2  # and the third is no reason to fail
    shutil.rmtree(directory.parent / f"{directory.name}.22222222.tmp")
    names = [path.name for path in program.placed()]
    assert directory.name in names
    assert "others.tmp" in names
    assert len(names) == 3
    process.kill()
    process.communicate()
    assert remove_stale(str(program.cache)) == 1
    assert len(program.placed()) == 2


def _link_elsewhere(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/null")


_DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: os.truncate(path, 10),
    "emptied": lambda path: path.write_bytes(b""),
    "removed": Path.unlink,
    "altered, of the same size": lambda path: path.write_bytes(b"x" * path.stat().st_size),
    "a link to elsewhere": _link_elsewhere,
    "without its directory": lambda path: shutil.rmtree(path.parent),
}


@pytest.mark.parametrize("how", _DAMAGE)
def test_altered_files_are_put_right_at_the_next_start(program: Program, how: str) -> None:
    """Whatever was done to a file, the program finds what was built; what it added itself stays."""
    program.run()
    (directory,) = program.placed()
    added = directory / "stuffed" / "written-by-the-program"
    added.write_text("kept")
    _DAMAGE[how](directory / "stuffed" / "data" / "30.bin")
    assert program.run() == f"{directory}/stuffed 7\n"
    assert added.read_text() == "kept"
    assert program.placed() == [directory]
    assert not (directory / "stuffed" / "data" / "30.bin").is_symlink()


def test_of_many_files_altered_ones_are_put_right_within_the_hour(program: Program) -> None:
    """Looking at each would cost every start; the marker's time says when that was done last."""
    few = "import litebundle.runtime.files as files\nfiles._FEW = 8\n"
    program.run(few + PROBE)
    (directory,) = program.placed()
    last = directory / "stuffed" / "data" / "39.bin"
    last.write_bytes(b"cut")
    program.run(few + "import stuffed")
    assert last.read_bytes() == b"cut"
    past = time.time() - 3700
    os.utime(directory / ".litebundle", (past, past))
    assert program.run(few + PROBE) == f"{directory}/stuffed 7\n"
    assert time.time() - (directory / ".litebundle").stat().st_mtime < 3600


@pytest.mark.parametrize("marker", [None, b"", b"rubbish", b"1 2"])
def test_a_directory_without_a_sound_marker_is_placed_anew(
    program: Program, marker: bytes | None
) -> None:
    """It may be anything: half of a copy, or made by somebody who guessed the name."""
    program.run()
    (directory,) = program.placed()
    (directory / ".litebundle").unlink()
    if marker is not None:
        (directory / ".litebundle").write_bytes(marker)
    (directory / "stuffed" / "data" / "30.bin").write_bytes(b"")
    assert program.run().endswith(" 7\n")
    assert program.placed() == [directory]


def test_a_copy_that_lost_the_times_is_as_good(program: Program) -> None:
    """Where only times differ the contents are read, found right, and nothing is written again."""
    program.run()
    (directory,) = program.placed()
    files = [path for path in directory.rglob("*") if path.is_file() and path.name[0] != "."]
    before = {path: path.stat().st_ino for path in files}
    for path in files:
        os.utime(path, (0, 0))
    program.run()
    assert {path: path.stat().st_ino for path in files} == before
    assert {path.stat().st_mtime for path in files} != {0}


def _traced(program: Program, tmp_path: Path) -> list[str]:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("there is no strace here")
    trace = tmp_path / "trace"
    command = [strace, "-f", "-qq", "-e", "trace=%file,%desc", "-o", str(trace)]
    done = subprocess.run(
        [*command, *program.command()],
        env=program.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if "ptrace" in done.stderr.lower():
        pytest.skip(f"strace may not trace here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return trace.read_text().splitlines()


_WRITES = re.compile(
    r"O_CREAT|O_WRONLY|O_RDWR|\b(mkdir|rename|unlink|rmdir|symlink|link|chmod)\w*\("
)


def test_a_second_start_creates_nothing(program: Program, tmp_path: Path) -> None:
    """It makes no file and no directory, writes to none, and opens one marker of its own."""
    first = _traced(program, tmp_path)
    assert any(_WRITES.search(call) for call in first)
    calls = _traced(program, tmp_path)
    assert [call for call in calls if _WRITES.search(call)] == []
    opened = [call for call in calls if str(program.cache) in call and "openat(" in call]
    assert len([call for call in opened if "/.litebundle" in call]) == 1


def test_the_last_use_is_recorded_once_an_hour(program: Program) -> None:
    """In the time of the marker, which is there anyway."""
    program.run()
    marker = _aged(program) / ".litebundle"
    program.run()
    assert time.time() - marker.stat().st_mtime < 600
    recent = time.time() - 1800
    os.utime(marker, (recent, recent))
    program.run()
    assert marker.stat().st_mtime == pytest.approx(recent)


def test_nobody_but_the_owner_can_read_them(program: Program) -> None:
    """The directories are 0700 from the cache down, the files 0600."""
    old = os.umask(0)
    try:
        program.cache = program.cache / "made" / "for" / "it"
        program.run()
    finally:
        os.umask(old)
    (directory,) = program.placed()
    for path in (directory, *directory.rglob("*"), *list(program.cache.parents)[:2]):
        assert path.stat().st_mode & 0o077 == 0, path


def test_prune_keeps_what_a_process_uses(program: Program) -> None:
    """Held by the process itself, and by a child that was forked; then it goes."""
    process = program.start(_WAITS)
    assert process.stdout is not None
    assert [process.stdout.readline() for _ in range(2)][1] == "ready\n"
    directory = _aged(program)
    assert [unit.busy for unit in units(str(program.cache))] == [True]
    done = prune(str(program.cache), older_than=0)
    assert (done.removed, [unit.path for unit in done.kept]) == ((), [str(directory)])
    process.communicate("\n")
    assert [unit.busy for unit in units(str(program.cache))] == [False]
    assert [unit.path for unit in prune(str(program.cache), older_than=0).removed] == [
        str(directory)
    ]
    assert program.placed() == []
    assert program.run() == f"{directory}/stuffed 7\n"


def test_a_forked_child_keeps_the_files_of_its_parent(program: Program) -> None:
    """The lock is the parent's and the child's together, until both have ended."""
    script = "import stuffed, os\nif os.fork(): os._exit(0)\nprint('ready', flush=True)\n"
    process = program.start(
        script + "sys.stdin.readline()\nopen(stuffed.__path__[0] + '/data/1.bin')"
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.wait()
    _aged(program)
    assert prune(str(program.cache), older_than=0).removed == ()
    assert process.communicate("\n")[1] == ""


@pytest.mark.fault(55)
def test_who_closed_all_descriptors_gets_the_lock_back_by_importing(program: Program) -> None:
    """A daemon's lock is lost with its descriptors, until it imports from the package again."""
    script = """
import os, stuffed
os.closerange(3, 1000)
held = [os.open("/dev/null", os.O_RDONLY) for _ in range(20)]
print("lost", flush=True)
sys.stdin.readline()
import stuffed.late
print("held", flush=True)
sys.stdin.readline()
for fd in held:
    os.fstat(fd)
"""
    process = program.start(script)
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "lost\n"
    _aged(program)
    assert [unit.busy for unit in units(str(program.cache))] == [False]
    process.stdin.write("\n")
    process.stdin.flush()
    assert process.stdout.readline() == "held\n"
    _aged(program)
    assert prune(str(program.cache), older_than=0).removed == ()
    assert process.communicate("\n")[1] == ""
    assert process.returncode == 0


def test_what_was_used_within_the_grace_stays(program: Program) -> None:
    """Who lost its lock, or only handed paths on, has that long."""
    program.run()
    done = prune(str(program.cache), older_than=0, max_size=0)
    assert (done.removed, len(done.kept)) == ((), 1)


_PRUNES = """
import os, time, glob
from litebundle.place.cache import prune
cache = os.environ["LITEBUNDLE_CACHE"]
count, end = 0, time.time() + 3
while time.time() < end:
    for marker in glob.glob(cache + "/*/.litebundle", include_hidden=True):
        try:
            os.utime(marker, (0, 0))
        except OSError:
            pass
    count += len(prune(cache, older_than=0).removed)
print(count)
"""


@pytest.mark.fault(28)
def test_starts_and_prunes_at_once(program: Program) -> None:
    """However they meet, every start finds its files, and nothing is left aside."""
    program.run()
    pruning = program.start(_PRUNES)
    while pruning.poll() is None:
        processes = [program.start() for _ in range(3)]
        for process in processes:
            output, errors = process.communicate(timeout=60)
            assert (output[-3:], errors) == (" 7\n", "")
    output, errors = pruning.communicate()
    assert errors == ""
    assert int(output) > 0
    remove_stale(str(program.cache))
    assert all(path.suffix == "" for path in program.placed())


def test_what_is_removed_before_it_is_held_is_placed_again(program: Program) -> None:
    """Between opening the marker and its lock somebody may prune: the lock alone tells nothing."""
    program.run()
    script = """
from litebundle.runtime import marker, placing
share = marker.Marker.share
def late(self):
    marker.Marker.share = share
    placing.discard(self.directory)
    share(self)
marker.Marker.share = late
"""
    assert program.run(script + PROBE).endswith(" 7\n")
    assert len(program.placed()) == 1


@pytest.mark.fault(11)
@pytest.mark.parametrize("moment", ["a file is written", "the directory aside is made"])
def test_interrupted_placing_leaves_nothing(program: Program, moment: str) -> None:
    """An interrupt in the middle removes what stands aside."""
    if moment == "a file is written":
        where, call = "placing", "_write_file"
    else:
        where, call = "marker.Marker", "claim"
    script = f"""
import os, signal
from litebundle.runtime import marker, placing
standard = {where}.{call}
def interrupted(self, *rest, **chosen):
    if {call!r} == "claim" or rest[0].endswith("20.bin"):
        os.kill(os.getpid(), signal.SIGINT)
    return standard(self, *rest, **chosen)
{where}.{call} = interrupted
import stuffed
"""
    process = program.start(script)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT, errors
    assert program.placed() == []
