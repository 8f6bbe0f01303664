"""Disks that are read-only or execute nothing, and directories that are not one's own."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import PROBE, Program

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mounts and users as on Linux")

_USER = 65534  # nobody


def _mounted(program: Program, prepare: str, script: str = PROBE, **chosen: str) -> tuple[str, str]:
    """Run a script after shell commands in a mount namespace; return its output and errors.

    `chosen` are variables of its environment; $CACHE is the cache, a fresh tmpfs.
    """
    unshare, mount = shutil.which("unshare"), shutil.which("mount")
    if unshare is None or mount is None:
        pytest.skip("there is no unshare or no mount here")
    program.cache.mkdir(exist_ok=True)
    space = [unshare, "-m"] if os.geteuid() == 0 else [unshare, "-r", "-m"]
    env = {**program.environment(**chosen), "CACHE": str(program.cache), "PATH": os.defpath}
    mounting = 'mount -t tmpfs -o mode=700 none "$CACHE"'
    tried = subprocess.run(
        [*space, "sh", "-c", mounting], env=env, capture_output=True, text=True, check=False
    )
    if tried.returncode:
        pytest.skip(f"nothing can be mounted here: {tried.stderr.strip()}")
    done = subprocess.run(
        [*space, "sh", "-ec", f'{mounting}\n{prepare}\nexec "$@"', "sh", *program.command(script)],
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout, done.stderr


_READ_ONLY = 'mount -o remount,ro "$CACHE"'


@pytest.mark.fault(22)
def test_files_placed_ahead_are_used_from_a_read_only_disk(program: Program) -> None:
    """`bundle place` before, nothing written after."""
    ahead = f'"{sys.executable}" -m litebundle place "{program.bundle}" --to "$CACHE" >&2'
    output, errors = _mounted(program, f"{ahead}\n{_READ_ONLY}")
    assert output.startswith(str(program.cache))
    assert output.endswith("/stuffed 7\n")
    assert [line.split("\t")[:3] for line in errors.splitlines()] == [
        ["unit", "only", "1"],
        ["unit", "stuffed", "41"],
    ]


_NATIVE = "import stuffed._native\nprint(stuffed._native.VALUE, stuffed._native.__file__)\n"


_NOWHERE = "litebundle.errors.BundleIOError: the files of only can be placed nowhere:"
_HINT = (
    "set LITEBUNDLE_CACHE to a directory of your own that can be written,"
    " or to one filled ahead with `bundle place FILE --to DIR`"
)


@pytest.mark.fault(22)
def test_extensions_are_loaded_from_memory_where_all_is_read_only(program: Program) -> None:
    """Data that can be placed nowhere is refused, with all the places and what to set."""
    output, errors = _mounted(program, _READ_ONLY, _NATIVE)
    assert (output.split()[0], errors) == ("7", "")
    assert output.split()[1].startswith(str(program.bundle))
    _, errors = _mounted(program, _READ_ONLY, "import only")
    assert errors.splitlines()[-2:] == [
        f"{_NOWHERE} {program.cache}: cannot be written",
        f"hint: {_HINT}",
    ]


def test_with_no_place_at_all_every_one_is_named(program: Program) -> None:
    """No home, and temporary directories that are read-only."""
    prepare = "\n".join(
        f"mount -t tmpfs -o ro none {path}"
        for path in ("/var/tmp", "/home")  # noqa: S108
    )
    # The bundle and this Python may be below /tmp, so it is remounted and not covered.
    prepare += "\nmount --bind /tmp /tmp && mount -o remount,bind,ro /tmp"
    chosen = {"LITEBUNDLE_CACHE": "", "HOME": "/home/nobody"}
    output, errors = _mounted(program, prepare, _NATIVE, **chosen)
    assert (output.split()[0], errors) == ("7", "")
    _, errors = _mounted(program, prepare, "import only", **chosen)
    assert errors.splitlines()[-2].endswith(
        "/home: cannot be written; /tmp: cannot be written; /var/tmp: cannot be written"
    )


_NOEXEC = 'mount -o remount,noexec "$CACHE"'


def test_extensions_of_a_disk_that_executes_nothing_are_loaded_from_memory(
    program: Program,
) -> None:
    """Their package and its data are there all the same."""
    output, errors = _mounted(program, _NOEXEC)
    assert (output.split()[-1], errors) == ("7", "")
    assert output.startswith(str(program.cache))


def test_another_place_that_executes_is_preferred(program: Program, tmp_path: Path) -> None:
    """Native files go past a cache directory on which they could not be executed."""
    chosen = {"LITEBUNDLE_CACHE": "", "HOME": str(program.cache), "TMPDIR": str(tmp_path / "t")}
    (tmp_path / "t").mkdir()
    output, errors = _mounted(program, _NOEXEC, **chosen)
    assert errors == ""
    assert output.startswith(f"{tmp_path}/t/litebundle-0/")
    output, errors = _mounted(program, _NOEXEC, "import only; print(only.__file__)", **chosen)
    assert errors == ""
    assert output.startswith(f"{program.cache}/.cache/litebundle/placed/")


@pytest.mark.fault(13)
def test_a_full_disk_leaves_nothing_and_says_so(program: Program) -> None:
    """The import fails with the disk's reason, and works once there is space."""
    script = f"""
import os
try:
    import stuffed
except OSError as error:
    print(type(error).__name__, error.errno, os.listdir({str(program.cache)!r}))
os.system("mount -o remount,size=10m " + {str(program.cache)!r})
{PROBE}
"""
    output, errors = _mounted(program, 'mount -o remount,size=300k "$CACHE"', script)
    assert errors == ""
    assert output.splitlines()[0] == "BundleIOError 28 []"
    assert output.endswith(" 7\n")


_REFUSED = "import only"


@pytest.mark.fault(21)
def test_a_directory_of_another_user_is_refused(program: Program) -> None:
    """Root's is not: who is root needs no trick."""
    program.cache.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory away")
    os.chown(program.cache, _USER, _USER)
    process = program.start(_REFUSED)
    errors = process.communicate()[1].splitlines()
    assert errors[-2].endswith(f"{program.cache}: belongs to another user (uid {_USER})")
    assert errors[-1].startswith("hint: set LITEBUNDLE_CACHE")
    # Not even from memory: somebody tries to have his files executed.
    process = program.start(_NATIVE)
    assert "belongs to another user" in process.communicate()[1]


@pytest.mark.fault(21)
def test_a_directory_that_others_can_write_is_refused(program: Program) -> None:
    """With the command that changes it."""
    program.cache.mkdir()
    program.cache.chmod(0o775)
    errors = program.start(_REFUSED).communicate()[1].splitlines()
    assert errors[-2].endswith(f"{program.cache}: can be written by other users (mode 775)")
    assert errors[-1].startswith(f"hint: chmod go-w {program.cache}, or")
    program.cache.chmod(0o755)
    assert program.run().endswith(" 7\n")


# All that is imported late, before rights are given up: a user may not be able to read Python.
_DROPS = f"""
import pure, os, fcntl, shutil, litebundle.runtime.files, litebundle.runtime.memory
import litebundle.runtime.homeless, litebundle.runtime.placing
from litebundle.runtime.standard import sha256
sha256()  # from where the other user may not get to
os.setgroups([])
os.setgid({_USER})
os.setuid({_USER})
"""


@pytest.fixture
def shared(program: Program) -> Iterator[Program]:
    """Return the program with a cache directory to be made where every user gets to."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    with tempfile.TemporaryDirectory() as base:
        Path(base).chmod(0o755)
        program.cache = Path(base, "cache")
        yield program


@pytest.mark.fault(20)
def test_root_may_place_for_all_users(shared: Program) -> None:
    """What `bundle place` puts there is readable as the umask allows, and used by everybody."""
    paths = str(shared.bundle), "--to", str(shared.cache)
    command = [sys.executable, "-m", "litebundle", "place", *paths]
    subprocess.run(command, env=shared.environment(), check=True, capture_output=True)
    assert shared.run(_DROPS + PROBE).startswith(f"{shared.cache}/")


@pytest.mark.fault(20)
def test_another_user_places_nothing_in_roots_directory(shared: Program) -> None:
    """Nor reads what is root's alone: it goes without, or is told."""
    shared.cache.mkdir(0o755)
    assert shared.run(_DROPS + _NATIVE).startswith(f"7 {shared.bundle}")
    errors = shared.start(_DROPS + _REFUSED).communicate()[1].splitlines()
    assert errors[-2].endswith(f"{shared.cache}: cannot be written")


@pytest.mark.fault(21)
def test_a_temporary_directory_that_somebody_prepared_is_passed_over(shared: Program) -> None:
    """Neither a directory nor a symbolic link of another user is followed."""
    base = shared.cache.parent
    base.chmod(0o1777)
    chosen = {"LITEBUNDLE_CACHE": "", "HOME": "/nonexistent/home", "TMPDIR": str(base)}
    mine = base / f"litebundle-{_USER}"
    # Those behind it are this machine's own, and left alone.
    script = _DROPS + "from litebundle.runtime import files\nfound = files.candidates()[:2]\n"
    script += "files.candidates = lambda: found\nos.umask(0)\nimport only\nprint(only.__file__)\n"
    good = shared.run(script, shared.environment(**chosen))
    assert good.startswith(f"{mine}/")
    assert mine.stat().st_mode & 0o7777 == 0o700
    other = base / "other"
    mine.rename(other)
    mine.symlink_to(other)  # of root, who may
    assert shared.run(script, shared.environment(**chosen)) == good
    for trap in ("link", "directory"):
        mine.unlink()
        if trap == "link":
            mine.symlink_to(other)
        else:
            mine.mkdir()
        os.chown(mine, 12345, 12345, follow_symlinks=False)
        errors = shared.start(script, shared.environment(**chosen)).communicate()[1].splitlines()
        assert errors[-2].endswith(f"{mine}: belongs to another user (uid 12345)")
