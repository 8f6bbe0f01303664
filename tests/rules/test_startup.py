"""A6: an environment whose interpreters all have the hook, by one line in a `.pth` file.

So the parent's path reaches a plain `subprocess` in whatever way it is handed over. The README
says which line; litebundle itself puts none there, since every interpreter would pay for it.
"""

import json
import os
import re
import subprocess
import sys
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

import litebundle
from tests.rules.places import Library, Place, Tree
from tests.rules.probes import TIMEOUT

TREE: Tree = {
    "app/__init__.py": "",
    "app/__main__.py": "import sys, app.core\nprint(__spec__.name, sys.argv[1:], app.core.VALUE)\n",
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
}
README = Path(__file__).parents[2] / "README.md"
SHOW = "import app.core; print(app.core.VALUE)"

Run = Callable[..., str]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an environment with litebundle and the README's line in it."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home)
    (site,) = home.glob("lib/python*/site-packages")
    [line] = re.findall(r"^import litebundle; .*$", README.read_text("utf-8"), re.MULTILINE)
    package = Path(str(litebundle.__file__)).parents[1]
    (site / "litebundle.pth").write_text(f"{package}\n{line}\n", "utf-8")
    return home


@pytest.fixture
def python(home: Path) -> Run:
    """Return what runs the environment's Python, with no environment but what is given."""

    def run(*arguments: str, cwd: Path = home, **env: str) -> str:
        command = [str(home / "bin" / "python"), "-B", *arguments]
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT,
            check=False,
            text=True,
            cwd=cwd,
            env=env,
        )
        return done.stdout

    return run


@pytest.fixture
def entry(library: Library, container: str) -> str:
    """Return the tree in the container under test, not on the path of this process."""
    return library.place(TREE, container).entry


def test_rule_A6_by_the_environment(python: Run, entry: str, tmp_path: Path) -> None:
    """`PYTHONPATH` with a bundle: -c, -m of packages and modules, scripts, and their children."""
    path = os.pathsep.join(["/nowhere", entry])
    script = tmp_path / "script.py"
    script.write_text(SHOW)
    assert python("-c", SHOW, PYTHONPATH=path) == "2\n"
    assert python("-m", "app", "x", PYTHONPATH=path) == "app.__main__ ['x'] 2\n"
    assert python("-m", "app.again", "2", PYTHONPATH=path) == "2 2\n1 2\n0 2\n"
    assert python(str(script), PYTHONPATH=path) == "2\n"
    assert python("-W", "error", "-X", "dev", "-c", SHOW, PYTHONPATH=path) == "2\n"


def test_rule_A6_by_a_relative_entry(python: Run, entry: str) -> None:
    """A relative entry is one of the child's working directory, and survives `chdir`."""
    folder, name = os.path.split(entry)
    script = "import app, os; os.chdir('/'); " + SHOW
    assert python("-c", script, cwd=Path(folder), PYTHONPATH=name) == "2\n"


def test_rule_A6_by_a_directory_inside(python: Run, entry: str) -> None:
    """A directory inside a bundle may be the first that is seen of it."""
    path = Place("", entry).at("vendor")
    assert python("-c", "import inner; print(inner.VALUE)", PYTHONPATH=path) == "inner\n"


@pytest.mark.parametrize("how", ["sys.path[:] = new", "sys.path = new", "sys.path += new"])
def test_rule_A6_by_assignment(python: Run, entry: str, how: str) -> None:
    """The parent's `sys.path`, sent as text and put in the place of the child's."""
    path = [entry, *json.loads(python("-c", "import json, sys; print(json.dumps(sys.path))"))]
    script = f"import json, sys; new = json.loads(sys.argv[1]); {how}; {SHOW}"
    assert python("-c", script, json.dumps(path)) == "2\n"


def test_rule_I7_by_running_it(python: Run, entry: str) -> None:
    """`python app.bundle` runs its `__main__.py`, as for a directory or a zip."""
    assert python(entry, "x") == "top __main__ ['x'] 2\n"


def test_rule_A6_in_interpreters_beside(python: Run, entry: str) -> None:
    """A sub-interpreter of a child has it as well."""
    name = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
    script = f"""
import {name} as interpreters
identifier = interpreters.create()
assert interpreters.run_string(identifier, {SHOW + "; import sys; sys.stdout.flush()"!r}) is None
interpreters.destroy(identifier)
"""
    assert python("-c", script, PYTHONPATH=entry) == "2\n"
