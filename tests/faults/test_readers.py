"""Processes that have a bundle open, and what others do to the file, and they to themselves."""

import contextlib
import errno
import importlib
import os
import pkgutil
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import litebundle
from litebundle import BundleCorrupt, BundleError, BundleIOError
from litebundle.builder import Options, build
from tests.cli.command import TIMEOUT, environment
from tests.rules.places import write_tree
from tools.faults.children import in_children

_MODULES = 20
_NOBODY = 65534


def _release(base: Path, kind: str, number: int, filler: str = "") -> Path:
    """Build a release whose modules say which it is; of equal sizes but for the filler."""
    source, output = base / f"source{number}{len(filler)}", base / f"release{number}{len(filler)}"
    text = f"RELEASE = {number}\nDATA = {filler!r}\n"
    tree = {f"m{n}.py": f"{text}NUMBER = {n}\n" for n in range(_MODULES)}
    write_tree({**tree, "pkg/__init__.py": "", "pkg/data.txt": f"{number}" * 999}, source)
    options = Options(container=kind, jobs=1, place={"pkg": "code"})  # type: ignore[arg-type]
    build([source], output, options)
    return output


@pytest.fixture
def releases(kind: str, tmp_path: Path) -> list[Path]:
    """Return two releases of one layout."""
    return [_release(tmp_path, kind, number) for number in (1, 2)]


@pytest.fixture
def bundle(releases: list[Path], tmp_path: Path) -> Path:
    """Return the first release at a path of its own."""
    path = tmp_path / "app" / "app.bundle"
    path.parent.mkdir()
    shutil.copyfile(releases[0], path)
    return path


def _opened(path: Path) -> Any:
    """Put the bundle on the path, import a module from it, and return that."""
    litebundle.install()
    sys.path.insert(0, str(path))
    return importlib.import_module("m0")


def _in_child(work: Callable[[], Any]) -> Any:
    """Do the work in a process that no other test has touched."""
    [answer] = in_children([work])
    return answer


def _rest() -> set[int]:
    """Import all other modules; return which releases they are of."""
    return {importlib.import_module(f"m{n}").RELEASE for n in range(1, _MODULES)}


@pytest.mark.fault(6)
def test_replaced_by_renames_readers_keep_what_they_opened(
    bundle: Path, releases: list[Path]
) -> None:
    """Eight readers, while the file changes all the time: each one's modules are of one release."""
    over = bundle.with_name("over")

    def replace() -> int:
        count = 0
        while not over.exists():
            fresh = bundle.with_name("fresh")
            shutil.copyfile(releases[count % 2], fresh)
            fresh.replace(bundle)
            count += 1
        return count

    def read(number: int) -> list[int]:
        with contextlib.ExitStack() as stack:
            if not number:
                stack.callback(over.touch)
            time.sleep(number / 500)
            found = {_opened(bundle).RELEASE}
            for n in range(1, _MODULES):
                time.sleep(0.002)
                found.add(importlib.import_module(f"m{n}").RELEASE)
            time.sleep(0.2 if not number else 0)
        return sorted(found)

    count, *found = in_children([replace, *(lambda n=n: read(n) for n in range(8))])
    assert count > 2
    assert all(releases in ([1], [2]) for releases in found)


@pytest.mark.fault(7)
@pytest.mark.parametrize("layout", ["same", "shifted"])
@pytest.mark.parametrize("how", ["written over", "cut to nothing first"])
def test_replaced_in_place_releases_are_never_mixed(
    bundle: Path, releases: list[Path], kind: str, layout: str, how: str
) -> None:
    """What was read stays, what was not raises, and tells why; not one module is of the new."""
    other = releases[1] if layout == "same" else _release(releases[1].parent, kind, 2, "x" * 500)

    def work() -> list[str]:
        _opened(bundle)
        before = bundle.stat().st_mtime_ns
        with bundle.open("r+b") as file:
            if how != "written over":
                file.truncate(0)
            file.write(other.read_bytes())
        os.utime(bundle, ns=(before + 1, before + 1))
        found = []
        for n in range(1, _MODULES):
            try:
                found.append(str(importlib.import_module(f"m{n}").RELEASE))
            except BundleError as error:
                found.append(f"{type(error).__name__}: {error.hint}")
        # The module that was there is as it was, and new ones come from the new file
        importlib.invalidate_caches()
        assert sys.modules["m0"].RELEASE == 1
        found += map(str, sorted(_rest()))
        return found

    *before, after = _in_child(work)
    assert after == "2"
    told = {text for text in before if text != "1"}
    hint = "the file was replaced in place: restart the program, and replace by renaming"
    assert told == {f"BundleCorrupt: {hint}"}


@pytest.mark.fault(8)
def test_truncated_under_a_reader_it_raises(bundle: Path) -> None:
    """At any size: an error of ours for what is gone, and no SIGBUS."""
    size = bundle.stat().st_size

    def work(kept: int) -> int:
        _opened(bundle)
        os.truncate(bundle, kept)
        for n in range(1, _MODULES):
            with contextlib.suppress(BundleCorrupt, BundleIOError):
                assert importlib.import_module(f"m{n}").RELEASE == 1
        with contextlib.suppress(BundleCorrupt, BundleIOError):
            importlib.import_module("pkg")
            assert pkgutil.get_data("pkg", "data.txt") == b"1" * 999
        return len([name for name in sys.modules if name[0] == "m" and name[1:].isdigit()])

    whole = bundle.read_bytes()
    loaded = []
    for kept in (0, 1, 100, 4096, size // 2, size - 4096, size - 1):
        bundle.write_bytes(whole)
        loaded.append(_in_child(lambda kept=kept: work(kept)))  # type: ignore[misc]
    assert loaded == sorted(loaded)
    assert (loaded[0], loaded[-1]) == (1, _MODULES)


@pytest.mark.fault(9)
def test_removed_with_its_directory_it_goes_on(bundle: Path) -> None:
    """Modules and data come from the open file, whatever became of its name."""

    def work() -> list[int]:
        _opened(bundle)
        shutil.rmtree(bundle.parent)
        importlib.invalidate_caches()
        return sorted(_rest())

    assert _in_child(work) == [1]


@pytest.mark.fault(9)
def test_unmounted_lazily_it_goes_on(bundle: Path, tmp_path: Path) -> None:
    """The file system is not to be seen any more, and the open file is read all the same."""
    unshare = shutil.which("unshare")
    if os.geteuid() != 0 or unshare is None or shutil.which("umount") is None:
        pytest.skip("only root can mount, with unshare and mount")
    disk = tmp_path / "disk"
    disk.mkdir()
    script = f"""
import importlib, os, subprocess, sys, litebundle
litebundle.install()
sys.path.insert(0, "{disk}/app.bundle")
import m0
subprocess.run(["umount", "-l", "{disk}"], check=True)
print(os.listdir("{disk}"), {{importlib.import_module(f"m{{n}}").RELEASE for n in range(20)}})
"""
    mount = f'mount -t tmpfs none "{disk}" || exit 99; cp "{bundle}" "{disk}"; exec "$@"'
    done = subprocess.run(
        [unshare, "-m", "sh", "-c", mount, "sh", sys.executable, "-B", "-c", script],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    if done.returncode == 99:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    assert (done.stdout, done.stderr) == ("[] {1}\n", "")


@contextlib.contextmanager
def _no_descriptors() -> Iterator[None]:
    """Have no descriptor left, as a leaking server does."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    held = []
    with contextlib.suppress(OSError):
        while True:
            held.append(os.open("/", os.O_RDONLY))
    try:
        yield
    finally:
        for descriptor in held:
            os.close(descriptor)


@pytest.mark.fault(17)
def test_without_descriptors_a_bundle_is_no_missing_module(bundle: Path) -> None:
    """BundleIOError with EMFILE, not remembered; the import works when there are some again."""

    def work() -> list[Any]:
        litebundle.install()
        sys.path.insert(0, str(bundle))
        with _no_descriptors(), pytest.raises(BundleIOError) as caught:
            importlib.import_module("m0")
        assert str(bundle) not in sys.path_importer_cache
        return [caught.value.errno, caught.value.file, importlib.import_module("m0").RELEASE]

    assert _in_child(work) == [errno.EMFILE, str(bundle), 1]


@pytest.mark.fault(18)
def test_an_open_bundle_needs_no_more_descriptors(bundle: Path) -> None:
    """With none left, modules, packages, sources and data are read as ever."""

    def work() -> list[Any]:
        module = _opened(bundle)
        with _no_descriptors():
            importlib.import_module("pkg")
            data = pkgutil.get_data("pkg", "data.txt") or b""
            return [sorted(_rest()), len(data), len(module.__loader__.get_source("m0")) > 10]

    assert _in_child(work) == [[1], 999, True]


@pytest.mark.fault(20)
def test_another_users_file_is_no_missing_module(releases: list[Path]) -> None:
    """0600 of root's, opened by somebody else: BundleIOError with EACCES."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder, "app.bundle")
        shutil.copyfile(releases[0], path)
        path.chmod(0o600)

        def work() -> list[Any]:
            litebundle.install()
            sys.path.insert(0, str(path))
            os.setgroups([])
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
            with pytest.raises(BundleIOError) as caught:
                importlib.import_module("m0")
            return [caught.value.errno, str(path) in str(caught.value)]

        assert _in_child(work) == [errno.EACCES, True]


@pytest.mark.fault(21)
@pytest.mark.parametrize("exposed", ["file", "directory"])
def test_root_is_warned_of_a_file_that_everybody_can_write(
    bundle: Path, releases: list[Path], exposed: str
) -> None:
    """Once, when it is opened or built, and not where only the owners remove from a directory."""
    if os.geteuid() != 0:
        pytest.skip("only root is warned")
    what = bundle if exposed == "file" else bundle.parent
    mode = what.stat().st_mode

    def work() -> list[str]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            _opened(bundle)
            _rest()
        return [str(warning.message) for warning in caught]

    assert _in_child(work) == []
    what.chmod(mode | 0o002)
    expected = f"{what} can be written by every user, and this process is root's"
    assert _in_child(work) == [f"{bundle}: {expected}" if exposed == "directory" else expected]
    report = build([releases[0].with_name("source10")], bundle, Options(jobs=1))
    assert report.warnings == ((f"{bundle}: {expected}",) if exposed == "directory" else ())
    if exposed == "directory":
        what.chmod(mode | 0o1002)
        assert _in_child(work) == []


@pytest.mark.fault(52)
def test_a_file_dropped_into_a_zip_is_not_served(kind: str, bundle: Path) -> None:
    """The index is closed: a member that was added is not there, and the rest is as built."""
    if kind != "zip":
        pytest.skip("no tool adds a row to a database by accident: `verify` compares the tables")
    with zipfile.ZipFile(bundle, "a") as archive:
        archive.writestr("evil.py", "RELEASE = 666\n")

    def work() -> list[Any]:
        _opened(bundle)
        spec = litebundle.path_hook(str(bundle)).find_spec("evil")
        return [spec is None, sorted(_rest())]

    assert _in_child(work) == [True, [1]]


@pytest.mark.fault(52)
def test_a_module_dropped_in_the_way_of_a_program_is_not_imported(
    releases: list[Path], kind: str, tmp_path: Path
) -> None:
    """Of a program's modules none comes from its working directory, its file's or PYTHONPATH."""
    evil, program = tmp_path / "evil", tmp_path / "program"
    write_tree({f"m{n}.py": "raise SystemExit('evil')\n" for n in range(_MODULES)}, evil)
    main = "import m1, m2\nprint(m1.RELEASE + m2.RELEASE)\n"
    write_tree({"m1.py": "RELEASE = 1\n", "m2.py": "RELEASE = 1\n", "start.py": main}, program)
    from litebundle.write.launcher import Launch

    options = Options(container=kind, jobs=1, launch=Launch(main="start"))  # type: ignore[arg-type]
    build([program], evil / "app.bundle", options)
    done = subprocess.run(
        [sys.executable, "app.bundle"],
        cwd=evil,
        env=environment() | {"PYTHONPATH": str(evil)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("2\n", "")
    assert releases


@pytest.mark.fault(55)
@pytest.mark.parametrize("then", ["another file", "another release", "nothing"])
def test_a_closed_descriptor_that_means_another_file_is_noticed(
    bundle: Path, releases: list[Path], then: str
) -> None:
    """The path is opened again; where another release stands there, the import is refused."""

    def work() -> list[Any]:
        _opened(bundle)
        os.closerange(3, 64)
        # Of the same layout: offsets lead to other modules' places exactly.
        taken = {"another file": "/dev/zero", "another release": str(releases[1])}.get(then)
        held = [os.open(taken, os.O_RDONLY) for _ in range(20)] if taken else []
        if then == "another release":
            releases[1].replace(bundle)
            with pytest.raises(BundleIOError) as caught:
                _rest()
            return [caught.value.errno]
        found = sorted(_rest())
        return [*found, all(os.fstat(descriptor) for descriptor in held)]

    # The answers' pipe is among what is closed: they come by a file.
    answers = bundle.with_name("answers")

    def told() -> None:
        answers.write_text(repr(work()))
        os._exit(0)

    with contextlib.suppress(AssertionError):
        _in_child(told)
    assert answers.read_text() == repr([errno.EBADF] if then == "another release" else [1, True])
