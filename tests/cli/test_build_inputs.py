"""`bundle build` of wheels, projects, requirements and locks, from a place that is no network."""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from litebundle.collect import tools
from litebundle.collect.environment import environment
from litebundle.errors import BuildError
from tests.cli.command import Done, bundle, good, python, refusal
from tests.unit.collect.projects import project
from tests.unit.collect.trees import make
from tests.unit.collect.wheels import Wheel, row

Build = Callable[..., Done]

APP = Wheel(
    name="app",
    files={
        "app/__init__.py": "import lib\nVALUE = lib.VALUE\ndef main(): print('ran', VALUE)\n",
        "app/tests/test_app.py": "",
        "app-1.0.data/data/share/app.txt": "shared",
        "app-1.0.data/scripts/raw": "#!python\n",
    },
    requires=["lib>=1"],
    scripts={"app": "app:main"},
)
LIB = Wheel(name="lib", version="2.0", files={"lib.py": "VALUE = 42\n"})


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return the directory that builds run in."""
    directory = tmp_path / "place"
    directory.mkdir()
    return directory


@pytest.fixture
def links(tmp_path: Path) -> Path:
    """Return a directory with the wheels of an application and a library."""
    directory = tmp_path / "links"
    APP.write(directory)
    LIB.write(directory)
    return directory


@pytest.fixture
def build(tmp_path: Path, place: Path, links: Path) -> Build:
    """Return a function that builds app.bundle, and checks that nothing is left behind."""
    (tmp_path / "uv.toml").write_text(f"no-index = true\nfind-links = ['{links}']\n")
    (tmp_path / "tmp").mkdir()
    env = {
        "UV_CONFIG_FILE": str(tmp_path / "uv.toml"),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(links),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "TMPDIR": str(tmp_path / "tmp"),
    }

    def run(*arguments: str | Path, output: str = "app.bundle", **options: Any) -> Done:
        before = {path.name for path in place.iterdir()}
        env.update(options.pop("env", {}))
        done: Done = bundle("build", *arguments, "-o", output, cwd=place, env=env, **options)
        left = {path.name for path in place.iterdir()} - before
        assert left <= ({output} if done.returncode == 0 else set())
        assert not list((tmp_path / "tmp").iterdir())
        return done

    return run


def imported(place: Path, code: str, name: str = "app.bundle") -> str:
    """Return what code prints that runs with the bundle on its path."""
    start = f"import sys, litebundle; litebundle.install(); sys.path.insert(0, {name!r})\n"
    done = python("-c", start + code, cwd=place)
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def files(place: Path) -> list[str]:
    """Return the paths in app.bundle."""
    listed = json.loads(bundle("list", "app.bundle", "--json", cwd=place).stdout)
    return [file["path"] for file in listed["files"]]


CODE = """
from importlib import metadata
import app, os
app.main()
[script] = metadata.entry_points(group='console_scripts', name='app')
print(script.name, script.load() is app.main, metadata.version('lib'))
print(*sorted(map(str, metadata.files('app'))))
print(metadata.distribution('app').read_text('RECORD').count('sha256='))
"""


@pytest.mark.parametrize("resolver", ["uv", "pip"])
def test_a_requirement_brings_what_it_requires(build: Build, place: Path, resolver: str) -> None:
    """`NAME==VERSION` is resolved, and works like installed: metadata, scripts, files."""
    if resolver == "uv" and tools.uv() is None:
        pytest.skip("uv is not here")
    good(build("app==1.0", "--resolver", resolver))
    ran, script, listed, hashes = imported(place, CODE).splitlines()
    assert (ran, script, hashes) == ("ran 42", "app True 2.0", "7")
    info = "app-1.0.dist-info"
    assert listed.split() == [
        *(f"{info}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt")),
        *("app/__init__.py", "app/tests/test_app.py", "bin/raw", "share/app.txt"),
    ]
    about = json.loads(bundle("info", "app.bundle", "--json", cwd=place).stdout)
    assert about["manifest"]["script.app"] == "app:main"


@pytest.mark.parametrize("kind", ["sqlite", "zip"])
def test_the_same_wheels_make_the_same_bytes(
    build: Build, place: Path, links: Path, tmp_path: Path, kind: str
) -> None:
    """At another place, in another order, after another time: no path or date gets in."""
    elsewhere = tmp_path / "quite" / "another place"
    shutil.copytree(links, elsewhere)
    for number, path in enumerate(elsewhere.iterdir()):
        os.utime(path, (number, number))
    names = [APP.filename, LIB.filename]
    good(build(*(links / name for name in names), "--format", kind, output="one"))
    good(build(*(elsewhere / name for name in names[::-1]), "--format", kind, output="two"))
    good(build("app==1.0", "--format", kind, output="three"))
    contents = [(place / name).read_bytes() for name in ("one", "two", "three")]
    assert contents[0] == contents[1] == contents[2]


def test_a_wheel_is_packed_as_it_is(build: Build, place: Path, links: Path) -> None:
    """Nothing is resolved for it; what it needs and is not there is a warning."""
    done = good(build(links / APP.filename))
    assert done.stdout.splitlines()[-1] == "warning: app needs lib, which is not in the bundle"
    assert not any(path.startswith("lib") for path in files(place))
    assert "warning" not in good(build(links / APP.filename, links / LIB.filename)).stdout


def test_a_project_is_built_and_brings_what_it_requires(
    build: Build, place: Path, tmp_path: Path
) -> None:
    """A directory that says it is a project is not packed as it stands."""
    project(tmp_path / "top", requires=("app",))
    good(build(tmp_path / "top"))
    assert imported(place, "import proj, app; print(proj.NAME, app.VALUE)") == "proj 42\n"
    assert "backend.py" not in files(place)
    good(build(tmp_path / "top", "--no-deps"))
    assert "app/__init__.py" not in files(place)


def test_a_lock_settles_everything(build: Build, place: Path, links: Path, tmp_path: Path) -> None:
    """With it a project brings nothing of its own; directories lie on top of all."""
    text = 'lock-version = "1.0"\ncreated-by = "a test"\n'
    for path in sorted(links.iterdir()):
        name = path.name.partition("-")[0]
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        text += f'[[packages]]\nname = "{name}"\n'
        text += f'wheels = [{{path = "../links/{path.name}", hashes = {{sha256 = "{digest}"}}}}]\n'
    (place / "pylock.toml").write_text(text)
    project(tmp_path / "top", requires=("app", "nowhere"))
    make(tmp_path / "local", {"lib.py": "VALUE = 'local'\n"})
    done = good(build("-r", "pylock.toml", tmp_path / "top"))
    assert done.stdout.splitlines()[-1] == "warning: proj needs nowhere, which is not in the bundle"
    assert imported(place, "import proj, app; print(app.VALUE)") == "42\n"
    done = build("-r", "pylock.toml", tmp_path / "local")
    assert refusal(done) == "the sources contradict each other in 1 place"
    good(build("-r", "pylock.toml", tmp_path / "local", "--overlay"))
    assert imported(place, "import app; print(app.VALUE)") == "local\n"


def test_requirements_with_hashes_are_a_lock_for_a_project(
    build: Build, place: Path, links: Path, tmp_path: Path
) -> None:
    """They settle what it requires; its own wheel, built on the spot, has no hash to be checked."""
    lines = []
    for path in sorted(links.iterdir()):
        name, version, *_ = path.name.split("-")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        lines.append(f"{name}=={version} --hash=sha256:{digest}\n")
    (place / "requirements.txt").write_text("".join(lines))
    project(tmp_path / "top", requires=("app",))
    good(build("-r", "requirements.txt", tmp_path / "top"))
    assert imported(place, "import proj, app; print(proj.NAME, app.VALUE)") == "proj 42\n"


@pytest.mark.skipif(tools.uv() is None, reason="uv is not here")
def test_uvs_lock_is_taken_with_its_project(build: Build, place: Path, tmp_path: Path) -> None:
    """Alone it brings the project too; beside the project that is not built twice."""
    top = project(tmp_path / "top", requires=("app",))
    locked = python(
        "-c",
        "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)",
        *(str(tools.uv()), "lock", "--quiet", "--python", sys.executable),
        cwd=top,
        env={"UV_CONFIG_FILE": str(tmp_path / "uv.toml")},
    )
    assert locked.returncode == 0, locked.stderr
    good(build("-r", top / "uv.lock", output="one"))
    good(build("-r", top / "uv.lock", top, output="two"))
    assert (place / "one").read_bytes() == (place / "two").read_bytes()
    assert imported(place, "import proj, app; print(app.VALUE)", "one") == "42\n"


def test_distributions_may_overwrite_each_others_files(build: Build, place: Path) -> None:
    """As installers let them; the report says which was taken."""
    for name in ("one", "two"):
        Wheel(name=name, files={f"{name}.py": "", "README": name}).write(place)
    done = good(build("two-1.0-py3-none-any.whl", "one-1.0-py3-none-any.whl"))
    at = done.stdout.splitlines().index("contradictions, decided for the first source:")
    assert done.stdout.splitlines()[at + 1].startswith("  README: different contents: ")
    assert bundle("cat", "app.bundle", "README", cwd=place).stdout == "one"


def test_parts_are_left_out(build: Build, place: Path, links: Path) -> None:
    """By pattern, by distribution, or because they are tests; the summary says so."""
    wheels = [links / APP.filename, links / LIB.filename]
    lines = good(build(*wheels, "--no-tests", "--exclude", "**/*.txt")).stdout.splitlines()
    at = lines.index("left out:")
    assert lines[at + 1 :] == [
        "  excluded: app-1.0.dist-info/entry_points.txt, share",
        "  tests: app/tests",
    ]
    good(build(*wheels, "--only", "lib", "--exclude", "*.dist-info"))
    assert files(place) == ["lib.py"]


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_another_python_can_be_built_for(build: Build, place: Path, version: str) -> None:
    """Its code is compiled by that interpreter, whose wheels are taken."""
    try:
        tags = environment(version).tags
    except BuildError:
        pytest.skip("there is no such Python here")
    wheel = Wheel(tag=str(tags[0])).write(place)
    good(build(wheel.name, "--python-version", version))
    info = json.loads(bundle("info", "app.bundle", "--json", cwd=place).stdout)
    assert f"cpython-{version.replace('.', '')}" in info["manifest"]["variant.0"]


def unsound(place: Path) -> None:
    """Write wheels that no one should take, and projects that no one can build."""
    Wheel(name="climbs", files={"../climbs.py": ""}).write(place)
    Wheel(name="differs", record={"demo.py": row(b"VALUE = 2\n")}).write(place)
    Wheel(name="unlisted", record={"demo.py": None}).write(place)
    Wheel(name="foreign", tag="cp39-cp39-win_amd64").write(place)
    Wheel(name="twice", version="1").write(place)
    Wheel(name="twice", version="2").write(place)
    broken = Wheel(name="broken").write(place)
    broken.write_bytes(broken.read_bytes()[:-40])
    project(place / "failing", fails="no compiler for widgets")
    make(place / "odd", {"pyproject.toml": "[project\n"})
    (place / "locked.txt").write_text(f"lib==2.0 --hash=sha256:{'0' * 64}\n")
    (place / "pylock.toml").write_text(
        'lock-version = "1.0"\ncreated-by = "a test"\n[[packages]]\nname = "lib"\nversion = "2.0"\n'
        'wheels = [{path = "../links/lib-2.0-py3-none-any.whl",'
        f' hashes = {{sha256 = "{"0" * 64}"}}}}]\n'
    )


@pytest.mark.parametrize(
    ("arguments", "causes"),
    [
        (["lib==3"], ["the requirements cannot be met", "lib==3"]),
        (["lib==3", "--resolver", "pip"], ["the requirements cannot be met", "lib==3"]),
        (["lib", "app"], ["2 sources are unusable", "place/lib cannot be read", "place/app"]),
        (["foreign-1.0-cp39-cp39-win_amd64.whl"], ["is for cp39-cp39-win_amd64, and the bundle"]),
        (["broken-1.0-py3-none-any.whl"], ["broken-1.0-py3-none-any.whl: is no sound wheel: "]),
        (["differs-1.0-py3-none-any.whl"], ["demo.py is not what the wheel's RECORD says"]),
        (["unlisted-1.0-py3-none-any.whl"], ["demo.py is not mentioned in RECORD"]),
        (["climbs-1.0-py3-none-any.whl"], ["'../climbs.py' has a component '..'"]),
        (
            ["twice-1-py3-none-any.whl", "twice-2-py3-none-any.whl"],
            ["several versions of a distribution", "twice: 1 and 2"],
        ),
        (["gone-1-py3-none-any.whl"], ["gone-1-py3-none-any.whl: cannot be read: No such file"]),
        (["wheel.whl"], ["wheel.whl: is not named as wheels are"]),
        (
            ["-r", "pylock.toml"],
            ["is not the file that was locked as lib", "sha256: expected 0000"],
        ),
        (["-r", "locked.txt"], ["the requirements cannot be met", "Expected sha256 0000"]),
        (["-r", "none.txt"], ["none.txt: cannot be read: No such file"]),
        (["failing"], ["the project does not build", "no compiler for widgets"]),
        (["odd"], ["odd/pyproject.toml: cannot be read: "]),
        (["lib==2.0", "--python-version", "3.9"], ["Python 3.9 is too old to import"]),
        (["lib==2.0", "--python-version", "3.99"], ["there is no Python 3.99 on this machine"]),
        (["lib==2.0", "--platform", "amiga"], ["amiga is no platform tag"]),
        (["lib==2.0", "--exclude", "libs"], ["nothing in the sources fits --exclude libs"]),
    ],
    ids=lambda value: " ".join(value) if value and value[0][0] in "-bcdfglotuw" else "",
)
def test_bad_input_is_one_readable_error(
    build: Build, place: Path, arguments: list[str], causes: list[str]
) -> None:
    """The cause is told, exit status 1, and nothing is left, here or among temporary files."""
    unsound(place)
    done = build(*arguments)
    refusal(done)
    for cause in causes:
        assert cause in done.stderr
    assert done.stdout == ""
    assert not (place.parent / "climbs.py").exists()


@pytest.mark.parametrize(
    "arguments",
    [(), ("src", "--python-version", "new"), ("src", "--resolver", "conda"), ("-r",)],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2(build: Build, arguments: tuple[str, ...]) -> None:
    """Before anything is looked for."""
    refusal(build(*arguments), status=2)


def test_packages_come_from_the_index_once(place: Path, tmp_path: Path) -> None:
    """What was downloaded is in the cache: its lock builds again with no network at all."""
    plain = [*tools.pip(sys.executable)[1:], "download", "--no-deps", "-d", str(tmp_path)]
    if python(*plain, "six==1.16.0", cwd=place).returncode:
        pytest.skip("pip cannot reach an index")
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    good(bundle("build", "six==1.16.0", "-o", "one", cwd=place, env=cache))
    [kept] = (tmp_path / "cache/litebundle/wheels").glob("*/*.whl")
    (place / "pylock.toml").write_text(
        'lock-version = "1.0"\ncreated-by = "a test"\n[[packages]]\nname = "six"\n'
        f'wheels = [{{url = "https://unreachable.invalid/{kept.name}",'
        f' hashes = {{sha256 = "{kept.parent.name}"}}}}]\n'
    )
    good(bundle("build", "-r", "pylock.toml", "-o", "two", cwd=place, env=cache))
    assert (place / "one").read_bytes() == (place / "two").read_bytes()
