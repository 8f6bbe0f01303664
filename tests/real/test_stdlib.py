"""The standard library out of a bundle, compared with the interpreter's own directory."""

import json
from pathlib import Path

import pytest

from litebundle.builder import Options, build
from litebundle.collect.inputs import Inputs
from tests.cli.command import python

# Imports everything; prints for each module where it is from and what names it has, or the error.
_EVERYTHING = """
import sys
if sys.argv[1:]:
    import litebundle
    litebundle.install()
    sys.path.insert(0, sys.argv[1])
import json, pkgutil, warnings
warnings.simplefilter("ignore")
apart = "antigravity", "this", "test", "idlelib", "turtledemo", "lib2to3", "distutils"
pending, found = sorted(sys.stdlib_module_names - {*apart}), {}
while pending:
    name = pending.pop(0)
    try:
        __import__(name)
    except BaseException as error:
        found[name] = [None, type(error).__name__]
        continue
    module = sys.modules[name]
    found[name] = [str(getattr(module, "__file__", None)), sorted(vars(module))]
    if hasattr(module, "__path__"):
        below = [each for _, each, _ in pkgutil.iter_modules(module.__path__)]
        left = {"test", "tests", "idle_test", "__main__"}
        pending += [f"{name}.{each}" for each in below if each not in left]
json.dump(found, sys.stderr)
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bundle with nothing but the standard library, all of it."""
    place = tmp_path_factory.mktemp("stdlib")
    (place / "src").mkdir()
    (place / "src" / "program.py").write_text("import colorsys\n")
    build([place / "src"], place / "app.bundle", Options(inputs=Inputs(stdlib="all")))
    return place / "app.bundle"


def imported(place: Path, *arguments: str) -> dict[str, list[object]]:
    """Import everything in a fresh process."""
    done = python("-c", _EVERYTHING, *arguments, cwd=place)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[object]] = json.loads(done.stderr.splitlines()[-1])
    return found


def test_every_module_is_as_from_the_directory(whole: Path) -> None:
    """Hundreds import from the bundle and have the same names; the same ones fail, alike."""
    expected = imported(whole.parent)
    found = imported(whole.parent, str(whole))
    ours = [name for name, (file, _) in found.items() if str(file).startswith(str(whole))]
    assert len(ours) > 250
    assert "asyncio.events" in ours
    # What installing the hook adds to them is seen there, and only there.
    names = {name: what for name, (_, what) in found.items()}
    differing = {name for name, (_, what) in expected.items() if names.get(name) != what}
    assert differing <= {"importlib.metadata", "linecache", "threading", "multiprocessing.spawn"}
    assert names.keys() == expected.keys()


def test_natives_stay_with_the_interpreter(whole: Path) -> None:
    """Extension modules of the library come from its own directory, and work."""
    code = (
        "import sys, litebundle; litebundle.install(); sys.path.insert(0, 'app.bundle')\n"
        "import ctypes, decimal, sqlite3, hashlib, zoneinfo, multiprocessing, venv, ssl\n"
        "import _ctypes, subprocess, asyncio\n"
        "assert ctypes.__file__.endswith('app.bundle/ctypes/__init__.py'), ctypes.__file__\n"
        "assert 'app.bundle' not in _ctypes.__file__ + venv.__file__\n"
        "print(sqlite3.connect(':memory:').execute('SELECT 1').fetchone())\n"
        "print(asyncio.run(asyncio.sleep(0, 'slept')), hashlib.md5(b'').hexdigest()[:4])\n"
        "print(zoneinfo.ZoneInfo('UTC'), decimal.Decimal('0.1') + 1)\n"
    )
    done = python("-c", code, cwd=whole.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["(1,)", "slept", "d41d", "UTC", "1.1"]


def test_starting_opens_no_files_of_it(whole: Path) -> None:
    """What slow disks cost: an import from the bundle asks the system for nothing but reads."""
    code = (
        "import sys, litebundle; litebundle.install(); sys.path.insert(0, 'app.bundle')\n"
        "import program\n"  # the bundle is open
        "opened = []\n"
        "sys.addaudithook(lambda event, args: event == 'open' and opened.append(args[0]))\n"
        "import asyncio, http.client, email.message, logging.handlers, unittest\n"
        "import os\n"
        "there = os.path.dirname(os.__file__)  # ours may come from anywhere\n"
        "opened = [path for path in map(str, opened) if path.startswith(there)]\n"
        "print([path for path in opened if path.endswith(('.py', '.pyc'))])\n"
    )
    done = python("-c", code, cwd=whole.parent)
    assert (done.stdout, done.stderr) == ("[]\n", "")
