"""One file with a native package for two Pythons and two platforms, as the index has its wheels."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from litebundle.collect import tools
from litebundle.collect.environment import environment
from litebundle.errors import BuildError
from tests.cli.command import bundle, good, python
from tests.cli.command import environment as variables

WHEELS = {
    "manylinux2014_x86_64": "manylinux_2_17_x86_64.manylinux2014_x86_64",
    "win_amd64": "win_amd64",
}
_SHOW = """
import json, sys
import litebundle
litebundle.install()
sys.path.insert(0, sys.argv[1])
import markupsafe
from markupsafe import _speedups
print(json.dumps([str(markupsafe.escape("<a>")), _speedups.__file__, markupsafe.__file__]))
"""


def pythons() -> dict[str, str]:
    """Return two Pythons of this machine, the running one among them, by their versions."""
    running = ".".join(map(str, sys.version_info[:2]))
    found = {running: sys.executable}
    for version in ("3.11", "3.12", "3.13"):
        try:
            found.setdefault(version, environment(version).python)
        except BuildError:
            continue
        if len(found) == 2:
            return found
    pytest.skip("there is only one Python here")


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Return the bundle, and the Pythons that it is for."""
    place = tmp_path_factory.mktemp("targets")
    found = pythons()
    for version in found:
        for platform in WHEELS:
            command = [*tools.pip(sys.executable), "download", "--quiet", "--no-deps"]
            command += ["--only-binary", ":all:", "--python-version", version]
            command += ["--platform", platform, "--dest", str(place), "markupsafe==3.0.2"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                pytest.skip(f"pip cannot get wheels: {done.stderr.strip()[-200:]}")
    wheels = sorted(path.name for path in place.glob("*.whl"))
    assert len(wheels) == 4
    options = [word for version in found for word in ("--python-version", version)]
    options += [word for platform in WHEELS for word in ("--platform", platform)]
    good(bundle("build", *wheels, *options, "-o", "app.bundle", cwd=place))
    return place / "app.bundle", found


@pytest.mark.skipif(sys.platform != "linux", reason="the wheels are Linux's and Windows'")
def test_each_python_gets_its_own_extension(
    packed: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    """The same file serves both, each with the extension of its wheel and its own code."""
    file, found = packed
    for version, interpreter in found.items():
        done = subprocess.run(
            [interpreter, "-S", "-c", _SHOW, str(file)],
            env=variables() | {"LITEBUNDLE_CACHE": str(tmp_path / "placed")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        text, native, _ = json.loads(done.stdout)
        assert text == "&lt;a&gt;"
        tag = f"cpython-{version.replace('.', '')}"
        assert Path(native).name == f"_speedups.{tag}-x86_64-linux-gnu.so"
    # Only what they needed was placed.
    assert not list(tmp_path.rglob("*.pyd"))


def test_it_names_four_targets_and_is_sound(packed: tuple[Path, dict[str, str]]) -> None:
    """Each has its own extension module, and what is equal is stored once."""
    file, found = packed
    good(bundle("verify", file, cwd=file.parent))
    facts = json.loads(good(bundle("info", file, "--json", cwd=file.parent)).stdout)
    tags = [f"cpython-{version.replace('.', '')}" for version in found]
    names = [f"{tag}-{platform}" for tag in tags for platform in WHEELS]
    assert [each["name"] for each in facts["targets"]] == names
    for name in names:
        listed = good(bundle("list", file, "--files", "--target", name, cwd=file.parent)).stdout
        [native] = [line for line in listed.splitlines() if ".so\t" in line or ".pyd\t" in line]
        assert (".pyd\t" in native) == ("win" in name)


def test_a_python_that_is_none_of_them_is_told(
    packed: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    """All modules are found, the pure ones compiled; the extension names who there is."""
    file, _ = packed
    copy = shutil.copy(file, tmp_path / "app.bundle")
    code = (
        "import sys, litebundle; from litebundle.runtime import target\n"
        "target.running_python = lambda: 'cpython-399'\n"
        "target.fits_platform = lambda tag: tag == 'any'\n"
        "litebundle.install(); sys.path.insert(0, sys.argv[1])\n"
        "import markupsafe._native; print(markupsafe._native.__file__)\n"
    )
    done = python("-c", code, str(copy), cwd=tmp_path, env={"LITEBUNDLE_CACHE": str(tmp_path)})
    assert done.returncode == 1
    last = done.stderr[done.stderr.index("litebundle.errors.") :]
    assert last.startswith("litebundle.errors.BundleVersionError: ")
    assert "no extension module for this Python and platform (module markupsafe._speedups" in last
    assert "win_amd64" in last
