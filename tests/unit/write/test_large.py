"""Files too large for memory are stored as small ones are, part by part."""

import zlib
from pathlib import Path

import pytest

from litebundle import assembly
from litebundle.builder import Options, build
from litebundle.collect.tree import Entry, Kind
from litebundle.errors import BuildError
from litebundle.format import checksum
from litebundle.format.listing import ENCODING_DEFLATE, ENCODING_NONE
from litebundle.inspect.check import problems
from litebundle.runtime.archive import Archive, open_archive
from litebundle.write.encoding import Parts
from litebundle.write.large import encoded_large

_TEXT = b"".join(b"line %d of the text\n" % number for number in range(400_000))  # > a piece
_NOISE = b"\x1f\x8b" + bytes(range(256)) * 20_000


def _entry(path: Path, content: bytes) -> Entry:
    path.write_bytes(content)
    return Entry(path=path.name, location=str(path), mode=0o644, size=len(content), kind=Kind.DATA)


@pytest.mark.parametrize(
    ("content", "encoding"), [(_TEXT, ENCODING_DEFLATE), (_NOISE, ENCODING_NONE)]
)
def test_what_pays_is_deflated(tmp_path: Path, content: bytes, encoding: int) -> None:
    """Its first part tells whether a file is deflated; checksum, digest and size are the raw's."""
    encoded = encoded_large(_entry(tmp_path / "data", content), tmp_path, deflate=True)
    stored = b"".join(encoded.parts())
    raw = zlib.decompress(stored, -15) if encoding else stored
    assert (encoded.encoding, raw == content) == (encoding, True)
    assert (encoded.raw, encoded.stored) == (len(content), len(stored))
    assert encoded.checksum == checksum(content)
    assert isinstance(encoded.data, Parts)
    assert encoded.data.seal == checksum(stored)
    assert list(tmp_path.iterdir()) == [tmp_path / "data"]  # what waits has no name


@pytest.mark.parametrize("change", [_NOISE[:-1] + b"!", _NOISE + b"more", _NOISE[:-9]])
def test_a_file_that_changes_before_it_is_stored(tmp_path: Path, change: bytes) -> None:
    """What is stored from the file itself is read twice, and must be the same both times."""
    encoded = encoded_large(_entry(tmp_path / "data", _NOISE), tmp_path, deflate=True)
    (tmp_path / "data").write_bytes(change)
    sizes: list[int] = []
    with pytest.raises(BuildError, match="changed during the build"):
        sizes.extend(map(len, encoded.parts()))
    assert sum(sizes) <= len(_NOISE)  # else SQLite would have no room for it


@pytest.fixture(params=["sqlite", "zip"])
def archive(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Archive:
    """Return a bundle for which some megabytes are large."""
    monkeypatch.setattr(assembly, "LARGE", 1 << 20)
    (tmp_path / "source").mkdir()
    for name, content in (("text", _TEXT), ("noise", _NOISE), ("again", _TEXT)):
        (tmp_path / "source" / name).write_bytes(content)
    build([tmp_path / "source"], tmp_path / "bundle", Options(container=request.param, jobs=1))
    opened = open_archive(str(tmp_path / "bundle"))
    assert opened is not None
    return opened


@pytest.mark.parametrize(("name", "content"), [("text", _TEXT), ("noise", _NOISE)])
def test_large_files_come_out_as_they_went_in(
    archive: Archive, tmp_path: Path, name: str, content: bytes
) -> None:
    """By the whole and by and by; and the check finds nothing."""
    assert archive.read(name) == content
    _, ref = archive.file(name) or (0, None)
    assert ref is not None
    with (tmp_path / "copy").open("wb") as file:
        archive.copy(ref, file)
    assert (tmp_path / "copy").read_bytes() == content
    assert list(problems(archive)) == []


def test_equal_large_files_are_stored_once(archive: Archive) -> None:
    """In a database; a zip's contents have names."""
    found = [archive.file(name) for name in ("text", "again")]
    numbers = {ref.identifier for _, ref in filter(None, found) if ref is not None}
    assert len(numbers) == {"sqlite": 1, "zip": 2}[archive.container.name]


def test_a_copy_that_went_astray_begins_anew(archive: Archive, tmp_path: Path) -> None:
    """Where the offset leads elsewhere, as after a VACUUM, the row is looked up."""
    _, ref = archive.file("noise") or (0, None)
    _, other = archive.file("text") or (0, None)
    assert ref is not None
    assert other is not None
    ref.offset, ref.local = other.offset, other.local
    with (tmp_path / "copy").open("wb") as file:
        archive.copy(ref, file)
    assert (tmp_path / "copy").read_bytes() == _NOISE
