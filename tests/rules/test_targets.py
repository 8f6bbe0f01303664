"""A7 over several targets: the loader takes the tree of the one it is, and says if it is none."""

import importlib
import importlib.util
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Literal

import pytest

import litebundle
from litebundle.builder import Options, build
from litebundle.collect.environment import environment
from litebundle.collect.inputs import Inputs
from litebundle.errors import BuildError, BundleVersionError
from litebundle.runtime import target
from tests.unit.collect.wheels import Wheel

Build = Callable[..., litebundle.Bundle]

HERE = sysconfig.get_platform().replace("-", "_").replace(".", "_")
ELSEWHERE = ["win_amd64", "macosx_11_0_arm64"]
CP = f"cp{sys.version_info[0]}{sys.version_info[1]}"
TAG = str(sys.implementation.cache_tag)
NAMES = ("tg_where", "tg_pure", "tg_native", "tg_both", "tg_pkg")


def own_tag(python: str, platform: str) -> str:
    """Return the most particular tag of a wheel."""
    return f"{python}-{python}-{platform}"


@pytest.fixture(autouse=True)
def forgotten() -> Callable[[], None]:
    """Forget the modules of earlier tests, and give back what forgets them again."""

    def forget() -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] in NAMES]:
            del sys.modules[name]

    forget()
    return forget


@pytest.fixture
def packed(tmp_path: Path) -> Build:
    """Return what builds wheels of one distribution, by tag, for targets; and puts it on the path.

    The wheel's tag is its version of `tg_where.TAG`.
    """

    def packed(
        wheels: Mapping[str, Mapping[str, str | bytes]],
        python: tuple[str, ...] = (),
        platform: tuple[str, ...] = (),
        container: Literal["sqlite", "zip"] = "sqlite",
    ) -> litebundle.Bundle:
        paths = [
            Wheel(tag=tag, files={"tg_where.py": f"TAG = {tag!r}\n", **files}).write(tmp_path)
            for tag, files in wheels.items()
        ]
        output = tmp_path / "app.bundle"
        inputs = Inputs(python_version=python, platform=platform)
        options = Options(container=container, inputs=inputs)
        build([*map(str, paths)], output, options)
        litebundle.install()
        sys.path.insert(0, str(output))
        return litebundle.Bundle(output)

    return packed


def other_python() -> str:
    """Return the version of another Python of this machine; skips if there is none."""
    for version in ("3.11", "3.12", "3.13"):
        if version != sys.version[:4]:
            try:
                environment(version)
            except BuildError:
                continue
            return version
    pytest.skip("there is only one Python here")


def value(module: str, name: str) -> object:
    """Import a module and return one of its names."""
    return getattr(importlib.import_module(module), name)


@pytest.mark.fault(40)
@pytest.mark.parametrize("order", [1, -1])
def test_rule_A7_the_platform_decides_between_trees(packed: Build, order: int) -> None:
    """Whatever stands first in the bundle, the tree with this platform's wheel is used."""
    platforms = (HERE, *ELSEWHERE)[::order]
    bundle = packed({own_tag(CP, name): {} for name in platforms}, platform=platforms)
    assert value("tg_where", "TAG") == own_tag(CP, HERE)
    assert len(bundle.archive.roots) == 3
    assert str(bundle.target) == f"{TAG}-{HERE}"


@pytest.mark.fault(39)
def test_rule_A7_the_python_decides_between_trees(packed: Build) -> None:
    """A wheel for each Python: the running one's is used, its code compiled by itself."""
    other = other_python()
    cp = f"cp{other.replace('.', '')}"
    bundle = packed({own_tag(cp, HERE): {}, own_tag(CP, HERE): {}}, python=(other, sys.version[:4]))
    assert value("tg_where", "TAG") == own_tag(CP, HERE)
    assert bundle.fitting is not None
    assert [str(variant) for variant in bundle.variants] == [TAG]


@pytest.mark.parametrize("packing", ["sqlite", "zip"])
def test_rule_A7_equal_trees_are_one_with_code_for_each(packed: Build, packing: str) -> None:
    """A pure wheel for two Pythons is stored once, with two columns of code."""
    other = other_python()
    versions = other, sys.version[:4]
    bundle = packed({"py3-none-any": {}}, python=versions, container=packing)
    assert value("tg_where", "TAG") == "py3-none-any"
    assert len(bundle.archive.roots) == 1
    [module] = [found for found in bundle.modules() if found.name == "tg_where"]
    assert [size is not None for size in module.code] == [True, True]
    assert [str(found) for found in bundle.targets] == [
        f"cpython-{other.replace('.', '')}-any",
        f"{TAG}-any",
    ]
    for version in versions if packing == "zip" else ():  # any Python has zipimport
        code = f"import sys; sys.path[:0] = [{bundle.path!r}]; import tg_where as w; print(w.TAG)"
        command = [environment(version).python, "-I", "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout == "py3-none-any\n"


def test_rule_A7_without_its_target_sources_are_compiled(packed: Build) -> None:
    """For another Python only: the modules are there, from source."""
    packed(
        {"py3-none-any": {"tg_pure.py": "import sys\nVALUE = sys.version_info[:2]\n"}},
        python=(other_python(),),
    )
    assert value("tg_pure", "VALUE") == sys.version_info[:2]
    finder = importlib.util.find_spec("tg_pure")
    assert finder is not None
    assert litebundle.Bundle(sys.path[0]).fitting is None


def foreign(suffix: str) -> dict[str, str | bytes]:
    """Return a distribution with extension modules that are none."""
    return {
        f"tg_native{suffix}": b"no machine code",
        f"tg_both{suffix}": b"no machine code",
        "tg_both.py": "VALUE = 'source'\n",
        "tg_pkg/__init__.py": "",
        f"tg_pkg/fast{suffix}": b"no machine code",
        f"tg_pkg/whole/__init__{suffix}": b"no machine code",
    }


@pytest.mark.fault(40)
@pytest.mark.parametrize("module", ["tg_native", "tg_pkg.fast", "tg_pkg.whole"])
def test_rule_A7_a_missing_platform_is_told_with_those_there_are(
    packed: Build, module: str
) -> None:
    """An extension module of other platforms is found, and no ImportError hides why it fails."""
    platforms = tuple(ELSEWHERE)
    # abi3: by its name alone it would do.
    packed({own_tag(CP, name): foreign(".abi3.so") for name in platforms}, platform=platforms)
    assert importlib.util.find_spec(module) is not None
    with pytest.raises(BundleVersionError) as caught:
        importlib.import_module(module)
    error = caught.value
    assert error.module == module
    assert error.found == f"{TAG}-win_amd64, {TAG}-macosx_11_0_arm64"
    assert str(error.expected).startswith(f"{TAG}-")
    assert HERE in str(error.expected)
    assert value("tg_both", "VALUE") == "source"


@pytest.mark.fault(39)
def test_rule_A7_a_missing_python_is_told_with_those_there_are(packed: Build) -> None:
    """An extension module for another Python, beside sources that are compiled."""
    other = other_python()
    tag = f"cpython-{other.replace('.', '')}"
    suffix = EXTENSION_SUFFIXES[0].replace(TAG, tag)
    packed({own_tag(f"cp{other.replace('.', '')}", HERE): foreign(suffix)}, python=(other,))
    with pytest.raises(BundleVersionError, match="no extension module for this Python") as caught:
        importlib.import_module("tg_native")
    assert caught.value.found == f"{tag}-{HERE}"
    assert value("tg_both", "VALUE") == "source"


def test_rule_A7_where_the_target_is_there_it_is_as_in_a_directory(packed: Build) -> None:
    """F3: an extension module with another Python's suffix alone is not there at all."""
    packed(
        {own_tag(CP, HERE): {"tg_native.cpython-399-x86_64-linux-gnu.so": b"", "tg_pure.py": ""}}
    )
    assert importlib.util.find_spec("tg_native") is None
    assert importlib.util.find_spec("tg_pure") is not None


@pytest.mark.parametrize("release", [None, "3.99.1"])
def test_rule_A7_only_the_very_release_gets_the_standard_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, release: str | None
) -> None:
    """A standard library of another release is not served, the program all the same."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "tg_pure.py").write_text("import colorsys\nWHERE = colorsys.__file__\n")
    output = tmp_path / "app.bundle"
    build([tmp_path / "src"], output, Options(inputs=Inputs(stdlib="used")))
    if release:
        monkeypatch.setattr(target, "running_release", lambda: release)
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    litebundle.install()
    sys.path.insert(0, str(output))
    assert str(value("tg_pure", "WHERE")).startswith(str(output)) is (release is None)
