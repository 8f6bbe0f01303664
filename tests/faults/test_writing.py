"""Builds under what disks, file systems and other processes do to them."""

import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from litebundle.builder import Options, build
from litebundle.inspect.verify import verify
from tests.cli.command import TIMEOUT, bundle, environment, refusal
from tests.rules.places import write_tree
from tools.faults import builders

_OLD = b"what stood there before\n"
_MEMORY = 400 << 20


def _arguments(source: Path, output: Path, kind: str) -> list[str | Path]:
    options = ("--no-cache", "--format", kind, "--no-launcher", "-q", "-j", "1")
    return ["build", source, "-o", output, *options]


@pytest.mark.fault(12)
def test_it_is_synced_renamed_and_the_directory_synced(
    small: Path, kind: str, tmp_path: Path
) -> None:
    """After the last write the file is synced, only then renamed, and then its directory synced."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("there is no strace here")
    output, trace = tmp_path / "app.bundle", tmp_path / "trace"
    calls = "trace=write,pwrite64,fsync,fdatasync,rename,renameat,renameat2"
    command = [strace, "-f", "-qq", "-y", "-e", calls, "-o", str(trace)]
    arguments = _arguments(small, output, kind)
    done = subprocess.run(
        [*command, sys.executable, "-m", "litebundle", *map(str, arguments)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    if not trace.exists() or done.returncode:
        pytest.skip(f"strace may not trace here: {done.stderr.strip()}")
    lines = [line for line in trace.read_text().splitlines() if str(tmp_path) in line]
    found = [call[1] for line in lines if (call := re.match(r"\d+ +(\w+)\(", line))]
    assert len(found) > 5
    assert set(found[:-3]) <= {"write", "pwrite64"}
    assert found[-3] in ("fsync", "fdatasync")
    assert found[-2].startswith("rename")
    assert found[-1] == "fsync"
    assert f"<{tmp_path}>" in lines[-1]


def _limited(limit: Callable[[], object], command: Sequence[str | Path], cwd: Path) -> Any:
    """Run a command of ours under a limit on what it may have."""
    return subprocess.run(
        [sys.executable, "-m", "litebundle", *map(str, command)],
        preexec_fn=limit,  # this process has no threads
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


@pytest.mark.fault(13)
def test_a_limit_of_file_size_leaves_the_old_file(small: Path, kind: str, tmp_path: Path) -> None:
    """`ulimit -f`: exit 1, the cause, the old file, nothing beside it."""
    output = tmp_path / "app.bundle"
    output.write_bytes(_OLD)
    command = _arguments(small, output, kind)
    limit = (6_000, 6_000)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "data.bin").write_bytes(os.urandom(20_000))
    command.insert(1, tmp_path / "more")
    done = _limited(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit), command, tmp_path)
    assert str(output) in refusal(done)
    assert output.read_bytes() == _OLD
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.bundle", "more"]


@pytest.mark.fault(13, 22)
@pytest.mark.parametrize("disk", ["full", "read-only"])
def test_a_disk_that_takes_nothing_leaves_the_old_file(
    small: Path, kind: str, tmp_path: Path, disk: str
) -> None:
    """A tmpfs of 300 kB for more than that, or read-only: exit 1, told which, nothing left."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    unshare = shutil.which("unshare")
    if unshare is None or shutil.which("mount") is None:
        pytest.skip("there is no unshare or no mount here")
    folder, more = tmp_path / "disk", tmp_path / "more"
    folder.mkdir()
    more.mkdir()
    (more / "data.bin").write_bytes(os.urandom(400_000))
    prepare = 'mount -o remount,ro "$D"' if disk == "read-only" else ":"
    script = (
        'mount -t tmpfs -o size=300k none "$D" || exit 99\n'
        f'printf old > "$D/app.bundle"; {prepare}\n'
        '"$@" 2>"$E"; echo $? $(ls -A "$D") $(head -c 99 "$D/app.bundle")'
    )
    command = [unshare, "-m", "sh", "-c", script, "sh", sys.executable, "-m", "litebundle"]
    arguments = _arguments(small, folder / "app.bundle", kind)
    arguments.insert(1, more)
    done = subprocess.run(
        [*command, *map(str, arguments)],
        env=environment() | {"D": str(folder), "E": str(tmp_path / "errors")},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    if done.returncode == 99:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    assert done.stdout.split() == ["1", "app.bundle", "old"]
    told = (tmp_path / "errors").read_text()
    assert told.startswith(f"error: {folder}")
    assert ("bytes, free are " if disk == "full" else "cannot be written") in told
    assert len(told.splitlines()) == 2


@pytest.mark.fault(19)
def test_a_build_without_memory_says_so(small: Path, kind: str, tmp_path: Path) -> None:
    """Exit 1 in a line, whatever the limit; the old file stands."""
    output = tmp_path / "app.bundle"
    big = tmp_path / "more" / "big.py"  # data would be read by and by
    big.parent.mkdir()
    with big.open("wb") as file:
        file.truncate(_MEMORY)
    output.write_bytes(_OLD)
    command = _arguments(small, output, kind)
    command.insert(1, big.parent)
    limit = (_MEMORY, _MEMORY)
    done = _limited(lambda: resource.setrlimit(resource.RLIMIT_AS, limit), command, tmp_path)
    assert refusal(done) == "out of memory"
    assert output.read_bytes() == _OLD
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.bundle", "more"]


@pytest.mark.fault(20)
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o027])
def test_a_bundle_is_as_readable_as_the_umask_says(small: Path, tmp_path: Path, mask: int) -> None:
    """0644 less the umask, as any new file."""
    before = os.umask(mask)
    try:
        build([small], tmp_path / "app.bundle", Options(jobs=1))
    finally:
        os.umask(before)
    assert (tmp_path / "app.bundle").stat().st_mode & 0o777 == 0o666 & ~mask


@pytest.mark.fault(24)
def test_a_link_is_replaced_and_not_written_through(small: Path, kind: str, tmp_path: Path) -> None:
    """What it pointed to stays as it was."""
    target, link = tmp_path / "target", tmp_path / "app.bundle"
    target.write_bytes(_OLD)
    link.symlink_to(target)
    build([small], link, Options(container=kind, jobs=1))  # type: ignore[arg-type]
    assert not link.is_symlink()
    assert target.read_bytes() == _OLD
    assert not verify(str(link)).problems


@pytest.mark.fault(26)
def test_sources_that_change_meanwhile_fail_the_build_or_are_whole(
    kind: str, tmp_path: Path
) -> None:
    """A loop that rewrites a module: exit 1 naming it, or a bundle with one of its versions."""
    source, output = tmp_path / "source", tmp_path / "app.bundle"
    changing = source / "changing.py"
    texts = [f"VALUE = {number}\n" * 400 for number in (1, 22, 333)]
    write_tree({"changing.py": texts[0], **{f"m{n}.py": f"N = {n}\n" for n in range(50)}}, source)
    script = (
        "import sys, time\nnumber = 0\n"
        f"texts = {texts!r}\n"
        "while True:\n"
        "    number += 1\n"
        "    open(sys.argv[1], 'w').write(texts[number % 3])\n"
        "    time.sleep(0.0005)\n"
    )
    refused = 0
    with subprocess.Popen([sys.executable, "-c", script, changing]) as writer:
        try:
            for _ in range(4):
                output.write_bytes(_OLD)
                done = bundle(*_arguments(source, output, kind), cwd=tmp_path)
                if done.returncode:
                    assert refusal(done) == f"{changing}: changed during the build"
                    assert output.read_bytes() == _OLD
                    refused += 1
                else:
                    shown = bundle("cat", output, "changing", cwd=tmp_path)
                    assert shown.stdout in ("", *texts)
        finally:
            writer.kill()
    assert refused
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.bundle", "source"]


@pytest.mark.fault(27)
def test_builders_of_one_output_do_not_meet(kind: str, tmp_path: Path) -> None:
    """Eight at once, again and again: each succeeds, and at the end one's whole file is there."""
    assert builders.race(tmp_path, kind, rounds=2) == 16


@pytest.mark.fault(28)
def test_readers_see_one_build_each(kind: str, tmp_path: Path) -> None:
    """While two builders replace the file, every process imports modules of one build alone."""
    counts = builders.read_meanwhile(tmp_path, kind, builders=2, readers=2, seconds=2)
    assert min(counts) >= 4


@pytest.mark.fault(44)
def test_times_of_files_leave_no_trace(small: Path, kind: str, tmp_path: Path) -> None:
    """Before 1970 and 1980, after 2038, 2107 and 2**33: the same bytes, which load."""
    source = tmp_path / "source"
    shutil.copytree(small, source)
    found = set()
    for number, seconds in enumerate((0, -(10**9), 315_532_799, 2**31, 4_354_819_200, 2**33)):
        for path in source.rglob("*"):
            os.utime(path, (seconds, seconds))
        output = tmp_path / f"{number}.bundle"
        build([source], output, Options(container=kind, jobs=1))  # type: ignore[arg-type]
        os.utime(output, (seconds, seconds))
        assert bundle("run", output, "-c", "import top, pkg", cwd=tmp_path).stderr == ""
        found.add(output.read_bytes())
    assert len(found) == 1
