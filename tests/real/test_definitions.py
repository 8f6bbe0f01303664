"""The bundles defined under `bundles/`: each behaves as a directory with the same installed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import litebundle
from litebundle.collect import tools
from litebundle.collect.definition import Definition, definition_in, read_definition
from litebundle.collect.project import is_project
from tests.cli.command import bundle

BUNDLES = Path(__file__).parents[2] / "bundles"
SRC = Path(litebundle.__file__).parents[1]
DEFINED = sorted(path.name for path in BUNDLES.iterdir() if path.is_dir())
BOTH = ("black", "fastapi", "httpie")
"""Those that are also packed as a zip: they have data, native extensions and entry points."""

pytestmark = pytest.mark.skipif(tools.uv() is None, reason="uv is not here to install from locks")


@pytest.fixture(scope="session")
def cache(pytestconfig: pytest.Config) -> str:
    """Return where downloads stay from run to run: neither the user's cache nor temporary."""
    assert pytestconfig.cache is not None
    return str(pytestconfig.cache.mkdir("downloads"))


def uv(*arguments: str | Path, cache: str) -> None:
    """Run uv for the Python that runs the tests, with its settings as they are."""
    command = [str(tools.uv()), *map(str, arguments), "--quiet", "--python", sys.executable]
    settings = {"XDG_CACHE_HOME": cache, "UV_PYTHON_DOWNLOADS": "never"}
    done = subprocess.run(
        command, env=os.environ | settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def installed(definition: Definition, top: Path, cache: str) -> Path:
    """Install by uv what the lock has, and beside it what is our own: the oracle."""
    assert definition.lock
    site = top / "site"
    uv("pip", "install", "--target", site, "--requirement", definition.lock, cache=cache)
    for source in definition.src:
        if is_project(source):
            uv("pip", "install", "--target", site, "--no-deps", source, cache=cache)
        else:
            shutil.copytree(source, site, dirs_exist_ok=True)
    return site


def checked(definition: Definition, entry: Path, *src: Path) -> str:
    """Run the check with the entry, by a Python that has nothing else; return what it prints."""
    home = entry.parent / f"home of {entry.name}"
    home.mkdir()
    python = sys._base_executable  # type: ignore[attr-defined]
    done = subprocess.run(
        [python, "-I", "-S", BUNDLES / "run.py", str(definition.check), entry, *src],
        cwd=home,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "LITEBUNDLE_CACHE": str(home / "placed"),
            "COLUMNS": "80",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result, _, name = done.stdout.rstrip("\n").rpartition(" came from ")
    assert name == entry.name
    return result


@pytest.mark.parametrize("name", DEFINED)
def test_a_defined_bundle_behaves_as_a_directory(name: str, tmp_path: Path, cache: str) -> None:
    """What its check prints is equal, down to the number of modules that it imported."""
    file = definition_in(BUNDLES / name)
    assert file is not None
    definition = read_definition(file)
    expected = checked(definition, installed(definition, tmp_path, cache))
    for packing in ("sqlite", "zip") if name in BOTH else ("sqlite",):
        output = tmp_path / f"app.{packing}"
        options = ("-o", output, "--format", packing)
        env = {"XDG_CACHE_HOME": cache}
        done = bundle("build", BUNDLES / name, *options, cwd=tmp_path, env=env)
        assert done.returncode == 0, done.stderr
        assert checked(definition, output, SRC) == expected
