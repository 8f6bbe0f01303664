"""Whose tree the running interpreter takes, told by tags alone."""

import sys

import pytest
from packaging.tags import sys_tags

from litebundle.format.manifest import ANY, Target
from litebundle.runtime import target
from litebundle.runtime.target import fits_platform, fitting_target, nearest_target

HERE = target.running_python()
RELEASE = ".".join(map(str, sys.version_info[:3]))
OTHER = "cpython-39"


def machine(monkeypatch: pytest.MonkeyPatch, system: str, name: str, libc: str = "") -> None:
    """Pretend to run elsewhere: `libc` is "musl" or the minor version of glibc 2."""
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(target, "_machine", lambda: name)
    monkeypatch.setattr(target, "_is_musl", lambda: libc == "musl")
    monkeypatch.setattr(target, "_glibc", lambda: int(libc) if libc.isdecimal() else 0)


@pytest.mark.skipif(sys.platform != "linux", reason="compares with the tags of a Linux")
def test_what_wheels_this_machine_takes_is_what_it_is() -> None:
    """Every platform of the tags that packaging derives fits, and one more of glibc does not."""
    platforms = {tag.platform for tag in sys_tags()}
    assert all(fits_platform(platform) for platform in platforms)
    newest = max(int(p.split("_")[2]) for p in platforms if p.startswith("manylinux_2_"))
    [name] = {p.removeprefix("linux_") for p in platforms if p.startswith("linux_")}
    assert not fits_platform(f"manylinux_2_{newest + 1}_{name}")


@pytest.mark.fault(40)
@pytest.mark.parametrize(
    ("here", "fits", "others"),
    [
        (
            ("linux", "x86_64", "28"),
            ["any", "linux_x86_64", "manylinux_2_28_x86_64", "manylinux2014_x86_64"],
            ["manylinux_2_29_x86_64", "manylinux_2_28_aarch64", "musllinux_1_1_x86_64"],
        ),
        (
            ("linux", "aarch64", "12"),
            ["linux_aarch64", "manylinux2010_aarch64", "manylinux1_aarch64"],
            ["manylinux2014_aarch64", "linux_x86_64", "win_arm64", "macosx_11_0_arm64"],
        ),
        (
            ("linux", "x86_64", "musl"),
            ["any", "linux_x86_64", "musllinux_1_2_x86_64"],
            ["manylinux1_x86_64", "musllinux_1_2_aarch64"],
        ),
        (
            ("darwin", "arm64", ""),
            ["any", "macosx_11_0_arm64", "macosx_10_9_universal2"],
            ["macosx_11_0_x86_64", "linux_arm64", "win_arm64"],
        ),
        (("freebsd14", "amd64", ""), ["any", "freebsd_14_0_amd64"], ["linux_x86_64", "win_amd64"]),
    ],
)
def test_a_platform_fits_by_system_machine_and_library(
    monkeypatch: pytest.MonkeyPatch,
    here: tuple[str, str, str],
    fits: list[str],
    others: list[str],
) -> None:
    """And an older C library than the tag's does not do."""
    machine(monkeypatch, *here)
    assert [tag for tag in [*fits, *others] if fits_platform(tag)] == fits


@pytest.mark.parametrize(
    ("version", "tag"),
    [
        ("3.13.0 (main) [MSC v.1941 64 bit (AMD64)]", "win_amd64"),
        ("3.13.0 (main) [MSC v.1941 64 bit (ARM64)]", "win_arm64"),
        ("3.13.0 (main) [MSC v.1941 32 bit (Intel)]", "win32"),
    ],
)
def test_windows_is_told_by_what_python_says_of_itself(
    monkeypatch: pytest.MonkeyPatch, version: str, tag: str
) -> None:
    """As sysconfig tells it."""
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(sys, "version", version)
    tags = ["win_amd64", "win_arm64", "win32", "linux_x86_64"]
    assert [each for each in tags if fits_platform(each)] == [tag]
    assert target.running_platform() == tag


def test_the_first_that_fits_is_taken() -> None:
    """The Python, the exact release if there is one, and the platform have to be its own."""
    targets = [
        Target(OTHER, ANY, ANY, 0),
        Target(HERE, "3.0.0", ANY, 1),
        Target(HERE, ANY, "amiga_68k", 2),
        Target(HERE, ANY, ANY, 4),
        Target(HERE, RELEASE, ANY, 3),
    ]
    assert fitting_target(targets) is targets[3]
    assert fitting_target(targets[::-1]) is targets[4]
    assert fitting_target(targets[:3]) is None


def test_where_none_fits_the_sources_of_another_do() -> None:
    """Rather those of this platform, and never ones with another release's standard library."""
    targets = [
        Target(HERE, "3.0.0", ANY, 0),
        Target(OTHER, ANY, "amiga_68k", 1),
        Target(OTHER, ANY, ANY, 2),
    ]
    assert nearest_target(targets) is targets[2]
    assert nearest_target(targets[:2]) is targets[1]
    assert nearest_target(targets[:1]) is None


@pytest.mark.skipif(sys.platform == "win32", reason="stands in for posix")
@pytest.mark.parametrize(
    ("said", "minor"), [("glibc 2.36", 36), ("glibc 2.36.9000", 36), ("musl 1", 0), (None, 0)]
)
def test_the_version_of_the_c_library_is_asked(
    monkeypatch: pytest.MonkeyPatch, said: str | None, minor: int
) -> None:
    """And whatever is no glibc 2 has none."""
    monkeypatch.setattr("litebundle.runtime.target._os.confstr", lambda _: said)
    assert target._glibc() == minor
