"""Environments: which wheels are taken for a machine that is or is not this one."""

import sys
from pathlib import Path

import pytest
from packaging.markers import Marker, default_environment
from packaging.tags import sys_tags

from litebundle.collect.environment import Environment, environment
from litebundle.errors import BuildError

RUNNING = f"{sys.version_info[0]}.{sys.version_info[1]}"
CP = f"cp{sys.version_info[0]}{sys.version_info[1]}"


def takes(found: Environment, tag: str) -> bool:
    """Tell whether the environment takes a wheel of that tag."""
    try:
        found.require(Path(f"demo-1.0-{tag}.whl"))
    except BuildError:
        return False
    return True


def test_by_default_it_is_the_running_interpreter() -> None:
    """Tags and markers are this process's own."""
    found = environment()
    assert found.python == sys.executable
    assert found.platform is None
    assert found.tags == tuple(sys_tags())
    assert found.markers == default_environment()
    assert environment(RUNNING).python == sys.executable


def test_another_interpreter_tells_its_own() -> None:
    """It is asked, and need not have packaging installed."""
    for minor in (11, 12, 13):
        try:
            found = environment(f"3.{minor}")
        except BuildError:
            continue  # not on this machine
        assert found.markers["python_version"] == f"3.{minor}"
        assert found.tags[0].interpreter == f"cp3{minor}"
        assert takes(found, f"cp3{minor}-abi3-{found.platforms[0]}")
        assert not takes(found, "cp310-cp310-any")
        assert takes(found, "py3-none-any")


@pytest.mark.parametrize(
    ("platform", "taken", "refused"),
    [
        (
            "manylinux_2_28_x86_64",
            [
                *("manylinux_2_28_x86_64", "manylinux_2_17_x86_64.manylinux2014_x86_64"),
                *("manylinux1_x86_64", "linux_x86_64"),
            ],
            ["manylinux_2_34_x86_64", "manylinux_2_17_aarch64", "musllinux_1_2_x86_64"],
        ),
        (
            "manylinux2014_aarch64",
            ["manylinux2014_aarch64", "manylinux_2_17_aarch64", "manylinux2010_aarch64"],
            ["manylinux_2_18_aarch64"],
        ),
        (
            "musllinux_1_2_x86_64",
            ["musllinux_1_2_x86_64", "musllinux_1_1_x86_64"],
            ["musllinux_1_3_x86_64", "manylinux_2_17_x86_64"],
        ),
        ("win_amd64", ["win_amd64"], ["win32", "win_arm64", "linux_x86_64"]),
        (
            "macosx_12_0_arm64",
            ["macosx_11_0_arm64", "macosx_12_0_arm64", "macosx_11_0_universal2"],
            ["macosx_13_0_arm64", "macosx_11_0_x86_64"],
        ),
    ],
)
def test_a_platform_takes_its_wheels(platform: str, taken: list[str], refused: list[str]) -> None:
    """The wheels that would run there, older C libraries' and systems' among them; no others."""
    found = environment(platform=platform)
    assert str(found) == f"CPython {RUNNING} on {platform}"
    assert [tag for tag in taken if not takes(found, f"{CP}-{CP}-{tag}")] == []
    assert takes(found, "py3-none-any")
    assert [tag for tag in refused if takes(found, f"{CP}-{CP}-{tag}")] == []


@pytest.mark.parametrize(
    ("platform", "marker"),
    [
        ("win_amd64", "sys_platform == 'win32' and os_name == 'nt'"),
        ("win_arm64", "platform_machine == 'ARM64' and platform_system == 'Windows'"),
        ("macosx_11_0_arm64", "sys_platform == 'darwin' and platform_machine == 'arm64'"),
        ("musllinux_1_2_aarch64", "sys_platform == 'linux' and platform_machine == 'aarch64'"),
        ("linux_riscv64", "platform_system == 'Linux' and platform_machine == 'riscv64'"),
    ],
)
def test_markers_are_the_platforms(platform: str, marker: str) -> None:
    """Requirements for it are chosen by its markers, not by this machine's."""
    markers = environment(platform=platform).markers
    assert Marker(marker).evaluate(dict(markers))  # type: ignore[arg-type]  # plain strings
    assert markers["python_full_version"] == default_environment()["python_full_version"]


def test_an_unknown_platform_is_refused() -> None:
    """The error shows what they look like."""
    with pytest.raises(BuildError, match=r"^amiga is no platform tag") as caught:
        environment(platform="amiga")
    assert "win_amd64" in str(caught.value.hint)


def test_an_interpreter_that_is_not_there_is_told() -> None:
    """By its version, and how it would be found."""
    with pytest.raises(BuildError, match=r"^there is no Python 3\.99 on this machine") as caught:
        environment("3.99")
    assert "python3.99" in str(caught.value.hint)


def test_a_wheel_for_others_is_refused(tmp_path: Path) -> None:
    """The error says for whom it is, and for whom the bundle."""
    wheel = tmp_path / "demo-1.0-cp39-cp39-win_amd64.whl"
    with pytest.raises(BuildError) as caught:
        environment().require(wheel)
    assert caught.value.file == str(wheel)
    assert caught.value.message.startswith(
        f"is for cp39-cp39-win_amd64, and the bundle for CPython {RUNNING} on "
    )
    assert "demo 1.0" in str(caught.value.hint)


def test_a_wheel_has_a_wheels_name() -> None:
    """Without one nobody knows for whom it is."""
    with pytest.raises(BuildError, match="is not named as wheels are"):
        environment().require(Path("demo.whl"))


def test_a_wheel_ranks_by_its_best_tag() -> None:
    """The more particular the better; one for others has no rank."""
    found = environment()
    plain, own = "py3-none-any", str(found.tags[0])
    ranks = [found.rank(Path(f"demo-1.0-{tag}.whl")) for tag in (own, plain, "py2-none-any")]
    assert ranks == [0, found.tags.index(next(t for t in found.tags if str(t) == plain)), None]


def test_an_interpreter_may_be_named_by_its_path() -> None:
    """Its own tags and markers are told."""
    assert environment(sys.executable) == environment()
