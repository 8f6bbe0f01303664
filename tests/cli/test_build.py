"""`bundle build`: what it says of its work, and what it refuses, leaving nothing half-written."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import bundle, environment, on_terminal, refusal
from tests.rules.places import write_tree

_BUILD = (sys.executable, "-m", "litebundle", "build", "--no-cache", "source", "-o", "app.bundle")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a directory with a bit of everything."""
    root = tmp_path / "source"
    write_tree(
        {
            "pkg/__init__.py": "VALUE = 1\n",
            "pkg/__pycache__/junk.pyc": "",
            "pkg/data.txt": "data",
            "pkg/py.typed": "",
            "plain.py": "assert VALUE\n",
            "broken.py": "def half(:\n",
            "dist-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: dist\nVersion: 1\n",
        },
        root,
    )
    return root


def built(source: Path, *options: str, output: str = "app.bundle") -> Any:
    """Build beside the source, and return the outcome, which must be a success."""
    done = bundle("build", source.name, "-o", output, *options, cwd=source.parent)
    assert done.returncode == 0, done.stderr
    return done


def left_beside(source: Path) -> list[str]:
    """Return what stands beside the source, which may be finished bundles only."""
    return sorted(path.name for path in source.parent.iterdir() if path != source)


def test_the_summary_leaves_nothing_unsaid(source: Path) -> None:
    """Every kind is counted; what did not compile, or was left out, is named with the reason."""
    done = built(source)
    assert done.stderr == ""
    first, *lines = done.stdout.splitlines()
    assert first.startswith(f"{source.parent / 'app.bundle'}: ")
    assert "files: 6: 3 source, 1 data, 1 metadata, 1 typing" in lines
    assert "modules with code: 2" in lines
    assert "placed on disk when imported (data): pkg" in lines
    at = lines.index("not compiled, kept as source:")
    assert lines[at + 1] == "  broken.py: SyntaxError: invalid syntax (line 1)"
    assert lines[lines.index("left out:") + 1] == "  bytecode cache: pkg/__pycache__"


def test_the_report_is_there_as_json(source: Path) -> None:
    """The same facts, every path of them, for programs."""
    report = json.loads(built(source, "--json").stdout)
    assert report["output"] == str(source.parent / "app.bundle")
    assert report["container"] == "sqlite"
    assert report["size"] == (source.parent / "app.bundle").stat().st_size
    assert report["counts"] == {"source": 3, "data": 1, "metadata": 1, "typing": 1}
    assert report["uncompiled"] == [
        {"path": "broken.py", "reason": "SyntaxError: invalid syntax (line 1)"}
    ]
    assert report["skipped"] == [{"path": "pkg/__pycache__", "reason": "bytecode cache"}]


def test_what_does_not_compile_is_told_in_the_order_of_paths(source: Path) -> None:
    """Not in that of the code in the bundle, where directories stand together."""
    write_tree({"a.py": "def"}, source / "pkg/sub")
    (source / "pkg/z.py").write_text("def")
    report = json.loads(built(source, "--json").stdout)
    paths = [each["path"] for each in report["uncompiled"]]
    assert paths == ["broken.py", "pkg/sub/a.py", "pkg/z.py"]


def test_many_things_left_out_for_one_reason_are_summed_up(source: Path) -> None:
    """The summary stays readable; the JSON has all of them."""
    for number in range(9):
        (source / f"d{number}" / "__pycache__").mkdir(parents=True)
    assert (
        "  bytecode cache: d0/__pycache__, d1/__pycache__, d2/__pycache__ and 7 more"
        in built(source).stdout.splitlines()
    )
    assert len(json.loads(built(source, "--json").stdout)["skipped"]) == 10


def test_a_bundle_of_nothing_is_told(source: Path) -> None:
    """It may be meant, and it hardly is."""
    (told,) = json.loads(built(source, "--exclude", "*", "--json").stdout)["warnings"]
    assert told.startswith("there is nothing in it")
    assert json.loads(built(source, "--json").stdout)["warnings"] == []


def test_a_project_without_pyproject_toml_is_told(source: Path) -> None:
    """What it would be once installed is not what lies there."""
    (source / "setup.py").write_text("from setuptools import setup\nsetup(name='legacy')\n")
    (told,) = json.loads(built(source, "--json").stdout)["warnings"]
    assert told.startswith(f"{source} is packed as it lies, not as its setup.py would install it")


def test_quiet_prints_nothing(source: Path) -> None:
    """Scripts that only want the file get only the file."""
    done = built(source, "--quiet")
    assert (done.stdout, done.stderr) == ("", "")
    assert left_beside(source) == ["app.bundle"]


@pytest.mark.parametrize("options", [(), ("--quiet",)], ids=["", "quiet"])
def test_a_terminal_sees_the_progress(source: Path, options: tuple[str, ...]) -> None:
    """On standard error, and only there; `--quiet` has none."""
    output = on_terminal("stderr", *_BUILD, *options, cwd=source.parent)
    assert (b"9/9" in output) != bool(options)
    assert (output == b"") == bool(options)


def test_the_containers_hold_the_same(source: Path) -> None:
    """`--format` chooses the file's format, not its content: both have one identity."""
    reports = [
        json.loads(built(source, "--json", "--format", kind, output=kind).stdout)
        for kind in ("sqlite", "zip")
    ]
    assert [report["container"] for report in reports] == ["sqlite", "zip"]
    assert reports[0]["identity"] == reports[1]["identity"]


def test_levels_and_sources_are_chosen(source: Path) -> None:
    """`--optimize` stores code for several levels, `--no-sources` drops what compiled."""
    done = built(source, "--optimize", "2,0", "--no-sources")
    assert "sources left out, as asked: 2" in done.stdout.splitlines()
    listed = json.loads(bundle("list", "app.bundle", "--json", cwd=source.parent).stdout)
    plain = next(module for module in listed["modules"] if module["name"] == "plain")
    tag = sys.implementation.cache_tag
    assert list(plain["code"]) == [tag, f"{tag} -O2"]
    assert plain["code"][f"{tag} -O2"] < plain["code"][tag]
    kept = [file["path"] for file in listed["files"] if file["path"].endswith(".py")]
    assert kept == ["broken.py"]


def test_an_existing_bundle_is_replaced(source: Path) -> None:
    """The second build's content stands there, and nothing else is left."""
    built(source)
    (source / "more.py").write_text("")
    built(source)
    listed = bundle("list", "app.bundle", "--modules", cwd=source.parent).stdout
    assert "\tmore\t" in listed
    assert left_beside(source) == ["app.bundle"]


def test_sources_are_laid_over_each_other(source: Path) -> None:
    """Several directories make one bundle, as several entries of `sys.path` would."""
    write_tree({"space/other.py": ""}, source.parent / "second")
    done = bundle("build", source.name, "second", "-o", "app.bundle", cwd=source.parent)
    assert done.returncode == 0, done.stderr
    assert "\tspace.other\t" in bundle("list", "app.bundle", cwd=source.parent).stdout


def refused(source: Path, *arguments: str | Path, status: int = 1) -> tuple[str, str]:
    """Build with the arguments; return cause and message of the refusal, which left no file."""
    before = left_beside(source)
    done = bundle("build", *arguments, cwd=source.parent)
    cause = refusal(done, status)
    assert done.stdout == ""
    assert left_beside(source) == before
    return cause, done.stderr


def test_every_unusable_source_is_named(source: Path) -> None:
    """Missing ones and files, all in one message."""
    cause, message = refused(source, "nothere", "source/plain.py", source, "-o", "app.bundle")
    assert cause == "2 sources are unusable"
    assert "nothere cannot be read: No such file or directory" in message
    assert "plain.py is not a directory" in message


def test_a_single_problem_is_told_once(source: Path) -> None:
    """It is the cause already."""
    _, message = refused(source, "nothere", "-o", "app.bundle")
    assert message.count("nothere") == 1


@pytest.mark.fault(20)
def test_an_unreadable_source_is_refused(source: Path) -> None:
    """One file that cannot be read fails the build: the bundle would lack it silently."""
    (source / "plain.py").chmod(0)
    if os.access(source / "plain.py", os.R_OK):
        pytest.skip("whoever runs this reads everything")
    assert "plain.py" in refused(source, "source", "-o", "app.bundle")[1]


@pytest.mark.fault(22)
@pytest.mark.parametrize("kind", ["sqlite", "zip"])
def test_an_output_that_cannot_be_written_is_refused(source: Path, kind: str) -> None:
    """No directory for it, or a directory in its place."""
    options = ("--format", kind)
    assert "does not exist" in refused(source, "source", "-o", "no/app.bundle", *options)[0]
    assert "is a directory" in refused(source, "source", "-o", "source", *options)[0]


def test_an_output_that_is_no_file_is_refused(source: Path) -> None:
    """A pipe or a device would be gone, and a file in its place."""
    os.mkfifo(source.parent / "pipe")
    assert "no regular file" in refused(source, "source", "-o", "pipe")[0]
    assert (source.parent / "pipe").is_fifo()
    assert "no regular file" in refused(source, "source", "-o", "/dev/nothing-of-that-name")[0]


def test_two_sources_with_one_module_contradict_each_other(source: Path) -> None:
    """Which would win depends on the order: refused, unless `--overlay` says the first."""
    write_tree({"plain.py": "OTHER = 1\n", "pkg/__init__.py": "VALUE = 1\n"}, source.parent / "b")
    cause, message = refused(source, "source", "b", "-o", "app.bundle")
    assert "contradict" in cause
    assert "plain.py: different contents" in message
    assert "--overlay" in message
    assert "pkg/__init__.py" not in message  # equal in both
    done = bundle("build", "source", "b", "-o", "app.bundle", "--overlay", cwd=source.parent)
    assert done.returncode == 0
    assert "contradictions, decided for the first source:" in done.stdout
    assert bundle("cat", "app.bundle", "plain", cwd=source.parent).stdout == "assert VALUE\n"


@pytest.mark.fault(41)
def test_names_that_no_bundle_can_hold_are_refused(source: Path) -> None:
    """All of them are listed, in a form that any terminal prints."""
    for name in (b"\xff.py", b"caf\xe9"):
        Path(os.fsdecode(os.path.join(os.fsencode(source), name))).write_text("")  # noqa: PTH118
    cause, message = refused(source, "source", "-o", "app.bundle")
    assert cause == "2 paths of the sources cannot be packed"
    assert message.count("is not valid UTF-8") == 2
    assert "\\udcff.py" in message


@pytest.mark.fault(45)
def test_strict_refuses_what_does_not_compile(source: Path) -> None:
    """Each such file with its reason."""
    assert "broken.py: SyntaxError" in refused(source, "source", "-o", "x", "--strict")[1]


@pytest.mark.parametrize(
    "arguments",
    [
        ("source",),
        ("-o", "x"),
        ("", "-o", "x"),
        ("source", "-o", "x", "--format", "rar"),
        ("source", "-o", "x", "--optimize", "3"),
        ("source", "-o", "x", "--optimize", ""),
        ("source", "-o", "x", "--jobs", "0"),
        ("source", "-o", "x", "--nonsense"),
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2(source: Path, arguments: tuple[str, ...]) -> None:
    """Before anything is read or written."""
    refused(source, *arguments, status=2)


@pytest.mark.fault(11)
@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=["INT", "TERM", "HUP"],
)
def test_an_interrupted_build_cleans_up(source: Path, number: int, status: int) -> None:
    """The old bundle stands, and no temporary file is left."""
    built(source)
    old = (source.parent / "app.bundle").read_bytes()
    for count in range(400):
        (source / f"m{count}.py").write_text(f"x = {list(range(count, count + 2000))}\n")
    with subprocess.Popen(
        [*_BUILD, "-j", "1"],
        cwd=source.parent,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        for _ in range(3000):
            if len(left_beside(source)) > 1 or process.poll() is not None:
                break
            time.sleep(0.01)
        assert len(left_beside(source)) == 2, "the build was over before it was seen at work"
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=20)
        assert process.returncode == status
    assert stdout == ""
    assert "Traceback" not in stderr
    assert left_beside(source) == ["app.bundle"]
    assert (source.parent / "app.bundle").read_bytes() == old


@pytest.mark.fault(13)
@pytest.mark.skipif(sys.platform == "win32", reason="no resource limits there")
def test_a_full_disk_is_told_and_leaves_nothing(source: Path) -> None:
    """The system refuses to write on: the cause is told, the old file stands."""
    (source / "big.bin").write_bytes(os.urandom(300_000))
    code = (
        "import resource, signal, sys\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "sys.argv[:] = ['bundle', 'build', 'source', '-o', 'app.bundle', '--format', sys.argv[1]]\n"
        "from litebundle.cli.main import main; main()\n"
    )
    for kind in ("sqlite", "zip"):
        done = subprocess.run(
            [sys.executable, "-c", code, kind],
            cwd=source.parent,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        refusal(done)
        assert left_beside(source) == []


def test_levels_are_chosen(source: Path) -> None:
    """`--place` goes before what the analyser found; the report has levels and reasons."""
    report = json.loads(built(source, "--json").stdout)
    assert report["placed"] == [
        {
            "package": "pkg",
            "level": "data",
            "why": "pkg/data.txt is data, and nothing seen tells who reads it",
            "files": 2,
        }
    ]
    options = ("--place", "pkg=code", "--place", "plain=all")
    report = json.loads(built(source, "--json", *options).stdout)
    assert [(one["package"], one["level"], one["files"]) for one in report["placed"]] == [
        ("plain", "all", 1)
    ]
    assert "placed on disk when imported (all): plain" in built(source, *options).stdout


def test_sources_that_have_to_be_files_are_kept(source: Path) -> None:
    """`--no-sources` cannot leave out what a package is to find on disk."""
    done = built(source, "--no-sources", "--place", "pkg=all")
    assert "sources left out, as asked: 1" in done.stdout.splitlines()


@pytest.mark.parametrize(
    ("choice", "status", "cause"),
    [
        ("pkg=some", 2, "Invalid value for '--place'"),
        ("pkg", 2, "Invalid value for '--place'"),
        ("nothing=data", 1, "cannot be placed so: nothing: not there"),
    ],
)
def test_levels_that_cannot_be_are_refused(
    source: Path, choice: str, status: int, cause: str
) -> None:
    """Before anything is written."""
    done = bundle("build", "source", "-o", "app.bundle", "--place", choice, cwd=source.parent)
    assert refusal(done, status).startswith(cause)
    assert left_beside(source) == []
