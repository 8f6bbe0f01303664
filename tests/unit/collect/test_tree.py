"""Entries: their kinds, and reading them while the disk misbehaves."""

import os
import sys
from pathlib import Path

import pytest

from litebundle.collect.tree import Entry, Kind
from litebundle.errors import BuildError


def _entry(location: Path, size: int) -> Entry:
    return Entry(path="m.py", location=str(location), mode=0o644, size=size, kind=Kind.SOURCE)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("pkg/mod.py", Kind.SOURCE),
        ("setup.cfg.py", Kind.DATA),
        ("pkg/_speed.cpython-313-x86_64-linux-gnu.so", Kind.EXTENSION),
        ("numpy.libs/libfoo.so.1", Kind.DATA),
        ("pkg/old.pyc", Kind.BYTECODE),
        ("pkg/mod.pyi", Kind.TYPING),
        ("pkg/py.typed", Kind.TYPING),
        ("demo-1.0.dist-info/RECORD", Kind.METADATA),
        ("pkg/_vendor/demo-1.0.dist-info/licenses/hook.py", Kind.METADATA),
        ("demo.egg-info", Kind.METADATA),
        ("demo.egg-info/PKG-INFO", Kind.METADATA),
        ("distutils-precedence.pth", Kind.PTH),
        ("weights/model.pth", Kind.DATA),
        ("pkg/template.html", Kind.DATA),
        ("LICENSE", Kind.DATA),
    ],
)
def test_kind_is_what_the_file_is_to_python(path: str, kind: Kind) -> None:
    """The path alone decides the kind, as it does for the import system."""
    assert Kind.of(path) is kind


def test_read_returns_the_content(tmp_path: Path) -> None:
    """An entry at rest reads as its bytes."""
    location = tmp_path / "m.py"
    location.write_bytes(b"x = 1\r\n\0\xff")
    assert _entry(location, 9).read() == b"x = 1\r\n\0\xff"


@pytest.mark.fault(26)
@pytest.mark.parametrize("content", [b"", b"x", b"xxx"])
def test_read_refuses_a_file_changed_since_it_was_collected(tmp_path: Path, content: bytes) -> None:
    """Another size than the collected one would contradict what is already written of it."""
    location = tmp_path / "m.py"
    location.write_bytes(content)
    with pytest.raises(BuildError, match="changed during the build") as caught:
        _entry(location, 2).read()
    assert caught.value.file == str(location)
    assert caught.value.hint == "build again while nothing writes to the sources"


@pytest.mark.fault(26)
def test_read_refuses_a_file_changed_while_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write of the same length between two reads shows in the modification time."""
    location = tmp_path / "m.py"
    location.write_bytes(b"x = 1")
    real = os.fstat

    def fstat_before_a_write(descriptor: int) -> os.stat_result:
        info = real(descriptor)
        os.utime(location, ns=(0, info.st_mtime_ns + 1))
        return info

    monkeypatch.setattr(os, "fstat", fstat_before_a_write)
    with pytest.raises(BuildError, match="changed during the build"):
        _entry(location, 5).read()


def test_read_names_the_file_that_is_gone(tmp_path: Path) -> None:
    """The operating system's reason comes with the file and what to do."""
    location = tmp_path / "gone.py"
    with pytest.raises(BuildError) as caught:
        _entry(location, 0).read()
    assert caught.value.cause == f"{location}: cannot be read: No such file or directory"
    assert caught.value.hint == "make it readable, or keep it out of the sources"


@pytest.mark.fault(15)
@pytest.mark.skipif(sys.platform != "linux", reason="needs a file that opens but does not read")
def test_read_names_the_file_on_a_disk_that_fails() -> None:
    """An I/O error while reading (EIO) is a BuildError too."""
    location = Path("/proc/self/mem")
    with pytest.raises(BuildError, match="cannot be read: Input/output error") as caught:
        _entry(location, 0).read()
    assert caught.value.file == str(location)
