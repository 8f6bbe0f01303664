"""A bundle with a package that is placed, native module included, and ways to start it."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

import litebundle
from litebundle.builder import Options, build
from tests.native import SUFFIX, Compiler
from tests.rules.places import Tree, write_tree
from tools.faults import shim as shims

FILES = 40

PROBE = """
import os, stuffed, stuffed._native
here = os.path.dirname(stuffed.__file__)
for number in range(stuffed.FILES):
    with open(os.path.join(here, "data", f"{number}.bin"), "rb") as file:
        assert file.read() == bytes([number]) * (1000 * number)
print(here, stuffed._native.VALUE)
"""


class Program:
    """A bundle and the cache its starts use, each in a process of its own."""

    def __init__(self, bundle: Path, cache: Path) -> None:
        self.bundle = bundle
        self.cache = cache

    def command(self, script: str = PROBE) -> list[str]:
        """Return the command that runs a script with the bundle on the path."""
        start = "import sys, litebundle; litebundle.install(); sys.path.insert(0, sys.argv[1])\n"
        return [sys.executable, "-B", "-c", start + script, str(self.bundle)]

    def environment(self, **chosen: str) -> dict[str, str]:
        """Return an environment of nothing but what this takes."""
        home = str(Path(litebundle.__file__).parents[1])
        return {"PYTHONPATH": home, "LITEBUNDLE_CACHE": str(self.cache), **chosen}

    def start(
        self, script: str = PROBE, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Start a process and do not wait for it."""
        return subprocess.Popen(
            self.command(script),
            env=self.environment() if env is None else dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, script: str = PROBE, env: Mapping[str, str] | None = None) -> str:
        """Run a process, which has to succeed, and return what it prints."""
        process = self.start(script, env)
        output, errors = process.communicate(timeout=120)
        assert (process.returncode, errors) == (0, "")
        return output

    def placed(self) -> list[Path]:
        """Return the directories of placed files, those aside included."""
        return sorted(self.cache.iterdir()) if self.cache.exists() else []


@pytest.fixture(scope="session")
def stuffed(compiler: Compiler, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a bundle of one package with data and a native module."""
    base = tmp_path_factory.mktemp("stuffed")
    tree: dict[str, str | bytes | None] = {
        f"stuffed/data/{number}.bin": bytes([number]) * (1000 * number) for number in range(FILES)
    }
    tree |= {
        "stuffed/__init__.py": f"FILES = {FILES}\n",
        "stuffed/late.py": "",
        f"stuffed/_native{SUFFIX}": compiler.extension("_native", "7"),
        "only/__init__.py": (
            "import os\n"
            "with open(os.path.join(os.path.dirname(__file__), 'data.txt')) as file:\n"
            "    DATA = file.read()\n"
        ),
        "only/data.txt": "data and nothing native\n",
        "pure/__init__.py": "",
    }
    write_tree(tree, base / "source")
    build([base / "source"], base / "app.bundle", Options(jobs=1))
    return base / "app.bundle"


@pytest.fixture
def program(stuffed: Path, tmp_path: Path) -> Iterator[Program]:
    """Return the program with an empty cache of its own."""
    before = os.umask(0o022)  # what the tests make is not for others to write
    yield Program(stuffed, tmp_path / "cache")
    os.umask(before)


SMALL: Tree = {
    "top.py": "VALUE = 'top'\n",
    "pkg/__init__.py": (
        "import pkgutil\n"
        "VALUE = 'pkg'\n"
        "def data():\n"
        "    return pkgutil.get_data('pkg', 'data.txt').decode()\n"
    ),
    "pkg/sub.py": "VALUE = 'pkg.sub'\n",
    "pkg/data.txt": "data" * 999,
}


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with a few modules and data, as the shim's program imports them."""
    source = tmp_path_factory.mktemp("small") / "source"
    write_tree(SMALL, source)
    return source


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the library that lets calls of the C library fail."""
    try:
        return shims.build(tmp_path_factory.mktemp("shim"))
    except shims.ShimError as error:
        pytest.skip(str(error))


@pytest.fixture(params=["sqlite", "zip"])
def kind(request: pytest.FixtureRequest) -> str:
    """Return a container; not the directory, which is nothing of ours here."""
    return str(request.param)
