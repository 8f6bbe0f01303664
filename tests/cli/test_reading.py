"""`bundle list`, `cat` and `info`: what is in a bundle, for people and for programs."""

import json
import re
import sys
from pathlib import Path

import pytest

from tests.cli.command import bundle, on_terminal, python, refusal
from tests.rules.places import Library, Tree

TAG = str(sys.implementation.cache_tag)

TREE: Tree = {
    "pkg/__init__.py": "VALUE = 'pkg'\n",
    "pkg/sub.py": "# coding: latin-1\nVALUE = '\u00e9'\n".encode("latin-1"),
    "pkg/data.bin": bytes(range(256)) * 40,
    "top.py": "VALUE = 'top'\r\n",
    "odd\nname.txt": "",
    "[red]name.txt": "",
    "dist-1.2.dist-info/METADATA": "Metadata-Version: 2.1\nName: dist\nVersion: 1.2\n\nText\n",
}


@pytest.fixture(params=["sqlite", "zip"])
def file(library: Library, request: pytest.FixtureRequest) -> Path:
    """Return a bundle of the tree, with code of two levels."""
    return Path(library.place(TREE, request.param, optimize=(0, 2)).entry)


def test_a_line_for_each_module_and_file(file: Path) -> None:
    """Piped, the list is one line a thing, its fields separated by tabs."""
    done = bundle("list", file, cwd=file.parent)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    modules = [row[1:] for row in rows if row[0] == "module"]
    assert [[name, kind, levels] for name, kind, _, levels in modules] == [
        ["pkg", "package", f"{TAG}, {TAG} -O2"],
        ["pkg.sub", "module", f"{TAG}, {TAG} -O2"],
        ["top", "module", f"{TAG}, {TAG} -O2"],
    ]
    assert all(int(size) > 0 for _, _, size, _ in modules)
    files = [row[1:] for row in rows if row[0] == "file"]
    assert ["pkg/data.bin", "644", "10240"] in files
    assert ["'odd\\nname.txt'", "644", "0"] in files
    assert len(files) == len(TREE)
    assert len(rows) == len(modules) + len(files)


def test_modules_and_files_can_be_had_alone(file: Path) -> None:
    """Each option lists its kind only."""
    for option, tag in (("--modules", "module\t"), ("--files", "file\t")):
        lines = bundle("list", file, option, cwd=file.parent).stdout.splitlines()
        assert lines
        assert all(line.startswith(tag) for line in lines)


def test_the_list_is_there_as_json(file: Path) -> None:
    """With names as they are, whatever they are."""
    listed = json.loads(bundle("list", file, "--json", cwd=file.parent).stdout)
    assert {found["path"] for found in listed["files"]} == set(TREE)
    assert [found["name"] for found in listed["modules"]] == ["pkg", "pkg.sub", "top"]
    only = json.loads(bundle("list", file, "--json", "--modules", cwd=file.parent).stdout)
    assert "files" not in only


def test_a_terminal_gets_a_table(file: Path) -> None:
    """Aligned, with titles, and names taken literally."""
    output = on_terminal(
        "stdout", sys.executable, "-m", "litebundle", "list", file, cwd=file.parent
    )
    lines = re.sub(r"\x1b\[[0-9;]*m", "", output.decode()).split("\r\n")
    assert any(line.split() == ["module", "kind", "code", "for"] for line in lines)
    assert any(line.split() == ["pkg/data.bin", "644", "10,240"] for line in lines)
    assert any(line.split()[:1] == ["[red]name.txt"] for line in lines)
    assert any(line.split()[:1] == ["'odd\\nname.txt'"] for line in lines)


def test_cat_prints_the_very_bytes(file: Path) -> None:
    """A file by its path, a module's source by its name, neither decoded nor ended by a line."""
    for name, path in (
        ("pkg/data.bin", "pkg/data.bin"),
        ("pkg/sub.py", "pkg/sub.py"),
        ("pkg.sub", "pkg/sub.py"),
        ("pkg", "pkg/__init__.py"),
        ("top", "top.py"),
        ("odd\nname.txt", "odd\nname.txt"),
    ):
        done = bundle("cat", file, name, cwd=file.parent, text=False)
        content = TREE[path]
        assert content is not None
        expected = content if isinstance(content, bytes) else content.encode()
        assert done.stdout == expected


def test_cat_names_what_is_near(file: Path) -> None:
    """A mistyped name is answered with those that are there."""
    done = bundle("cat", file, "pkg/dato.bin", cwd=file.parent)
    assert "no file or module 'pkg/dato.bin'" in refusal(done)
    assert "did you mean pkg/data.bin" in done.stderr
    assert "bundle list" in bundle("cat", file, "qqqqqq", cwd=file.parent).stderr


def test_cat_tells_why_there_is_no_source(library: Library) -> None:
    """The module is there, its source was left out."""
    file = Path(library.place(TREE, "sqlite", sources=False).entry)
    done = bundle("cat", file, "pkg.sub", cwd=file.parent)
    assert "no source of pkg.sub" in refusal(done)
    assert "--no-sources" in done.stderr


def test_info_sums_up(file: Path) -> None:
    """Which build, in what, for which Pythons, with what in it."""
    lines = bundle("info", file, cwd=file.parent).stdout.splitlines()
    pairs = [tuple(line.split("  ", 1)) for line in lines]
    facts = {label.strip(): text.strip() for label, text in pairs}
    assert facts["container"].split(",")[0] in ("sqlite", "zip")
    assert facts["this Python"] == f"uses the code for {TAG}"
    assert facts["modules"] == "3: 2 module, 1 package"
    assert facts["distribution"] == "dist 1.2"
    assert len(facts["identity"]) == 64


def test_info_is_there_as_json(file: Path) -> None:
    """The same for programs, with the whole manifest."""
    facts = json.loads(bundle("info", file, "--json", cwd=file.parent).stdout)
    assert facts["size"] == file.stat().st_size
    assert [(found["optimize"], found["fits"]) for found in facts["variants"]] == [
        (0, True),
        (2, False),
    ]
    assert all(found["code"] > 0 for found in facts["variants"])
    assert facts["modules"] == {"package": 1, "module": 2}
    assert facts["files"] == {"source": 3, "data": 3, "metadata": 1}
    assert facts["distributions"] == [
        {"name": "dist", "version": "1.2", "path": "dist-1.2.dist-info"}
    ]
    assert facts["manifest"]["identity"] == facts["identity"]
    assert (facts["page_size"] is None) == (facts["container"] == "zip")


def test_info_tells_when_this_python_has_to_compile(file: Path) -> None:
    """No code is stored for the level it runs at."""
    done = bundle("info", file, cwd=file.parent, flags=["-O"])
    assert f"{TAG} -O1, which compiles" in done.stdout


def test_reading_executes_nothing(library: Library, tmp_path: Path) -> None:
    """Looking into a bundle neither imports nor unmarshals what is in it."""
    tree: Tree = {"evil.py": "MARK = 'of the devil'\n"}
    file = Path(library.place(tree, "sqlite").entry)
    watch = (
        "import os, sys\n"
        "def hook(event, arguments):\n"
        "    if event == 'marshal.loads' and b'of the devil' in arguments[0]:\n"
        "        os._exit(9)\n"
        "sys.addaudithook(hook)\n"
    )
    command = watch + "from litebundle.cli.main import main; main()"
    for arguments in (("list",), ("info",), ("verify",), ("cat", "evil")):
        done = python("-c", command, arguments[0], file, *arguments[1:], cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    importing = watch + (
        "import litebundle; litebundle.install(); sys.path.insert(0, sys.argv[1]); import evil"
    )
    assert python("-c", importing, file, cwd=tmp_path).returncode == 9


@pytest.mark.parametrize("command", ["list", "info", "verify", "cat"])
def test_what_is_no_bundle_is_refused(command: str, file: Path, tmp_path: Path) -> None:
    """The reason is told, for each command alike."""
    more = ("x",) if command == "cat" else ()
    text = tmp_path / "text"
    text.write_text("not a bundle at all")
    for path, cause in (
        (text, "not a bundle"),
        (tmp_path / "missing", "No such file or directory"),
        (tmp_path, "Is a directory"),
    ):
        assert cause in refusal(bundle(command, path, *more, cwd=tmp_path))
    short = tmp_path / "short"
    short.write_bytes(file.read_bytes()[:-300])
    assert "short" in refusal(bundle(command, short, *more, cwd=tmp_path))


@pytest.mark.parametrize("command", ["list", "info", "verify", "cat"])
def test_a_bundle_of_a_newer_format_is_refused(command: str, file: Path, tmp_path: Path) -> None:
    """Both numbers are told, and what to do."""
    newer = tmp_path / "newer"
    data = bytearray(file.read_bytes())
    if data.startswith(b"SQLite"):
        data[60:64] = (2).to_bytes(4)  # user_version
    else:
        at = data.index(b"format\t1\n")
        data[at + 7 : at + 8] = b"2"
    newer.write_bytes(data)
    more = ("x",) if command == "cat" else ()
    done = bundle(command, newer, *more, cwd=tmp_path)
    message = refusal(done)
    assert "expected format 1" in message
    assert "found format 2" in message
    assert done.stdout == ""


@pytest.mark.fault(50)
@pytest.mark.parametrize("command", ["list", "run", "verify"])
def test_a_database_being_changed_is_refused(
    command: str, library: Library, tmp_path: Path
) -> None:
    """One in WAL mode, or with a journal beside it: its pages may not be its content."""
    more = ("-c", "print(1)") if command == "run" else ()
    data = Path(library.place(TREE, "sqlite").entry).read_bytes()
    wal = tmp_path / "wal.bundle"
    wal.write_bytes(data[:18] + b"\2\2" + data[20:])
    hot = tmp_path / "hot.bundle"
    hot.write_bytes(data)
    (tmp_path / "hot.bundle-journal").write_bytes(b"pages of before")
    for path, cause in ((wal, "WAL mode"), (hot, "a journal stands beside")):
        done = bundle(command, path, *more, cwd=tmp_path)
        assert done.returncode == 1
        assert cause in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "hot.bundle",
        "hot.bundle-journal",
        "wal.bundle",
    ]
