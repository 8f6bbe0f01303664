"""Several targets in one file, as the commands make and show them."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command import Done, bundle, good, python, refusal
from tests.unit.collect.trees import make
from tests.unit.collect.wheels import Wheel

TAG = str(sys.implementation.cache_tag)
CP = f"cp{sys.version_info[0]}{sys.version_info[1]}"
HERE, THERE = "linux_x86_64", "win_amd64"
RELEASE = ".".join(map(str, sys.version_info[:3]))

Build = Callable[..., Done]


def wheel(tag: str, **fields: str) -> Wheel:
    """Return a wheel that says which one it is."""
    files = {"demo.py": f"TAG = {tag!r}\n", "shared.py": "import colorsys\n", **fields}
    return Wheel(tag=tag, files=files)


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Return what builds app.bundle for two platforms from what is named."""
    for platform in (HERE, THERE):
        wheel(f"{CP}-{CP}-{platform}").write(tmp_path)
    wheel("py3-none-any").write(tmp_path / "pure")
    make(tmp_path / "src", {"prog.py": "import colorsys\n"})

    def run(*arguments: str | Path) -> Done:
        cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
        done: Done = bundle("build", *arguments, "-o", "app.bundle", cwd=tmp_path, env=cache)
        return done

    return run


def both(*platforms: str) -> list[str]:
    """Return the two wheels and the options for platforms."""
    names = [f"demo-1.0-{CP}-{CP}-{platform}.whl" for platform in (HERE, THERE)]
    return [*names, *(word for platform in platforms for word in ("--platform", platform))]


def facts(place: Path) -> dict[str, list[dict[str, object]]]:
    """Return what `bundle info` says."""
    found: dict[str, list[dict[str, object]]] = json.loads(
        good(bundle("info", "app.bundle", "--json", cwd=place)).stdout
    )
    return found


def test_a_build_says_for_whom_it_is(build: Build, tmp_path: Path) -> None:
    """The summary, `info` and its JSON name the targets, the running one marked."""
    done = good(build(*both(HERE, THERE)))
    assert f"for {TAG}-{HERE}, {TAG}-{THERE}" in done.stdout.splitlines()
    found = facts(tmp_path)["targets"]
    assert [(each["name"], each["platform"], each["release"]) for each in found] == [
        (f"{TAG}-{HERE}", HERE, None),
        (f"{TAG}-{THERE}", THERE, None),
    ]
    lines = good(bundle("info", "app.bundle", cwd=tmp_path)).stdout.splitlines()
    shown = [line.split()[1:] for line in lines if line.startswith("target ")]
    assert shown == [[f"{TAG}-{name}:", "5", "files"] for name in (HERE, THERE)]


def test_list_and_cat_show_one_target(build: Build, tmp_path: Path) -> None:
    """By its name or the beginning of it; one that is not there is told with those that are."""
    good(build(*both(HERE, THERE)))
    for platform in (HERE, THERE):
        name = f"{TAG}-{platform}"
        done = good(bundle("cat", "app.bundle", "demo", "--target", name[:-2], cwd=tmp_path))
        assert done.stdout == f"TAG = '{CP}-{CP}-{platform}'\n"
        done = good(bundle("list", "app.bundle", "--target", name, "--json", cwd=tmp_path))
        assert [each["name"] for each in json.loads(done.stdout)["modules"]] == ["demo", "shared"]
    done = bundle("list", "app.bundle", "--target", "cpython-30", cwd=tmp_path)
    refusal(done)
    assert f"not for cpython-30 (found {TAG}-{HERE}, {TAG}-{THERE})" in done.stderr


def test_verify_checks_every_target(build: Build, tmp_path: Path) -> None:
    """A byte changed in the tree of another platform is found; what is equal is stored once."""
    good(build(*both(HERE, THERE)))
    sound = good(bundle("verify", "app.bundle", cwd=tmp_path)).stdout
    assert "sound, 11 blobs" in sound  # of 2x5 files and 2x2 codes; shared.py and METADATA agree
    path = tmp_path / "app.bundle"
    data = path.read_bytes()
    at = data.index(f"Tag: {CP}-{CP}-{THERE}".encode())  # in a file too small to be deflated
    path.write_bytes(data[:at] + b"t" + data[at + 1 :])
    done = bundle("verify", "app.bundle", cwd=tmp_path)
    refusal(done)
    assert "file demo-1.0.dist-info/WHEEL: checksum mismatch" in done.stdout


def test_a_zip_holds_one_tree(build: Build, tmp_path: Path) -> None:
    """Targets with equal trees have one, others are refused with a hint."""
    options = ["--platform", HERE, "--platform", THERE, "--format", "zip"]
    good(build("pure/demo-1.0-py3-none-any.whl", *options))
    assert [each["root"] for each in facts(tmp_path)["targets"]] == [0, 0]
    good(bundle("verify", "app.bundle", cwd=tmp_path))
    done = build(*both(HERE, THERE), "--format", "zip")
    refusal(done)
    assert "a zip holds one tree" in done.stderr
    assert f"{TAG}-{THERE} has tree 2" in done.stderr


def test_the_standard_library_is_for_one_release(build: Build, tmp_path: Path) -> None:
    """What is used is in a target of its own, and a program takes it from there."""
    good(build("src", "--stdlib", "used"))
    found = facts(tmp_path)["targets"]
    assert [each["name"] for each in found] == [f"{TAG}-any-{RELEASE}", f"{TAG}-any"]
    assert [each["fits"] for each in found] == [True, False]
    code = "import prog, colorsys; print(colorsys.__file__)"
    done = good(bundle("run", "app.bundle", "-c", code, cwd=tmp_path))
    assert done.stdout == f"{tmp_path / 'app.bundle' / 'colorsys.py'}\n"
    listed = good(bundle("list", "app.bundle", "--files", cwd=tmp_path)).stdout
    assert f"python-{RELEASE}-LICENSE.txt" in listed


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (both(HERE), f"demo-1.0-{CP}-{CP}-{THERE}.whl: is for {CP}-{CP}-{THERE}, and the bundle"),
        (both(HERE, "macosx_11_0_arm64"), f"{THERE}.whl: is for none of CPython"),
        (both(HERE, THERE, "win_arm64"), f"there is none of demo for CPython {sys.version[:4]}"),
    ],
)
def test_wheels_have_to_fit_the_targets(build: Build, arguments: list[str], cause: str) -> None:
    """One for nobody, and somebody with none, are faults of the input."""
    done = build(*arguments)
    refusal(done)
    assert cause in done.stderr


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_wheels_that_fit_the_best_is_taken(
    build: Build, tmp_path: Path, order: int
) -> None:
    """A wheel for all serves the targets that have none of their own."""
    options = ["--platform", HERE, "--platform", "macosx_11_0_arm64"]
    wheels = ["pure/demo-1.0-py3-none-any.whl", f"demo-1.0-{CP}-{CP}-{HERE}.whl"]
    good(build(*wheels[::order], *options))
    for target, tag in ((HERE, f"{CP}-{CP}-{HERE}"), ("macosx", "py3-none-any")):
        name = f"{TAG}-{target}"
        done = good(bundle("cat", "app.bundle", "demo.py", "--target", name, cwd=tmp_path))
        assert done.stdout == f"TAG = '{tag}'\n"


@pytest.mark.parametrize("version", ["new", "3", "3.x", ".."])
def test_a_python_is_a_version_or_a_path(build: Build, version: str) -> None:
    """Anything else is wrong usage; a path that leads nowhere is a fault."""
    refusal(build("src", "--python-version", version), status=2)
    done = build("src", "--python-version", "./nowhere")
    refusal(done)
    assert "./nowhere is no program" in done.stderr


def test_a_python_may_be_named_by_its_path(build: Build, tmp_path: Path) -> None:
    """Named twice it is one target."""
    version = ".".join(map(str, sys.version_info[:2]))
    good(build("src", "--python-version", sys.executable, "--python-version", version))
    assert [each["name"] for each in facts(tmp_path)["targets"]] == [f"{TAG}-any"]
    assert python("-c", "print()", cwd=tmp_path).returncode == 0
