"""The launcher: what it holds, and what a bundle may start as."""

import io
import marshal
import zipfile
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pytest

import litebundle
from litebundle.compile.compiler import Compiler
from litebundle.errors import BuildError
from litebundle.format import checksum
from litebundle.write.launcher import Launch, has_room, members, program, put_in_front, tail

_SCRIPTS = {"tool": "package.cli:main"}
_PATHS = ("package/__init__.py", "package/cli.py", "native.abi3.so", "space/__main__.py")


@pytest.mark.parametrize(
    ("main", "expected"),
    [
        (None, None),
        ("tool", "package.cli:main"),
        ("package.cli:run", "package.cli:run"),
        ("package", "package"),
        ("native:main", "native:main"),
        ("space", "space"),
        ("package/cli.py", "package/cli.py"),
    ],
)
def test_a_program_is_what_is_in_the_tree(main: str | None, expected: str | None) -> None:
    """A command by its name, else a function, a module or a file."""
    assert program(Launch(main=main), _PATHS, _SCRIPTS) == expected


@pytest.mark.parametrize("main", ["other", "packag", "package.other:main", "cli.py", "pack:age"])
def test_a_program_that_is_not_there_is_refused(main: str) -> None:
    """With the commands that there are."""
    with pytest.raises(BuildError) as caught:
        program(Launch(main=main), _PATHS, _SCRIPTS)
    assert caught.value.hint == "its commands are tool"


def test_a_packed_main_is_the_program() -> None:
    """As for a directory; another one may still be named."""
    paths = ("__main__.py", "other.py")
    assert program(Launch(), paths, {}) == "__main__"
    assert program(Launch(main="other"), paths, {}) == "other"
    assert not has_room(Launch(), paths)
    with pytest.raises(BuildError, match="is what a zip starts with"):
        has_room(Launch(main="other"), paths)


def test_the_shebang_takes_the_options() -> None:
    """`env -S` is only needed for them."""
    assert Launch().shebang == b""
    assert Launch(executable=True).shebang == b"#!/usr/bin/env python3\n"
    options = Launch(executable=True, python_args=("-I", "-X", "utf8"))
    assert options.shebang == b"#!/usr/bin/env -S python3 -I -X utf8\n"


@pytest.fixture(scope="module")
def launcher() -> dict[str, bytes]:
    """Return the members for the running Python."""
    with Compiler(jobs=1) as compiler:
        return members(Launch(), [compiler], needed=False)


def test_the_runtime_is_there_twice(launcher: dict[str, bytes]) -> None:
    """As code and as sources, each module of the loader and nothing of the builder."""
    home = Path(litebundle.__file__).parent
    found = []
    for name, data in launcher.items():
        if name.startswith(".litebundle/runtime/"):
            assert data[:8] == checksum(data[8:])
            found.append(marshal.loads(data[8:]))
    sources, code = found
    assert sources.keys() == code.keys()
    assert {path.split("/")[1] for path in code} == {
        "__init__.py",
        "errors.py",
        "format",
        "runtime",
    }
    for path, source in sources.items():
        assert source == (home.parent / path).read_bytes()
        assert marshal.loads(code[path]).co_filename == path


def test_the_tail_is_a_zip_of_the_members(launcher: dict[str, bytes]) -> None:
    """With no time in it; what every start reads is stored, not deflated."""
    with zipfile.ZipFile(io.BytesIO(tail(launcher))) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == launcher
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        deflated = [i.filename for i in archive.infolist() if i.compress_type]
    assert deflated == [".litebundle/runtime/source"]


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (3 << 20) + 5])
def test_a_line_is_put_in_front(tmp_path: Path, size: int) -> None:
    """Nothing is lost, and who may read may execute."""
    file = tmp_path / "file"
    content = bytes(range(251)) * (size // 251) + b"x" * (size % 251)
    file.write_bytes(content)
    file.chmod(0o640)
    put_in_front(b"#!line\n", file)
    assert file.read_bytes() == b"#!line\n" + content
    assert file.stat().st_mode & 0o777 == 0o750


def test_its_texts_are_compiled_for_the_first_python(launcher: dict[str, bytes]) -> None:
    """So that no start has to do it; never compared with the text, which has no time."""
    for name in ("__main__.py", ".litebundle/litebundle/__init__.py"):
        data = launcher[name + "c"]
        assert data[:8] == MAGIC_NUMBER + b"\1\0\0\0"
        assert marshal.loads(data[16:]).co_code == compile(launcher[name], name, "exec").co_code
