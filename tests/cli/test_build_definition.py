"""`bundle build` of a definition: what it says is done, and what the command line says instead."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Done, bundle, refusal
from tests.unit.collect.projects import project
from tests.unit.collect.trees import make
from tests.unit.collect.wheels import Wheel

LIB = Wheel(name="lib", version="2.0", files={"lib.py": "VALUE = 42\n", "tests/t.py": ""})


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return the working directory, above a definition, its source, and the lock of a library."""
    wheel = LIB.write(tmp_path / "links")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    make(
        tmp_path / "place" / "defs",
        {
            "src/app.py": "import lib\n",
            "src/broken.py": "def half(:\n",
            "pylock.toml": (
                'lock-version = "1.0"\ncreated-by = "a test"\n[[packages]]\nname = "lib"\n'
                f'version = "2.0"\nwheels = [{{path = "../../links/{wheel.name}",'
                f' hashes = {{sha256 = "{digest}"}}}}]\n'
            ),
            "bundle.toml": (
                'src = ["src"]\nrequirements = ["lib>=1"]\nlock = "pylock.toml"\n'
                'output = "../app.bundle"\nformat = "zip"\noptimize = [0, 2]\n'
                'sources = false\ntests = false\nexclude = ["*.dist-info"]\n'
            ),
        },
    )
    return tmp_path / "place"


def build(place: Path, *arguments: str) -> Done:
    """Run the command with a cache of its own."""
    env = {"XDG_CACHE_HOME": str(place.parent / "cache"), "PIP_NO_INDEX": "1"}
    done: Done = bundle("build", *arguments, cwd=place, env=env)
    return done


def report(place: Path, *arguments: str) -> Any:
    """Build, and return the report."""
    done = build(place, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("source", ["defs", "defs/bundle.toml"])
def test_a_definition_is_built(place: Path, source: str) -> None:
    """As if all it says were on the command line, named by its file or its directory."""
    done = report(place, source)
    given = ("--format", "zip", "--optimize", "0,2", "--no-sources", "--no-tests")
    expected = report(
        place,
        *("defs/src", "-r", "defs/pylock.toml", "-o", "other.zip", "--exclude", "*.dist-info"),
        *given,
    )
    assert (place / "app.bundle").read_bytes() == (place / "other.zip").read_bytes()
    assert done["identity"] == expected["identity"]
    assert [one["path"] for one in done["uncompiled"]] == ["broken.py"]


def test_the_command_line_overrides_it(place: Path) -> None:
    """Option by option, flags by their opposites."""
    given = ("-o", "my.bundle", "--format", "sqlite", "--sources", "--tests", "--exclude", "app.py")
    done = report(place, "defs", *given)
    assert (done["output"], done["container"]) == (str(place / "my.bundle"), "sqlite")
    assert not (place / "app.bundle").exists()
    listed = json.loads(bundle("list", "my.bundle", "--json", cwd=place).stdout)
    paths = {file["path"] for file in listed["files"]}
    assert {"broken.py", "lib.py", "tests/t.py", "lib-2.0.dist-info/METADATA"} <= paths
    assert "app.py" not in paths
    cause = refusal(build(place, "defs", "--strict"))
    assert cause == "1 files do not compile"


def test_a_project_is_built_as_it_says(place: Path) -> None:
    """With the table it is a definition, its own code the source, and without a project as ever."""
    top = project(place / "top", requires=("lib",))
    assert report(place, "top", "--no-deps", "-o", "plain.bundle")["container"] == "sqlite"
    with (top / "pyproject.toml").open("a") as file:
        file.write("[tool.litebundle]\nlock = '../defs/pylock.toml'\nformat = 'zip'\n")
    for source in ("top", "top/pyproject.toml"):
        done = report(place, source, "-o", "app.zip")
        assert done["container"] == "zip"
        listed = json.loads(bundle("list", "app.zip", "--json", cwd=place).stdout)
        assert {"proj.py", "lib.py"} <= {file["path"] for file in listed["files"]}


@pytest.mark.parametrize("arguments", [("defs", "defs/src"), ("defs/src", "defs"), ("defs", "x")])
def test_a_definition_stands_alone(place: Path, arguments: tuple[str, ...]) -> None:
    """What else is to go in has to be in it: nothing of it is silently left aside."""
    cause = refusal(build(place, *arguments, "-o", "app.bundle"), status=2)
    assert "defines a bundle by itself" in cause


@pytest.mark.parametrize(
    "name",
    ["defs/bundle.toml", "defs/pylock.toml", "requirements.txt", "links/../defs/bundle.toml"],
)
def test_what_it_reads_is_not_replaced(place: Path, name: str) -> None:
    """Neither a definition, nor its lock, nor a file of requirements."""
    (place / "links").mkdir()
    (place / "requirements.txt").write_text("lib>=1\n")
    given = ("-r", "requirements.txt") if name == "requirements.txt" else ("defs",)
    before = (place / name).read_bytes()
    assert "name another file with -o" in refusal(build(place, *given, "-o", name), 2)
    assert (place / name).read_bytes() == before


def test_an_output_has_to_be_named(place: Path) -> None:
    """In the definition or on the command line."""
    (place / "defs/bundle.toml").write_text('src = ["src"]\n')
    assert "--output" in refusal(build(place, "defs"), status=2)


def test_a_faulty_definition_is_one_readable_error(place: Path) -> None:
    """With every fault of the file, exit status 1, and nothing written."""
    (place / "defs/bundle.toml").write_text('src = ["gone"]\nformat = 1\nlock = "no.lock"\n')
    done = build(place, "defs", "-o", "app.bundle")
    assert refusal(done) == "defs/bundle.toml: has 3 faults"
    for problem in (
        "src: there is no defs/gone",
        "format: expected text in quotes, found 1",
        "lock: ",
    ):
        assert f"\n  {problem}" in done.stderr
    assert not (place / "app.bundle").exists()


def test_two_definitions_are_one_readable_error(place: Path) -> None:
    """A directory with both kinds is not guessed about."""
    (place / "defs/pyproject.toml").write_text("[tool.litebundle]\n")
    assert "has both" in refusal(build(place, "defs", "-o", "app.bundle"))
