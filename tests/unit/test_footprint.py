"""What an import from a bundle costs beside the module itself: modules, system calls, no files."""

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

import litebundle
from litebundle.builder import Options, build

_MODULES = 200
_CONTAINERS = ["sqlite", "zip"]

_GAINED = """
import sys
sys.path.insert(0, sys.argv[1])
before = set(sys.modules)
{statements}
print(*sorted(set(sys.modules) - before), sep="\\n")
"""
_INSTALL = """
import litebundle
litebundle.install()
sys.path.insert(0, sys.argv[2])
"""
_TRACED = """
import posix, sys
def pass_by(mark):
    try:
        posix.stat("/mark/" + mark)
    except OSError:
        pass
sys.path.insert(0, sys.argv[1])
import litebundle
litebundle.install()
sys.path.insert(0, sys.argv[2])
pass_by("begin")
{imports}
pass_by("end")
"""


@pytest.fixture(scope="module", params=_CONTAINERS)
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bundle of many modules."""
    directory = tmp_path_factory.mktemp(request.param)
    source = directory / "source"
    source.mkdir()
    for number in range(_MODULES):
        (source / f"m{number}.py").write_text(f"VALUE = {number}\n" * 20)
    (source / "data.txt").write_text("text " * 1000)
    output = directory / f"app.{request.param}"
    build([source], output, Options(container=request.param, jobs=1))
    return output


def _run(*command: object, **environment: str) -> str:
    """Run a command with no more than it is given, and return its output."""
    return subprocess.run(
        [str(part) for part in command], capture_output=True, check=True, text=True, env=environment
    ).stdout


def _gained(statements: str, *arguments: object) -> list[str]:
    """Return the modules that statements add to those of a bare interpreter."""
    home = Path(litebundle.__file__).parents[1]
    script = _GAINED.format(statements=statements)
    return _run(sys.executable, "-I", "-S", "-B", "-c", script, home, *arguments).split()


def test_importing_the_package_is_nearly_free() -> None:
    """`import litebundle` is one module, whatever it offers."""
    assert _gained("import litebundle") == ["litebundle"]


def test_errors_can_be_named_without_the_loader() -> None:
    """An `except litebundle.BundleError` costs the errors and nothing else."""
    assert _gained("import litebundle; litebundle.BundleError") == [
        "litebundle",
        "litebundle.errors",
    ]


def test_an_import_from_a_bundle_gains_only_the_loader(bundle: Path) -> None:
    """The hook, and the one module: nothing of the standard library comes with them."""
    gained = _gained(_INSTALL + "import m7", bundle)
    own = [name for name in gained if name.startswith("litebundle")]
    assert [name for name in gained if name not in own] == ["m7"]
    parts = {name.split(".")[1] for name in own if "." in name}
    assert parts == {"errors", "format", "runtime"}
    other = {"sqlite": "zipfile", "zip": "pages"}[bundle.suffix[1:]]
    assert not {f"litebundle.runtime.{name}" for name in (other, "files", "main")} & set(own)


def test_without_a_key_nothing_is_loaded_that_checks_one(bundle: Path) -> None:
    """What signatures take is imported where a trust file is configured, and only there."""
    gained = _gained(_INSTALL + "import m7", bundle)
    names = ("trust", "signed", "closed", "ed25519", "trusted")
    assert not {f"litebundle.runtime.{name}" for name in names} & set(gained)
    assert "litebundle.format.signature" not in gained


def test_a_large_directory_loads_no_more_than_a_small_one(bundle: Path, tmp_path: Path) -> None:
    """Nor does the first import from it wait for more of the runtime."""
    source = tmp_path / "source"
    source.mkdir()
    for number in range(1100):
        (source / f"m{number}.py").touch()
    large = tmp_path / "large.bundle"
    options = Options(jobs=1, container="zip" if bundle.suffix == ".zip" else "sqlite")
    build([source], large, options)
    code = _INSTALL + "import m7"
    assert _gained(code, large) == _gained(code, bundle)


def test_a_start_that_finds_its_files_in_place_loads_nothing_that_writes(tmp_path: Path) -> None:
    """The first start loads what places files, and one that has something to put right."""
    package = tmp_path / "source" / "pkg"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("DATA = open(__file__[:-11] + 'data.txt').read()")
    (package / "data.txt").write_text("text")
    output = tmp_path / "app.bundle"
    build([package.parent], output, Options(jobs=1))
    statements = f"import os; os.environ['LITEBUNDLE_CACHE'] = {str(tmp_path / 'cache')!r}\n"
    statements += _INSTALL + "import pkg"
    placing = "litebundle.runtime.placing"
    first, second = (_gained(statements, output) for _ in range(2))
    assert placing in first
    assert {"litebundle.runtime.files", "litebundle.runtime.marker"} <= set(second)
    assert not {placing, "litebundle.runtime.homeless"} & set(second)
    (placed,) = (tmp_path / "cache").glob("*/pkg/data.txt")
    placed.write_text("other")
    assert placing in _gained(statements, output)


def test_data_may_gain_zlib(bundle: Path) -> None:
    """What is compressed takes zlib to read, and nothing more."""
    statements = _INSTALL + "import m7; m7.__loader__.get_data('data.txt')"
    gained = _gained(statements, bundle)
    assert [name for name in gained if not name.startswith("litebundle")] in (
        ["m7", "zlib"],
        ["m7"],  # where zlib is built in, or was kept out of sys.modules
    )


def _traced(bundle: Path, directory: Path, imports: str, **environment: str) -> list[str]:
    """Return the system calls about files that a second start makes, with the marks."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("there is no strace here")
    # A copy: bytecode is written beside it, as for any user, before anything is looked at.
    home = directory / "home"
    shutil.copytree(
        Path(litebundle.__file__).parent,
        home / "litebundle",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    script = _TRACED.format(imports=imports)
    command: Sequence[object] = (sys.executable, "-I", "-S", "-c", script, home, bundle)
    _run(*command, **environment)
    trace = directory / "trace"
    tracing: Sequence[object] = (strace, "-f", "-qq", "-e", "trace=%file,%desc", "-o", trace)
    try:
        _run(*tracing, *command, **environment)
    except subprocess.CalledProcessError as error:
        if "ptrace" in error.stderr.lower():
            pytest.skip(f"strace may not trace here: {error.stderr.strip()}")
        raise
    return trace.read_text().splitlines()


@pytest.mark.fault(22)
def test_an_import_is_one_read_and_writes_nothing(bundle: Path, tmp_path: Path) -> None:
    """A module from an open directory costs at most two system calls, and no file appears."""
    imports = [f"import m{number}" for number in range(_MODULES)]
    calls = _traced(bundle, tmp_path, "\n".join([imports[0], 'pass_by("read")', *imports[1:]]))
    assert any("pread64" in call for call in calls)
    writing = re.compile(r"O_CREAT|O_WRONLY|O_RDWR|\b(mk|rename|unlink|symlink|link)\w*\(")
    assert [call for call in calls if writing.search(call)] == []
    begin, end = (
        next(i for i, call in enumerate(calls) if f"/mark/{mark}" in call)
        for mark in ("read", "end")  # the directory's listing
    )
    # Whether the system has a trust file is asked once, when the hook is installed
    assert sum("/etc/litebundle/trust" in call for call in calls) == 1
    imports = [call for call in calls[begin + 1 : end] if "MAP_ANONYMOUS" not in call]
    assert len(imports) <= 2 * (_MODULES - 1)


@pytest.mark.parametrize("bundle", ["sqlite"], indirect=True)
def test_the_head_of_a_database_is_read_once(bundle: Path, tmp_path: Path) -> None:
    """And with it how the first page begins, whatever its size, which only the head tells."""
    calls = _traced(bundle, tmp_path, "import m0")
    assert len([call for call in calls if '"SQLite format 3' in call]) == 1


def test_placed_files_that_are_there_are_looked_at_once(tmp_path: Path) -> None:
    """Where each call waits for a distant disk: a start asks no more than it has to know."""
    source, cache = tmp_path / "source" / "pkg", tmp_path / "cache"
    source.mkdir(parents=True)
    lines = ("import os", "def data():", "    return open(os.path.dirname(__file__) + '/data.txt')")
    (source / "__init__.py").write_text("\n".join(lines) + "\n")
    (source / "data.txt").write_text("text")
    build([source.parent], tmp_path / "app.bundle", Options(jobs=1))
    calls = _traced(
        tmp_path / "app.bundle", tmp_path, "import os, pkg", LITEBUNDLE_CACHE=str(cache)
    )
    [placed] = cache.iterdir()
    looks = Counter(re.findall(rf'"({re.escape(str(cache))}[^"]*)"', "\n".join(calls)))
    assert looks == {
        str(cache): 2,  # whose it is; whether its file system executes
        f"{placed}/.litebundle": 3,  # whether it is there; opened; whether it still is, once held
        f"{placed}/pkg/data.txt": 1,
    }
    # What names may be placed is asked by those who place
    assert not [call for call in calls if "format/names." in call]
