"""Deploying and going back: what stands at the target, what is kept, and what is refused."""

import errno
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import litebundle
from litebundle.deploy.history import History
from litebundle.deploy.replace import Deployed, deploy, roll_back
from litebundle.errors import BuildError, BundleError
from litebundle.write.atomic import locked
from litebundle.write.launcher import Launch
from tests.rules.places import Library

_KEEP = 3
_SOURCES = str(Path(litebundle.__file__).parents[1])


@pytest.fixture
def versions(library: Library, packing: str) -> list[Path]:
    """Return four versions of a bundle, of different sizes; not to be changed."""
    return [
        Path(library.place({"app.py": f"V = {number}\n" * 10**number}, packing).entry)
        for number in range(4)
    ]


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Path]:
    """Return where to deploy to: a directory with nothing in it."""
    (tmp_path / "srv").mkdir()
    before = os.umask(0o027)
    yield tmp_path / "srv" / "app.bundle"
    os.umask(before)


@pytest.fixture(params=["links", "no links"])
def linking(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a file system with hard links, and one without."""

    def refuse(source: Path, path: Path) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM), source, None, path)

    if request.param == "no links":
        monkeypatch.setattr(os, "link", refuse)


def _numbers(target: Path) -> list[int]:
    return [version.number for version in History(target).versions()]


def _names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def _refused(work: Callable[[], object], directory: Path) -> str:
    """Return why work was refused, having seen that it changed nothing below the directory."""
    before = {p: (p.lstat().st_ino, p.lstat().st_mtime_ns) for p in directory.rglob("*")}
    with pytest.raises(BundleError) as caught:
        work()
    assert {p: (p.lstat().st_ino, p.lstat().st_mtime_ns) for p in directory.rglob("*")} == before
    return str(caught.value)


def test_the_first_deploy_puts_a_copy_in_place(versions: list[Path], target: Path) -> None:
    """With the permissions that a new file gets, and one version kept: that one."""
    done = deploy(versions[0], target, _KEEP)
    assert target.read_bytes() == versions[0].read_bytes()
    assert target.stat().st_mode & 0o777 == 0o640
    assert (done.before, done.changed, done.older, done.newer) == (None, True, 0, 0)
    assert _names(target.parent) == ["app.bundle", "app.bundle.previous"]
    assert [f"0001-{done.build}"] == _names(History(target).directory)


@pytest.mark.usefixtures("linking")
def test_previous_versions_are_kept_and_come_back(versions: list[Path], target: Path) -> None:
    """One rollback goes back one; there is an end, and the way forward again."""
    for version in versions:
        deploy(version, target, 2)
    assert _numbers(target) == [2, 3, 4]
    found = []
    for forward in (False, False, True, False):
        done = roll_back(target, forward=forward)
        found.append((done.older, done.newer))
        current = History(target).current()
        assert current is not None
        assert target.read_bytes() == versions[current.number - 1].read_bytes()
        assert current.build == done.build
    assert found == [(1, 1), (0, 2), (1, 1), (0, 2)]
    assert "no older version is kept" in _refused(lambda: roll_back(target), target.parent)
    for _ in range(2):
        roll_back(target, forward=True)
    assert target.read_bytes() == versions[3].read_bytes()
    assert "no newer version is kept" in _refused(
        lambda: roll_back(target, forward=True), target.parent
    )


@pytest.mark.usefixtures("linking")
def test_a_deploy_after_a_rollback_forgets_what_was_rolled_back(
    versions: list[Path], target: Path
) -> None:
    """So that the version before is always the one that ran before."""
    for version in versions[:3]:
        deploy(version, target, _KEEP)
    roll_back(target)
    deploy(versions[3], target, _KEEP)
    roll_back(target)
    assert target.read_bytes() == versions[1].read_bytes()
    assert _numbers(target) == [1, 2, 3]


@pytest.mark.usefixtures("linking")
def test_the_same_file_again_changes_nothing(versions: list[Path], target: Path) -> None:
    """As tools do that run every half hour: the kept versions do not fill up with it."""
    for version in versions[:2]:
        deploy(version, target, _KEEP)
    before = target.stat()
    done = deploy(versions[1], target, _KEEP)
    assert (done.changed, done.before) == (False, done.build)
    assert target.stat().st_ino == before.st_ino
    assert _numbers(target) == [1, 2]
    deploy(versions[1], target, 0)
    assert _names(target.parent) == ["app.bundle"]


@pytest.mark.usefixtures("linking")
def test_what_was_put_there_by_hand_is_kept_too(versions: list[Path], target: Path) -> None:
    """Before the first deploy, and between two of them."""
    shutil.copy(versions[0], target)
    first = deploy(versions[1], target, _KEEP)
    shutil.copy(versions[2], target.with_name("other"))
    target.with_name("other").replace(target)
    deploy(versions[3], target, _KEEP)
    assert first.older == 1
    for number in (2, 1, 0):
        roll_back(target)
        assert target.read_bytes() == versions[number].read_bytes()


def test_nothing_is_kept_if_nothing_is_to_be(versions: list[Path], target: Path) -> None:
    """`--keep 0` leaves the target alone in its directory."""
    for version in versions:
        deploy(version, target, 0)
    assert _names(target.parent) == ["app.bundle"]
    assert target.read_bytes() == versions[-1].read_bytes()
    assert "no older version is kept" in _message(lambda: roll_back(target))


def _message(work: Callable[[], object]) -> str:
    with pytest.raises(BuildError) as caught:
        work()
    return caught.value.cause


def test_files_of_others_among_the_kept_ones_stay(versions: list[Path], target: Path) -> None:
    """What has not our names is not ours to remove; a killed deploy's leftovers are."""
    deploy(versions[0], target, _KEEP)
    kept = History(target).directory
    (kept / "README").write_text("mine")
    (kept / ".0002-0123456789ab.0011223344556677.tmp").write_text("left over")
    deploy(versions[1], target, 0)
    assert _names(kept) == ["README"]


@pytest.mark.parametrize(("old_mode", "mode"), [(0o600, 0o600), (0o664, 0o664), (0o755, 0o644)])
def test_the_permissions_of_the_target_stay(
    versions: list[Path], target: Path, old_mode: int, mode: int
) -> None:
    """Whatever the umask; whether it may be executed is up to the new one."""
    deploy(versions[0], target, _KEEP)
    target.chmod(old_mode)
    deploy(versions[1], target, _KEEP)
    assert target.stat().st_mode & 0o7777 == mode


@pytest.mark.parametrize(("old_mode", "mode"), [(0o600, 0o700), (0o644, 0o755), (None, 0o750)])
def test_an_executable_bundle_stays_executable(
    library: Library, packing: str, target: Path, old_mode: int | None, mode: int
) -> None:
    """For those who may read it; it runs from where it was deployed, and from a rollback."""
    tree = {"app.py": "def main(): print('ran')\n"}
    launch = Launch(main="app:main", executable=True)
    program = Path(library.place(tree, packing, launch=launch).entry)
    if old_mode is not None:
        shutil.copy(library.place(tree, packing).entry, target)
        target.chmod(old_mode)
    deploy(program, target, _KEEP)
    assert target.stat().st_mode & 0o7777 == mode
    env = {"PATH": f"{Path(sys.executable).parent}:{os.defpath}"}
    done = subprocess.run([target], env=env, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("ran\n", "")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives files away")
def test_the_owner_of_the_target_stays(versions: list[Path], target: Path) -> None:
    """A service whose bundle only it may read can read the next one."""
    deploy(versions[0], target, _KEEP)
    os.chown(target, 12, 34)
    target.chmod(0o600)
    deploy(versions[1], target, _KEEP)
    found = target.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (12, 34, 0o600)


def test_a_bundle_that_is_not_sound_is_not_deployed(
    versions: list[Path], target: Path, tmp_path: Path
) -> None:
    """One flipped bit anywhere, here in a blob; what is wrong is told."""
    deploy(versions[0], target, _KEEP)
    data = bytearray(versions[3].read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "new").write_bytes(data)
    assert "not sound" in _refused(lambda: deploy(tmp_path / "new", target, 3), target.parent)


def test_a_kept_version_that_was_damaged_does_not_come_back(
    versions: list[Path], target: Path
) -> None:
    """It lay there for long, maybe on a disk that fails."""
    for version in versions[:2]:
        deploy(version, target, _KEEP)
    old = History(target).versions()[0].path
    os.truncate(old, old.stat().st_size // 2)
    assert "sound" in _refused(lambda: roll_back(target), target.parent)


def test_a_damaged_target_is_replaced(versions: list[Path], target: Path) -> None:
    """To be repaired is why one deploys; what was there is kept for whoever wants to look."""
    shutil.copy(versions[0], target)
    os.truncate(target, versions[0].stat().st_size // 2)
    done = deploy(versions[1], target, _KEEP)
    assert target.read_bytes() == versions[1].read_bytes()
    assert done.before == "damaged"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.mkdir(), "is a directory"),
        (lambda path: path.symlink_to("elsewhere"), "is a symbolic link"),
        (os.mkfifo, "is no regular file"),
        (lambda path: path.write_text("a letter"), "only a bundle is replaced"),
        (lambda path: path.write_text(""), "only a bundle is replaced"),
        (lambda path: path.parent.rmdir(), "does not exist"),
    ],
    ids=["directory", "link", "pipe", "letter", "empty", "nowhere"],
)
def test_targets_that_cannot_be_meant_are_refused(
    versions: list[Path], target: Path, make: Callable[[Path], object], reason: str
) -> None:
    """They stand as they were."""
    make(target)
    assert reason in _refused(lambda: deploy(versions[0], target, _KEEP), target.parent.parent)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Path.resolve, "No such file"),
        (lambda path: path.mkdir(), "is no file"),
        (os.mkfifo, "is no file"),
        (lambda path: path.write_text("a letter"), "not a bundle"),
    ],
    ids=["missing", "directory", "pipe", "letter"],
)
def test_what_is_no_bundle_is_not_deployed(
    target: Path, make: Callable[[Path], object], reason: str
) -> None:
    """It is told at once, and by its own name."""
    new = target.with_name("new")
    make(new)
    message = _refused(lambda: deploy(new, target, _KEEP), target.parent)
    assert message.startswith(f"{new}: ")
    assert reason in message


def test_a_bundle_is_not_deployed_onto_itself(versions: list[Path], target: Path) -> None:
    """By whichever of its names."""
    shutil.copy(versions[0], target)
    os.link(target, target.with_name("same"))
    for new in (target, target.with_name("same")):
        assert "itself" in _refused(lambda new=new: deploy(new, target, 3), target.parent)  # type: ignore[misc]


def test_there_is_nothing_to_roll_back_where_nothing_was_deployed(
    versions: list[Path], target: Path
) -> None:
    """Neither for a path where nothing is, nor for a link."""
    assert "no bundle is deployed there" in _refused(lambda: roll_back(target), target.parent)
    target.symlink_to(versions[0])
    assert "no bundle is deployed there" in _refused(lambda: roll_back(target), target.parent)


_DEPLOY = "import sys; from pathlib import Path; from litebundle.deploy.replace import deploy\n"


def _deploying(version: Path, target: Path) -> subprocess.Popen[str]:
    code = _DEPLOY + "deploy(Path(sys.argv[1]), Path(sys.argv[2]), 9)"
    return subprocess.Popen(
        [sys.executable, "-c", code, version, target],
        env={"PYTHONPATH": _SOURCES},
        stderr=subprocess.PIPE,
        text=True,
    )


def test_deploys_at_once_are_all_done(versions: list[Path], target: Path) -> None:
    """Each of them is a version that is kept."""
    processes = [_deploying(version, target) for version in versions]
    assert [process.communicate()[1] for process in processes] == [""] * 4
    assert _numbers(target) == [1, 2, 3, 4]
    kept = [version.path for version in History(target).versions()]
    assert {path.read_bytes() for path in kept} == {path.read_bytes() for path in versions}
    assert kept[-1].samefile(target)


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="who waits is told by Linux only")
def test_deploys_take_turns(versions: list[Path], target: Path) -> None:
    """While one is under way, the next waits, and has changed nothing yet."""
    with locked(target.parent):
        process = _deploying(versions[0], target)
        waiting = re.compile(rf"-> FLOCK .* {process.pid} ")
        while not waiting.search(Path("/proc/locks").read_text()):
            assert process.poll() is None
        assert _names(target.parent) == []
    assert process.communicate()[1] == ""
    assert target.read_bytes() == versions[0].read_bytes()


_READER = """
import sys, litebundle
litebundle.install()
sys.path.insert(0, sys.argv[1])
import first
print(first.VALUE, flush=True)
sys.stdin.readline()
import second, third.leaf
print(second.VALUE, third.leaf.VALUE, flush=True)
"""


def test_running_programs_keep_what_they_started_with(
    library: Library, packing: str, target: Path
) -> None:
    """What they import later comes from the file that they opened, whose versions may be gone."""
    names = ("first.py", "second.py", "third/leaf.py")
    old, new = (
        Path(library.place(dict.fromkeys(names, f"VALUE = {v!r}\n"), packing).entry)
        for v in ("old", "new and longer")
    )
    deploy(old, target, 0)
    command: list[Any] = [sys.executable, "-c", _READER, target]
    pipes: dict[str, Any] = {"stdin": -1, "stdout": -1, "stderr": -1, "text": True}
    with subprocess.Popen(command, env={"PYTHONPATH": _SOURCES}, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "old\n"
        deploy(new, target, 0)
        assert process.communicate("\n", timeout=60) == ("old old\n", "")
    done = subprocess.run(
        command,
        env={"PYTHONPATH": _SOURCES},
        input="\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "new and longer\nnew and longer new and longer\n"


def test_the_new_bundle_may_be_on_another_disk(versions: list[Path], target: Path) -> None:
    """It is always copied, never moved or linked."""
    memory = Path("/dev/shm")  # noqa: S108  # the tmpfs that Linux has
    if not memory.is_dir() or memory.stat().st_dev == target.parent.stat().st_dev:
        pytest.skip("there is no second file system here")
    elsewhere = memory / f"litebundle-test-{os.getpid()}"
    shutil.copy(versions[0], elsewhere)
    try:
        deploy(elsewhere, target, _KEEP)
    finally:
        elsewhere.unlink()
    assert target.read_bytes() == versions[0].read_bytes()


def test_what_is_deployed_is_told(versions: list[Path], target: Path) -> None:
    """All of it, since scripts go by it."""
    first, second = (deploy(version, target, _KEEP) for version in versions[:2])
    assert second == Deployed(
        target=str(target),
        build=litebundle.Bundle(versions[1]).identity[:12],
        before=first.build,
        changed=True,
        older=1,
        newer=0,
    )
