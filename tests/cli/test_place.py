"""`bundle place` and `bundle cache`, as they are used from a shell."""

import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import bundle, good, python, refusal
from tests.rules.places import Library, Tree

_READS = """
import os
HERE = os.path.dirname(__file__)
def read(name):
    with open(os.path.join(HERE, name)) as file:
        return file.read()
"""
TREE: Tree = {
    "one/__init__.py": _READS,
    "one/data.txt": "data of one\n",
    "two/__init__.py": _READS,
    "two/data.bin": b"2" * 5000,
    "inner/two/__init__.py": _READS,
    "inner/two/deep/data.bin": b"3" * 7000,
    "pure/__init__.py": "",
}
_SHOW = "import one; print(one.HERE, open(one.HERE + '/data.txt').read(), end='')"
_RUN = "import litebundle, sys; litebundle.install(); sys.path.insert(0, sys.argv[1])\n" + _SHOW


@pytest.fixture(params=["sqlite", "zip"])
def app(library: Library, request: pytest.FixtureRequest) -> Path:
    """Return a bundle with packages that are placed."""
    return Path(library.place(TREE, request.param).entry)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Return where the cache of these commands is; it is not there yet."""
    return tmp_path / "cache"


@pytest.fixture
def filled(app: Path, cache: Path) -> Path:
    """Return the cache with everything placed, last used 40, 30 and 20 days ago."""
    bundle("place", app, "--to", cache, cwd=cache.parent)
    for number, path in enumerate(sorted(cache.iterdir(), key=_unit)):
        then = time.time() - (40 - 10 * number) * 86_400
        os.utime(path / ".litebundle", (then, then))
    return cache


def _unit(path: Path) -> str:
    return (path / ".litebundle").read_text().split()[3]


def _with(cache: Path) -> dict[str, str]:
    return {"LITEBUNDLE_CACHE": str(cache)}


def _list(cache: Path) -> Any:
    return json.loads(bundle("cache", "list", "--json", cwd=cache.parent, env=_with(cache)).stdout)


def test_what_is_placed_ahead_is_found(app: Path, tmp_path: Path) -> None:
    """Every unit is told with its directory, and the program reads its files from there."""
    target = tmp_path / "new" / "ahead"
    done = bundle("place", app, "--to", target, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert sorted(row[:4] for row in rows) == [
        ["unit", "inner/two", "1", "7000"],
        ["unit", "one", "1", "12"],
        ["unit", "two", "1", "5000"],
    ]
    (home,) = (row[4] for row in rows if row[1] == "one")
    found = python("-c", _RUN, app, cwd=tmp_path, env=_with(target))
    assert found.stdout == f"{home}/one data of one\n"


def test_placing_again_repairs_and_changes_nothing_else(app: Path, tmp_path: Path) -> None:
    """Contents are compared even where size and time are right."""
    shown = json.loads(bundle("place", app, "--to", "at", "--json", cwd=tmp_path).stdout)
    (path,) = (Path(unit["path"]) for unit in shown["units"] if unit["name"] == "two")
    data = path / "two" / "data.bin"
    times = data.stat()
    data.write_bytes(b"x" * 5000)
    os.utime(data, ns=(times.st_mtime_ns, times.st_mtime_ns))
    other = tmp_path / "at" / "not-ours.tmp"
    other.write_text("")
    again = json.loads(bundle("place", app, "--to", "at", "--json", cwd=tmp_path).stdout)
    assert again == shown
    assert data.read_bytes() == b"2" * 5000
    assert other.exists()
    assert len(list((tmp_path / "at").iterdir())) == 4


@pytest.mark.parametrize("kind", ["no bundle", "not there", "file", "unsafe"])
def test_what_cannot_be_placed_is_told(app: Path, tmp_path: Path, kind: str) -> None:
    """Bundles that are none, and directories that are none or not one's own."""
    (tmp_path / "file").write_text("no bundle")
    (tmp_path / "unsafe").mkdir()
    (tmp_path / "unsafe").chmod(0o777)
    source = {"no bundle": "file", "not there": "nowhere"}.get(kind, str(app))
    target = kind if kind in {"file", "unsafe"} else "to"
    cause = refusal(bundle("place", source, "--to", target, cwd=tmp_path))
    expected = {
        "no bundle": "file: not a bundle",
        "not there": "nowhere: cannot open the bundle: No such file or directory",
        "file": f"{tmp_path}/file: is no directory",
        "unsafe": f"{tmp_path}/unsafe: can be written by other users (mode 777)",
    }
    assert cause == expected[kind]
    assert not (tmp_path / "to").exists()


def test_a_directory_has_to_be_named(app: Path, tmp_path: Path) -> None:
    """Where to is no guess."""
    assert "Missing option '--to'" in refusal(bundle("place", app, cwd=tmp_path), 2)


def test_the_cache_is_listed(app: Path, filled: Path) -> None:
    """Units with sizes, last use and whether they are used; as text, and as JSON."""
    done = bundle("cache", "list", cwd=filled.parent, env=_with(filled))
    rows = sorted(line.split("\t") for line in done.stdout.splitlines())
    assert [row[1:3] + row[4:5] for row in rows] == [
        ["inner/two", "7000", "no"],
        ["one", "12", "no"],
        ["two", "5000", "no"],
    ]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", row[3]) for row in rows)
    found = _list(filled)
    assert found["directories"] == [str(filled)]
    assert found["not_used"] == []
    by_name = {unit["name"]: unit for unit in found["units"]}
    assert by_name["one"]["path"] == next(row[5] for row in rows if row[1] == "one")
    script = f"{_RUN}\nsys.stdout.flush(); sys.stdin.readline()"
    found = python(
        "-c",
        "import json, subprocess, sys\n"
        "one = subprocess.Popen([sys.executable, '-c', *sys.argv[1:]], stdin=subprocess.PIPE,"
        " stdout=subprocess.PIPE, text=True)\n"
        "one.stdout.readline()\n"
        "subprocess.run([sys.executable, '-m', 'litebundle', 'cache', 'list', '--json'])\n"
        "one.communicate('\\n')\n",
        script,
        app,
        cwd=filled.parent,
        env=_with(filled),
    )
    busy = {unit["name"]: unit["busy"] for unit in json.loads(found.stdout)["units"]}
    assert busy == {"one": True, "two": False, "inner/two": False}


def test_an_empty_cache_is_no_error(cache: Path) -> None:
    """Nothing is listed, nothing removed, nothing made."""
    assert _list(cache) == {"directories": [], "not_used": [], "units": [], "builds": []}
    done = bundle("cache", "prune", "--older-than", "1d", cwd=cache.parent, env=_with(cache))
    assert (done.returncode, done.stdout) == (0, "")
    assert not cache.exists()


def test_directories_that_are_passed_over_are_told(cache: Path) -> None:
    """With the reason, since files may be missing from where one looks for them."""
    cache.mkdir()
    cache.chmod(0o777)
    (told,) = _list(cache)["not_used"]
    assert told["reason"] == "can be written by other users (mode 777)"
    done = bundle("cache", "list", cwd=cache.parent, env=_with(cache))
    assert done.stderr == f"not used: {cache}: {told['reason']}\n"


@pytest.mark.parametrize(
    ("limits", "left"),
    [
        (["--older-than", "35d"], {"one", "two"}),
        (["--older-than", "25d"], {"two"}),
        (["--older-than", "840h"], {"one", "two"}),
        (["--max-size", "6kB"], {"one", "two"}),
        (["--max-size", "5000"], {"two"}),
        (["--max-size", "1GB"], {"inner/two", "one", "two"}),
        (["--max-size", "0"], set()),
        (["--older-than", "100d", "--max-size", "0.01 MB"], {"one", "two"}),
    ],
)
def test_prune_removes_by_last_use(filled: Path, limits: list[str], left: set[str]) -> None:
    """What is older than that, then the least recently used until the rest is small enough."""
    command = ["cache", "prune", *limits]
    done = bundle(*command, "--json", cwd=filled.parent, env=_with(filled))
    removed = {unit["name"] for unit in json.loads(done.stdout)["removed"]}
    assert {_unit(path) for path in filled.iterdir()} == left
    assert removed == {"inner/two", "one", "two"} - left


def test_prune_tells_what_it_kept(filled: Path) -> None:
    """What was used within a day stays, and leftovers of killed processes go."""
    for path in filled.iterdir():
        if _unit(path) == "two":
            os.utime(path / ".litebundle")
            (filled / f"{path.name}.01234567.tmp").mkdir()
    done = bundle("cache", "prune", "--older-than", "0d", cwd=filled.parent, env=_with(filled))
    rows = sorted(line.split("\t")[1:3] for line in done.stdout.splitlines())
    assert rows == [["kept", "two"], ["removed", "inner/two"], ["removed", "one"]]
    assert done.stderr == (
        "removed: 2, 7012 bytes; kept, in use or used within a day: 1;"
        " leftovers of killed processes removed: 1\n"
    )


def test_what_builds_keep_is_listed_and_removed(tmp_path: Path) -> None:
    """Beside what is placed, with limits of its own; `--no-cache` keeps nothing."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "module.py").write_text("value = 1\n")
    cache, options = tmp_path / "cache", ("site", "-o", "out.bundle")
    good(bundle("build", "--no-cache", *options, cwd=tmp_path, env=_with(cache)))
    assert _list(cache)["builds"] == []
    built = (tmp_path / "out.bundle").read_bytes()
    good(bundle("build", "--cache", *options, cwd=tmp_path, env=_with(cache)))
    good(bundle("build", "--cache", *options, cwd=tmp_path, env=_with(cache)))
    assert (tmp_path / "out.bundle").read_bytes() == built
    kept = _list(cache)["builds"]
    assert {str(path) for path in (cache / "builds").iterdir()} == {file["path"] for file in kept}
    rows = bundle("cache", "list", cwd=tmp_path, env=_with(cache)).stdout.splitlines()
    assert {tuple(row.split("\t")[:2]) for row in rows} == {("build", f["path"]) for f in kept}
    prune = ("cache", "prune", "--json", "--max-size")
    done = bundle(*prune, "1GB", cwd=tmp_path, env=_with(cache))
    assert json.loads(done.stdout)["builds"] == []
    done = bundle(*prune, "0", cwd=tmp_path, env=_with(cache))
    assert {f["path"] for f in json.loads(done.stdout)["builds"]} == {f["path"] for f in kept}
    assert _list(cache)["builds"] == []


@pytest.mark.parametrize("limit", [["--older-than", "soon"], ["--max-size", "much"]])
def test_limits_that_are_none_are_wrong_usage(cache: Path, limit: list[str]) -> None:
    """Told with an example."""
    done = bundle("cache", "prune", *limit, cwd=cache.parent, env=_with(cache))
    assert f"'{limit[1]}' is not a" in refusal(done, 2)
