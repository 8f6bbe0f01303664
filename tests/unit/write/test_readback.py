"""Before a bundle is put in place, it is read from the disk and compared with what was meant."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from litebundle import builder
from litebundle.builder import Options, build
from litebundle.errors import BuildError, BundleError
from litebundle.format.listing import decode_ref
from litebundle.runtime.archive import Archive
from litebundle.write.readback import Wrote, stands

_MARK = b"what stands in a file that is stored as it is: " + bytes(range(256))

_Change = Callable[[bytes], bytes]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return sources with a package, and with data that no compression helps."""
    tree = tmp_path / "tree"
    (tree / "package").mkdir(parents=True)
    (tree / "package/__init__.py").write_text("VALUE = 'some name of a value'\n")
    (tree / "package/data").write_bytes(_MARK)
    return tree


def _disk_that(changes: _Change, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the next sync change what was written; those after it are of directories."""
    sync = os.fsync

    def changing(descriptor: int) -> None:
        monkeypatch.setattr(os, "fsync", sync)
        data = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, changes(data), 0)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", changing)


def _flipped(needle: bytes, beyond: int = 0) -> _Change:
    def change(data: bytes) -> bytes:
        at = data.index(needle) + beyond
        return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]

    return change


@pytest.mark.parametrize("kind", ["sqlite", "zip"])
@pytest.mark.parametrize(
    "change",
    [
        _flipped(_MARK),
        _flipped(b"some name of a value"),
        _flipped(b"LBls", 5),
        _flipped(b"identity", 12),
        lambda data: data[: len(data) // 2],
        lambda data: b"\0" * len(data),
    ],
    ids=["file", "code", "listing", "manifest", "cut", "zeroed"],
)
def test_what_the_disk_changes_is_seen(
    tree: Path, kind: str, change: _Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The build fails, and what stood at the output stands there still."""
    output = tree.parent / "app.bundle"
    options = Options(container="zip" if kind == "zip" else "sqlite")
    build([tree], output, options)
    before = output.read_bytes()
    (tree / "more.py").write_text("MORE = 1\n")
    _disk_that(change, monkeypatch)
    with pytest.raises(BundleError):
        build([tree], output, options)
    assert output.read_bytes() == before


def test_another_sound_bundle_is_not_what_was_written(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is compared with what the writer meant, not only with itself."""
    output = tree.parent / "app.bundle"
    build([tree], output)
    old = output.read_bytes()
    (tree / "more.py").write_text("MORE = 1\n")
    _disk_that(lambda _: old, monkeypatch)
    with pytest.raises(BuildError, match="reads back differently") as caught:
        build([tree], output)
    assert caught.value.problems == ("sound, but not what was to be written",)


def test_a_listing_without_an_offset_is_found_by_its_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a long path it begins on an overflow page, where no reference leads."""
    found = []

    def standing(archive: Archive, wrote: Wrote) -> bool:
        listings = [decode_ref(ref) for ref, _ in wrote.listings]
        found.append((stands(archive, wrote), any(ref and not ref.offset for ref in listings)))
        return found[-1][0]

    monkeypatch.setattr(builder, "stands", standing)
    for files in (60, 70, 80, 90):
        directory = tmp_path.joinpath(str(files), *["long" * 50] * 4)
        directory.mkdir(parents=True)
        for number in range(files):
            (directory / f"{number}.txt").write_text(str(number))
        build([tmp_path / str(files)], tmp_path / "app.bundle")
    assert all(sound for sound, _ in found)
    assert any(hidden for _, hidden in found)
