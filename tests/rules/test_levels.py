"""Levels of placement: what programs find on disk, and what they do with it.

The packages are such as the analyser decides about, so that its verdicts are what makes them work;
the plain directory is the oracle.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import litebundle
from tests.rules.places import DIRECTORY, Library, Place, Tree

TREE: Tree = {
    # Reads its data in place
    "served/__init__.py": (
        "from importlib.resources import files\n"
        "def text():\n    return files(__package__).joinpath('x.txt').read_text()\n"
    ),
    "served/x.txt": "served\n",
    # Opens its data by path
    "opened/__init__.py": (
        "import os\n"
        "def text():\n"
        "    with open(os.path.join(os.path.dirname(__file__), 'x.txt')) as file:\n"
        "        return file.read()\n"
    ),
    "opened/x.txt": "opened\n",
    "opened/m.py": "",
    # Lists its modules by their files
    "listed/__init__.py": (
        "import importlib, os\n"
        "def plugins():\n"
        "    here = os.path.dirname(__file__)\n"
        "    names = [n[:-3] for n in os.listdir(here) if n.endswith('_plugin.py')]\n"
        "    return [importlib.import_module(f'listed.{n}').NAME for n in sorted(names)]\n"
    ),
    "listed/a_plugin.py": "NAME = 'a'\n",
    "listed/b_plugin.py": "NAME = 'b'\n",
    # Runs one of its sources in another process
    "worked/__init__.py": (
        "import os, subprocess, sys\n"
        "def work():\n"
        "    script = os.path.join(os.path.dirname(__file__), 'worker.py')\n"
        "    done = subprocess.run([sys.executable, '-I', script, '20'], stdout=subprocess.PIPE)\n"
        "    return done.stdout.decode()\n"
    ),
    "worked/worker.py": "import sys\nprint(int(sys.argv[1]) + 1)\n",
    # Executes one of its sources
    "versioned/__init__.py": (
        "from pathlib import Path\nexec((Path(__file__).parent / '_version.py').read_text())\n"
    ),
    "versioned/_version.py": "VERSION = '1.2'\n",
    # A program that is no package, with its data beside it
    "program.py": (
        "from pathlib import Path\n"
        "HERE = Path(__file__).resolve().parent\n"
        "def text():\n"
        "    pages = sorted(page.name for page in (HERE / 'pages').glob('*.html'))\n"
        "    return (HERE / 'program.toml').read_text(), pages\n"
    ),
    "program.toml": "key = 1\n",
    "pages/a.html": "",
    "pages/b.html": "",
    "other.toml": "",
    # A suite that its runners find by its files
    "suite/__init__.py": "",
    "suite/test_one.py": (
        "import unittest\n"
        "class Test(unittest.TestCase):\n"
        "    def test_passes(self):\n        self.assertEqual(__name__, 'suite.test_one')\n"
    ),
    "suite/deeper/__init__.py": "",
    "suite/deeper/test_two.py": "def test_two():\n    assert True\n",
}


def run(place: Place, code: str, *arguments: str, cwd: Path) -> str:
    """Return what a fresh interpreter with the place on its path prints, paths taken out."""
    boot = "import sys\n"
    if place.ours:
        boot += "import litebundle\nlitebundle.install()\n"
    boot += f"sys.path.insert(0, {place.entry!r})\n"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment = kept | {
        "PYTHONPATH": str(Path(str(litebundle.__file__)).parents[1]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LITEBUNDLE_CACHE": str(cwd / "cache"),
    }
    done = subprocess.run(
        [sys.executable, "-c", boot + code, *arguments],
        capture_output=True,
        check=False,
        text=True,
        cwd=cwd,
        env=environment,
        timeout=60,
    )
    text = done.stdout + done.stderr + str(done.returncode)
    text = re.sub(rf"{re.escape(str(cwd))}/cache/\w+", "<root>", text)
    return re.sub(r"\d+\.\d+s", "time", text).replace(place.entry, "<root>")


USES = {
    "served": "import served\nprint(served.text())",
    "opened": "import opened\nprint(opened.text())",
    "listed": "import listed\nprint(listed.plugins())",
    "worked": "import worked\nprint(worked.work())",
    "versioned": "import versioned\nprint(versioned.VERSION)",
    "program": "import program\nprint(program.text())",
}


@pytest.mark.parametrize("name", USES)
def test_rule_I2_packages_find_the_files_that_they_look_for(
    name: str, library: Library, container: str, tmp_path: Path
) -> None:
    """At the level that the analyser chose, everything is as in the directory."""
    expected = run(library.place(TREE, DIRECTORY), USES[name], cwd=tmp_path)
    assert expected.endswith("0")
    assert run(library.place(TREE, container), USES[name], cwd=tmp_path) == expected


PLACED = {
    "served": set(),
    "opened": {"opened/x.txt"},
    "listed": {"listed/__init__.py", "listed/a_plugin.py", "listed/b_plugin.py"},
    "worked": {"worked/__init__.py", "worked/worker.py"},
    "versioned": {"versioned/__init__.py", "versioned/_version.py"},
    "program": {"program.toml", "pages/a.html", "pages/b.html"},
}


@pytest.mark.parametrize("name", USES)
def test_rule_I2_no_other_files_are_put_on_disk(
    name: str, library: Library, packed: str, tmp_path: Path
) -> None:
    """Level `code` creates none, `data` no source, and a program only what it names."""
    run(library.place(TREE, packed), USES[name], cwd=tmp_path)
    cache = tmp_path / "cache"
    found = {path.relative_to(cache) for path in cache.rglob("*") if path.is_file()}
    assert {"/".join(path.parts[1:]) for path in found} - {".litebundle"} == PLACED[name]


def test_rule_I2_at_level_code_paths_are_inside_the_bundle(
    library: Library, packed: str, tmp_path: Path
) -> None:
    """At the others they are where the files are, with the code still out of the bundle."""
    code = (
        "import importlib, os, sys\n"
        "for name in ('served', 'opened', 'listed'):\n"
        "    module = importlib.import_module(name)\n"
        "    print(module.__file__.startswith(sys.path[0]), os.path.exists(module.__file__),\n"
        "          type(module.__loader__).__name__, module.__file__ == module.__spec__.origin)\n"
    )
    found = run(library.place(TREE, packed), code, cwd=tmp_path)
    assert found.splitlines() == [
        "True False BundleLoader True",
        "False False BundleLoader True",
        "False True BundleLoader True",
        "0",
    ]


RUNNERS = {
    "unittest": "import unittest\nunittest.main(None, argv=['x', 'discover', '-s', 'suite'])",
    "pytest": (
        "import pytest\n"
        "sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', '--rootdir', '.', '--pyargs',"
        " 'suite']))"
    ),
}


@pytest.mark.parametrize("runner", RUNNERS)
def test_rule_I2_at_level_all_test_runners_find_the_tests(
    runner: str, library: Library, container: str, tmp_path: Path
) -> None:
    """Whoever wants to run a package's tests out of a bundle says `--place suite=all`."""
    expected = run(library.place(TREE, DIRECTORY), RUNNERS[runner], cwd=tmp_path)
    assert "passed" in expected or "OK" in expected
    options = {} if container == DIRECTORY else {"place": {"suite": "all"}}
    found = run(library.place(TREE, container, **options), RUNNERS[runner], cwd=tmp_path)
    assert found == expected
