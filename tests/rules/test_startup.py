"""A6: where litebundle is installed, stock child processes import from bundles (`litebundle.pth`).

Each test runs in an environment that the wheel, built from this tree, was installed into.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.rules.places import Library, Tree
from tests.rules.probes import TIMEOUT

pytest.importorskip("hatchling", reason="the wheel cannot be built")

ROOT = Path(__file__).parents[2]

TREE: Tree = {
    "app/__init__.py": "",
    "app/__main__.py": (
        "import sys, app.core\nprint('main', __spec__.name, sys.argv[1:], app.core.VALUE)\n"
    ),
    "app/core.py": "from . import other\nVALUE = other.VALUE + 1\n",
    "app/other.py": "VALUE = 1\n",
    "app/again.py": (
        "import subprocess, sys\n"
        "from app.core import VALUE\n"
        "depth = int(sys.argv[1])\n"
        "print(depth, VALUE, flush=True)\n"
        "if depth:\n"
        "    subprocess.run([sys.executable, '-m', 'app.again', str(depth - 1)], check=True)\n"
    ),
    "__main__.py": "import sys, app.core\nprint('top', __name__, sys.argv[1:], app.core.VALUE)\n",
    "vendor/inner.py": "VALUE = 'inner'\n",
    **{f"many/m{number}.py": f"VALUE = {number}\n" for number in range(64)},
    "many/__init__.py": "",
}


@dataclass(frozen=True)
class Environment:
    """A virtual environment, run with nothing in the process's environment but what is given."""

    home: Path

    @property
    def site(self) -> Path:
        """Where packages are installed."""
        scheme = {"base": str(self.home), "platbase": str(self.home)}
        return Path(sysconfig.get_path("purelib", "venv", scheme))

    def run(
        self, *arguments: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> str:
        """Return what its Python prints; errors are part of it, and make no other difference."""
        done = subprocess.run(
            [self.home / "bin" / "python", "-B", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT,
            check=False,
            text=True,
            cwd=cwd or self.home,
            env=dict(env or {}),
        )
        return done.stdout


def _make(home: Path, wheel: Path) -> Environment:
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", home], check=True, capture_output=True
    )
    python = str(home / "bin" / "python")
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", str(wheel)]
    offline = ["--no-index", "--no-deps", "--disable-pip-version-check"]
    subprocess.run([*install, *offline], check=True, capture_output=True)
    return Environment(home)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Return an environment with the wheel in it."""
    directory = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)]
    subprocess.run(build, check=True, capture_output=True, cwd=ROOT)
    (wheel,) = directory.glob("*.whl")
    return _make(directory / "env", wheel)


@pytest.fixture
def entry(library: Library, container: str) -> str:
    """Return the tree in the container under test, not on the path of this process."""
    return library.place(TREE, container).entry


SHOW = "import app.core, app; print(app.core.VALUE, app.__file__.endswith('__init__.py'))"


def _path(*entries: str) -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join(entries)}


# The ways in which parents hand their path over


def test_rule_A6_by_the_environment(installed: Environment, entry: str) -> None:
    """`PYTHONPATH` with a bundle: -c, -m of packages and modules, scripts, and their children."""
    env = _path("/nowhere", entry)
    assert installed.run("-c", SHOW, env=env) == "2 True\n"
    assert installed.run("-m", "app", "x", env=env) == "main app.__main__ ['x'] 2\n"
    assert installed.run("-m", "app.again", "2", env=env) == "2 2\n1 2\n0 2\n"
    script = installed.home / "script.py"
    script.write_text(SHOW)
    assert installed.run(script, env=env) == "2 True\n"
    assert installed.run("-W", "error", "-X", "dev", "-c", SHOW, env=env) == "2 True\n"


def test_rule_A6_by_a_relative_entry(installed: Environment, entry: str) -> None:
    """A relative entry is one of the child's working directory, and survives `chdir`."""
    directory, name = os.path.split(entry)
    script = "import app, os; os.chdir('/'); " + SHOW
    assert installed.run("-c", script, cwd=Path(directory), env=_path(name)) == "2 True\n"


def test_rule_A6_by_a_directory_inside(installed: Environment, entry: str) -> None:
    """A directory inside a bundle may be the first that is seen of it."""
    env = _path(f"{entry}/vendor")
    assert installed.run("-c", "import inner; print(inner.VALUE)", env=env) == "inner\n"


@pytest.mark.parametrize("how", ["sys.path[:] = new", "sys.path = new", "sys.path += new"])
def test_rule_A6_by_assignment(installed: Environment, entry: str, how: str) -> None:
    """The parent's `sys.path`, sent as text and put in the place of the child's."""
    own = installed.run("-c", "import json, sys; print(json.dumps(sys.path))")
    path = [entry, *json.loads(own)]
    script = f"import json, sys; new = json.loads(sys.argv[1]); {how}; {SHOW}"
    assert installed.run("-c", script, json.dumps(path)) == "2 True\n"


def test_rule_A6_by_a_pth_file(installed: Environment, entry: str) -> None:
    """A bundle named in a `.pth` file of the environment is on the path, and imported from."""
    listed = installed.site / "zz_app.pth"
    listed.write_text(entry + "\n", encoding="utf-8")
    try:
        assert installed.run("-c", SHOW) == "2 True\n"
    finally:
        listed.unlink()


def test_rule_I7_running_the_file(installed: Environment, entry: str) -> None:
    """`python app.bundle` runs its `__main__.py`, as for a directory or a zip."""
    assert installed.run(entry, "x") == "top __main__ ['x'] 2\n"


def test_rule_A6_in_interpreters_beside(installed: Environment, entry: str) -> None:
    """A sub-interpreter of a child has it as well."""
    script = f"""
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
identifier = interpreters.create()
assert interpreters.run_string(identifier, {SHOW + "; import sys; sys.stdout.flush()"!r}) is None
interpreters.destroy(identifier)
"""
    assert installed.run("-c", script, env=_path(entry)) == "2 True\n"


def test_rule_L12_threads_meet_it_first(installed: Environment, entry: str) -> None:
    """Sixty-four threads that are the first to see a bundle all import from it."""
    script = """
import importlib, sys, threading
sys.setswitchinterval(1e-5)
barrier = threading.Barrier(64)
found = []
def work(number):
    barrier.wait()
    found.append(importlib.import_module(f"many.m{number}").VALUE)
threads = [threading.Thread(target=work, args=(number,)) for number in range(64)]
sys.path[:0] = sys.argv[1:]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
hooks = [getattr(hook, "__name__", "") for hook in sys.path_hooks]
finders = [type(finder).__name__ for finder in sys.meta_path]
print(sum(found), len(hooks) == len(set(hooks)), finders.count("BundleMetaFinder") < 2)
"""
    for _ in range(3):
        assert installed.run("-c", script, entry) == "2016 True True\n"


# What it does to everybody else: nothing

_STATE = """
import sys
print([name for name in sys.modules if "litebundle" in name])
print([getattr(hook, "__name__", "") for hook in sys.path_hooks][:-1])
print([getattr(finder, "__name__", type(finder).__name__) for finder in sys.meta_path])
"""
_HOOKS = "['_litebundle_hook', 'zipimporter']"


@contextlib.contextmanager
def _stock(environment: Environment) -> Iterator[None]:
    """Leave no more of the file than that there is one: `site` imports a codec to read any."""
    listed = environment.site / "litebundle.pth"
    content = listed.read_bytes()
    listed.write_bytes(b"# nothing\n")
    try:
        yield
    finally:
        listed.write_bytes(content)


def test_the_environment_imports_nothing_for_it(installed: Environment, tmp_path: Path) -> None:
    """Without a bundle on the path, the hook is all there is, and no module is imported."""
    script = tmp_path / "script.py"
    script.write_text(f"{_STATE}\nprint(sorted(sys.modules))\n")
    env = _path(str(tmp_path), "/nowhere/x")
    found = installed.run(script, env=env)
    with _stock(installed):
        expected = installed.run(script, env=env)
    assert expected.startswith("[]\n['zipimporter']\n")
    assert found == expected.replace("['zipimporter']", _HOOKS)


@pytest.mark.usefixtures("packed")
def test_the_environment_leaves_it_to_the_hook_proper(installed: Environment, entry: str) -> None:
    """With the first bundle it goes, and `install()` before or after makes no difference."""
    state = _STATE.replace("print([name", "([name")
    alone, after, before = (
        installed.run("-c", f"{first}import app.core; {then}{state}", env=_path(entry)).splitlines()
        for first, then in (
            ("", ""),
            ("", "import litebundle; litebundle.install()"),
            ("import litebundle; litebundle.install(); ", ""),
        )
    )
    assert alone == after == before
    assert alone[0] == "['path_hook', 'zipimporter']"
    assert alone[1].count("BundleMetaFinder") == 1


@pytest.mark.parametrize("kind", ["zip", "text", "fifo", "unreadable", "empty", "database"])
def test_the_environment_keeps_off_other_files(
    installed: Environment, tmp_path: Path, kind: str
) -> None:
    """What else stands on the path is what it is without us, and nothing is imported for it."""
    other = tmp_path / "other"
    if kind == "zip":
        with zipfile.ZipFile(other, "w") as archive:
            archive.writestr("mine.py", "VALUE = 1\n")
    elif kind == "fifo":
        os.mkfifo(other)
    else:
        database = b"SQLite format 3\0" + bytes(4080)
        other.write_bytes({"empty": b"", "database": database}.get(kind, b"#"))
    if kind == "unreadable":
        other.chmod(0)
    script = f"""
try:
    import mine
    print(mine.__loader__)
except ImportError as error:
    print(error)
{_STATE}"""
    found = installed.run("-c", script, env=_path(str(other)))
    with _stock(installed):
        expected = installed.run("-c", script, env=_path(str(other)))
    assert found == expected.replace("['zipimporter']", _HOOKS)
    assert ("zipimporter object" in found) == (kind == "zip")


@pytest.mark.usefixtures("packed")
def test_rule_F1_a_damaged_bundle_is_no_missing_module(
    installed: Environment, entry: str, tmp_path: Path
) -> None:
    """A bundle on the path that cannot be used says so, instead of "No module named"."""
    damaged = tmp_path / "damaged.bundle"
    data = Path(entry).read_bytes()
    damaged.write_bytes(data[: len(data) // 2])
    found = installed.run("-c", SHOW, env=_path(str(damaged)))
    assert "BundleCorrupt" in found
    assert "No module named" not in found


def test_an_environment_that_lost_the_package(
    installed: Environment, entry: str, tmp_path: Path
) -> None:
    """A `.pth` file that was left behind is silent, and takes no bundle."""
    home = tmp_path / "env"
    shutil.copytree(installed.home, home, symlinks=True)
    left = Environment(home)
    shutil.rmtree(left.site / "litebundle")
    assert left.run("-c", "print('quiet')", env=_path(entry)) == "quiet\n"


@pytest.mark.usefixtures("packed")
def test_the_hook_is_left_out_where_site_is(installed: Environment, entry: str) -> None:
    """`-S` and `-I` mean the same as ever: no site packages, or no `PYTHONPATH`."""
    state = installed.run("-S", "-c", _STATE, env=_path(entry))
    assert state.splitlines()[:2] == ["[]", "['zipimporter']"]
    assert "No module named 'app'" in installed.run("-I", "-c", SHOW, env=_path(entry))
