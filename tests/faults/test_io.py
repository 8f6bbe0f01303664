"""The n-th call fails, for every n, until the work succeeds: SQLite's way of testing I/O."""

import errno
import hashlib
from pathlib import Path

import pytest

from litebundle.builder import Options, build
from tools.faults.injected import Outcome, Work, run
from tools.faults.shim import HANDLE, LATER, ONCE, SHORT

_WRITING = "open,read,write,pread,pwrite,fsync,rename"
_OLD = b"what stood there before\n"
_MODULES = ("top", "pkg", "pkg.sub")


class Builds:
    """Builds of one source in one container, and what a sound one has."""

    def __init__(self, shim: Path, source: Path, kind: str, directory: Path) -> None:
        self._shim = shim
        self._source = source
        self.output = directory / "out" / "app.bundle"
        self.output.parent.mkdir()
        options = ("--format", kind, "--no-launcher", "--jobs", "1", "--quiet")
        self._arguments = (str(source), "-o", str(self.output), *options)
        build([source], self.output, Options(container=kind, jobs=1))  # type: ignore[arg-type]
        self.sound = hashlib.sha256(self.output.read_bytes()).hexdigest()
        self.output.write_bytes(_OLD)
        self.old = hashlib.sha256(_OLD).hexdigest()

    def failing(
        self, error: int, mode: int = ONCE, *, calls: str = _WRITING, path: Path | None = None
    ) -> list[Outcome]:
        """Return what became of the builds when calls about the output's directory failed."""
        work = Work(
            kind="build",
            arguments=self._arguments,
            output=str(self.output),
            path=str(path or self.output.parent),
            calls=calls,
            error=error,
            mode=mode,
        )
        return run(self._shim, work)


@pytest.fixture
def builds(shim: Path, small: Path, kind: str, tmp_path: Path) -> Builds:
    """Return builds in either container."""
    return Builds(shim, small, kind, tmp_path)


def _refused(outcome: Outcome, named: Path) -> bool:
    """Tell whether a build ended with one message, that names the file, and its hint."""
    lines = outcome.message.splitlines()
    return (
        outcome.status == 1
        and len(lines) == 2
        and lines[0].startswith(f"error: {named}: cannot be ")
        and lines[1].startswith("hint: ")
    )


@pytest.mark.fault(13, 14)
@pytest.mark.parametrize(
    ("error", "mode"),
    [(errno.EIO, ONCE), (errno.ENOSPC, LATER), (errno.EIO, HANDLE)],
    ids=["EIO", "ENOSPC", "handle"],
)
def test_a_build_that_cannot_write_leaves_the_old_file(
    builds: Builds, error: int, mode: int
) -> None:
    """Exit 1, one message naming the file, nothing beside it; or the very bytes of a sound one."""
    outcomes = builds.failing(error, mode)
    assert len(outcomes) > 20
    if mode != HANDLE:  # which has fstat fail after them
        assert {"open", "fsync", "rename"} < {outcome.call for outcome in outcomes}
    for outcome in outcomes:
        assert outcome.beside == ("app.bundle",), outcome
        # A read that failed once may have been done again: what stands there was checked
        assert _refused(outcome, builds.output) or outcome.status == 0, outcome
        renamed = outcome.status == 0 or outcomes.index(outcome) > _renaming(outcomes)
        assert outcome.digest == (builds.sound if renamed else builds.old), outcome
        if (error, outcome.call) in ((errno.ENOSPC, "write"), (errno.ENOSPC, "pwrite")):
            assert "bytes, free are " in outcome.message


def _renaming(outcomes: list[Outcome]) -> int:
    """Return which operation is the rename; those behind it only sync the directory."""
    found = [index for index, outcome in enumerate(outcomes) if outcome.call == "rename"]
    return found[0] if found else len(outcomes)


@pytest.mark.fault(16)
@pytest.mark.parametrize("error", [SHORT, errno.EINTR], ids=["short", "EINTR"])
def test_a_build_goes_on_where_a_call_did_a_part_of_it(builds: Builds, error: int) -> None:
    """Half a read or write, or an interrupted one, changes no byte of the bundle."""
    outcomes = builds.failing(error, calls="read,pread,write,pwrite")
    assert len(outcomes) > 10
    assert {(outcome.status, outcome.message, outcome.digest) for outcome in outcomes} == {
        (0, "", builds.sound)
    }


@pytest.mark.fault(15)
def test_a_source_that_cannot_be_read_is_named(builds: Builds, small: Path) -> None:
    """Whichever call fails, when it is compiled or when it is stored: exit 1, with its path."""
    source = small / "pkg" / "sub.py"
    outcomes = builds.failing(errno.EIO, calls="open,read,fstat", path=source)
    assert len(outcomes) > 5
    for outcome in outcomes:
        assert _refused(outcome, source) or outcome.status == 0, outcome
        assert outcome.digest == (builds.old if outcome.status else builds.sound)
    assert {outcome.status for outcome in outcomes if outcome.call == "read"} == {1}


@pytest.fixture
def loading(shim: Path, small: Path, kind: str, tmp_path: Path) -> "Loading":
    """Return imports from a bundle in either container."""
    output = tmp_path / "app.bundle"
    build([small], output, Options(container=kind, jobs=1))  # type: ignore[arg-type]
    return Loading(shim, output)


class Loading:
    """Imports of all modules of a bundle."""

    def __init__(self, shim: Path, bundle: Path) -> None:
        self._shim = shim
        self._bundle = bundle

    def failing(self, error: int, mode: int, calls: str = "open,pread,fstat") -> list[Outcome]:
        """Return what became of the imports."""
        bundle = str(self._bundle)
        return run(
            self._shim,
            Work(
                kind="load",
                arguments=_MODULES,
                output=bundle,
                path=bundle,
                calls=calls,
                error=error,
                mode=mode,
            ),
        )

    def refusal(self, error: int) -> str:
        """Return what an import is to raise, as the shim's program tells it."""
        return f"BundleIOError,BundleError,OSError {error} {self._bundle}"


@pytest.mark.fault(15, 17, 23)
@pytest.mark.parametrize("mode", [ONCE, LATER, HANDLE], ids=["once", "later", "handle"])
@pytest.mark.parametrize(
    "error", [errno.EIO, errno.ESTALE, errno.EMFILE], ids=["EIO", "ESTALE", "EMFILE"]
)
def test_an_import_that_cannot_read_raises_and_can_be_repeated(
    loading: Loading, error: int, mode: int
) -> None:
    """BundleIOError with the number, never ImportError; nothing is remembered of it."""
    outcomes = loading.failing(error, mode)
    assert len(outcomes) > 8
    for outcome in outcomes:
        assert set(outcome.first) <= {"", loading.refusal(error)}, outcome
        assert not outcome.remembered
        assert outcome.second == ("", "", ""), outcome
    failed = [any(outcome.first) for outcome in outcomes]
    assert failed[0]
    # Where only the handle is gone, a module's own read is made good by opening the path again.
    assert failed[-1] == (mode == LATER)


@pytest.mark.fault(16)
@pytest.mark.parametrize(
    ("error", "mode"),
    # Not EINTR for ever: Python repeats the call as often (PEP 475)
    [(SHORT, ONCE), (SHORT, LATER), (errno.EINTR, ONCE)],
    ids=["short", "always short", "EINTR"],
)
def test_an_import_goes_on_where_a_read_did_a_part_of_it(
    loading: Loading, error: int, mode: int
) -> None:
    """Short reads are continued; an interrupted one is repeated."""
    outcomes = loading.failing(error, mode, calls="pread")
    assert len(outcomes) > 5
    assert {(outcome.first, outcome.second) for outcome in outcomes} == {(("",) * 3, ("",) * 3)}
