"""`bundle build --trace`: a program is run once, and what it read comes first in the bundle."""

import json
from pathlib import Path

import pytest

from tests.cli.command import Done, bundle, good, refusal
from tests.unit.collect.trees import make

_TREE = {
    "app/__init__.py": "",
    "app/__main__.py": "import app.late, app.early; from . import cli; cli.main()\n",
    "app/cli.py": (
        "import os, pkgutil, subprocess, sys\n"
        "def main():\n"
        "    assert pkgutil.get_data('app', 'text.txt') == b'text'\n"
        "    print('said by the program', file=sys.stderr)\n"
        "    if sys.argv[1:] == ['fail']: sys.exit('it went wrong')\n"
        "    if sys.argv[1:] == ['hard']: os.closerange(3, 20); import app.hard; os._exit(0)\n"
        "    if sys.argv[1:] == ['fork']:\n"
        "        if not os.fork(): import app.child; os._exit(0)\n"
        "        os.wait()\n"
    ),
    **{f"app/{name}.py": "" for name in ("early", "late", "never", "hard", "child")},
    "app/text.txt": "text",
    "app-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: app\nVersion: 1\n",
    "app-1.dist-info/entry_points.txt": "[console_scripts]\nrun-app = app.cli:main\n",
}
_BOTH = ["app/__init__.py", "app/__main__.py", "app/late.py", "app/early.py", "app/cli.py"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return the working directory, in which the sources are."""
    make(tmp_path / "place", {f"src/{path}": text for path, text in _TREE.items()})
    return tmp_path / "place"


def _build(place: Path, *arguments: str) -> Done:
    env = {"XDG_CACHE_HOME": str(place.parent / "cache")}
    done: Done = bundle("build", "-o", "app.bundle", *arguments, cwd=place, env=env)
    return done


def _traced(place: Path, program: str) -> list[str]:
    """Return what is in the trace of a program."""
    good(_build(place, "src", "--trace", program, "--trace-file", "trace"))
    head, *paths = (place / "trace").read_text().splitlines()
    assert head.startswith("# ")
    return paths


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("-m app", [*_BOTH, "app/text.txt"]),
        ("-m app fork", [*_BOTH, "app/text.txt", "app/child.py"]),
        ("-m app hard", [*_BOTH, "app/text.txt", "app/hard.py"]),
        ("-c 'import app.late'", ["app/__init__.py", "app/late.py"]),
        ("app.cli:main", ["app/__init__.py", "app/cli.py", "app/text.txt"]),
        ("run-app", ["app/__init__.py", "app/cli.py", "app/text.txt"]),
    ],
)
def test_the_trace_has_what_was_read(place: Path, program: str, expected: list[str]) -> None:
    """In its order; whatever form names the program, and however it ends; its children too."""
    assert _traced(place, program) == expected


def test_a_recorded_trace_gives_the_same_file(place: Path) -> None:
    """It can be kept beside the sources: the next build needs no program, and is the same."""
    done = good(_build(place, "src", "--trace", "-m app", "--trace-file", "trace"))
    assert "said by the program" not in done.stdout + done.stderr
    first = (place / "app.bundle").read_bytes()
    good(_build(place, "src", "--trace-file", "trace"))
    assert (place / "app.bundle").read_bytes() == first
    assert "start-up" in good(bundle("info", "app.bundle", cwd=place)).stdout
    done = bundle("run", "app.bundle", "-m", "app", cwd=place)
    assert (done.returncode, done.stderr) == (0, "said by the program\n")


def test_a_definition_may_name_them(place: Path) -> None:
    """The keys are those of the options, and the file is beside the definition."""
    text = 'src = ["src"]\ntrace-file = "start.trace"\ncompress = "zlib"\n'
    (place / "bundle.toml").write_text(text)
    (place / "start.trace").write_text("app/never.py\n")
    report = json.loads(good(_build(place, "bundle.toml", "--json")).stdout)
    assert report["warnings"] == []
    assert "start-up" in good(bundle("info", "app.bundle", cwd=place)).stdout
    (place / "bundle.toml").write_text(text.replace("zlib", "gzip"))
    assert "compress: expected auto or none or zlib or zstd" in refusal(
        _build(place, "bundle.toml")
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--trace", "-m app fail"], ["the program ended with status 1", "it went wrong"]),
        (["--trace", "-m missing"], ["the program ended with status 1", "missing"]),
        (["--trace", "nothing"], ["no such program in the bundle", "MODULE:FUNCTION"]),
        (["--trace", "'half"], ["No closing quotation"]),
        (["--trace", "-c pass"], ["read nothing of the bundle"]),
        (["--trace-file", "absent"], ["absent: cannot be read", "write it with --trace"]),
    ],
)
def test_what_cannot_be_traced_is_told(place: Path, options: list[str], said: list[str]) -> None:
    """With the program's own last words where it has any; and nothing is left behind."""
    done = _build(place, "src", *options)
    assert refusal(done)
    assert [part for part in said if part not in done.stderr] == []
    assert [path.name for path in place.iterdir()] == ["src"]


@pytest.mark.parametrize("name", ["src/app/late.py", "app.bundle"])
def test_a_trace_replaces_nothing_but_a_trace(place: Path, name: str) -> None:
    """Not a source, and not what the same build is to write."""
    before = (place / "src/app/late.py").read_text() + "# mine\n"
    (place / "src/app/late.py").write_text(before)
    done = _build(place, "src", "--trace", "-m app", "--trace-file", name)
    own = name == "app.bundle"
    said = "name another file with -o" if own else "is no trace, and would be replaced by one"
    assert said in refusal(done, 2 if own else 1)
    assert (place / "src/app/late.py").read_text() == before
    assert not (place / "app.bundle").exists()
