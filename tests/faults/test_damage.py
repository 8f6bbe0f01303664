"""Bytes that were changed, cut off or added: what comes out is what was built, or an error."""

import os
import shutil
import sqlite3
import sysconfig
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from litebundle import BundleCorrupt, path_hook
from litebundle.format.manifest import roots
from litebundle.inspect.verify import verify
from litebundle.runtime.archive import open_archive
from tools.faults import flips
from tools.faults.flips import EQUAL, NOT_OURS, REFUSED, Bundle, verdicts

_MODULES = 14
"""As few as make one of the database's trees have two levels: all are loaded for each byte."""
_ONE, _PACKAGE = "1 raised", f"{_MODULES // 2 + 1} raised"
_EDGE = 4096
_MAGIC = {"sqlite": 20, "zip": 0}
"""Bytes without which a file is not known for ours: a zip has its magic twice."""


@pytest.fixture(scope="module")
def bundle(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Return a bundle of a few modules."""
    found = flips.small(tmp_path_factory.mktemp("flips"), kind, _MODULES)
    assert kind == "zip" or 5 in found.data[::4096]  # the first byte of an inner page
    return found


@pytest.fixture(params=["sqlite", "zip"], scope="module")
def kind(request: pytest.FixtureRequest) -> str:
    """Return a container; one bundle of it serves all tests."""
    return str(request.param)


@pytest.mark.fault(1, 2)
def test_every_flipped_byte_is_noticed_or_does_not_matter(bundle: Bundle, kind: str) -> None:
    """Whichever byte is damaged, its module raises, or its directory, or the whole bundle does."""
    code = {byte for place in bundle.codes for byte in place}
    assert _flipped(bundle, code) == Counter({_ONE: len(code)})
    others = set(range(len(bundle.data))) - code
    found = _flipped(bundle, others)
    assert found.total() == len(others) > 1000
    assert set(found) == {EQUAL, REFUSED, _ONE, _PACKAGE} | ({NOT_OURS} if _MAGIC[kind] else set())
    assert found[NOT_OURS] == _MAGIC[kind]


def _flipped(bundle: Bundle, places: Iterable[int]) -> Counter[str]:
    """Return the verdicts of one flipped bit in each byte."""
    return verdicts(bundle, flips.flip(bundle.data), [8 * byte + byte % 8 for byte in places])


@pytest.mark.fault(2)
def test_every_flipped_bit_of_header_and_index_is_refused(
    bundle: Bundle, kind: str, tmp_path: Path
) -> None:
    """Every bit of the header, the manifest and the top's listing, when the bundle is opened."""
    path = tmp_path / "app.bundle"
    path.write_bytes(bundle.data)
    archive = open_archive(str(path))
    assert archive is not None
    ref = roots(archive.manifest)[0].ref
    listing = range(ref.offset, ref.offset + ref.stored)
    identity = bundle.data.index(archive.identity.encode())
    manifest = range(identity - len("identity"), identity + 64)
    assert (kind == "zip") == bundle.data.startswith(b"PK")
    places = [8 * byte + bit for part in (listing, manifest) for byte in part for bit in range(8)]
    assert set(verdicts(bundle, flips.flip(bundle.data), places)) == {REFUSED}
    head = [8 * byte + bit for byte in range(100) for bit in range(8)]
    # Fields of the header that no reader looks at may be anything; where it counts fewer pages, it
    # may be that it opens, and that no module is there
    none = f"{len(bundle.content)} raised"
    assert set(verdicts(bundle, flips.flip(bundle.data), head)) <= {REFUSED, NOT_OURS, EQUAL, none}


@pytest.mark.fault(1)
def test_every_page_of_a_large_bundle(
    kind: str, tmp_path: Path, library_part: Callable[[Path], Path]
) -> None:
    """One damaged byte in each page: at most one module, or one directory, is lost."""
    large = flips.made([library_part(tmp_path / "source")], tmp_path / "app.bundle", kind)
    places = [8 * (start + 1234) for start in range(0, len(large.data) - 4096, 4096)]
    assert len(places) > 100
    found = verdicts(large, flips.flip(large.data), places)
    assert found[_ONE] > len(places) / 2
    assert max(int(verdict.split()[0]) for verdict in found if "raised" in verdict) < 100


@pytest.fixture
def library_part() -> Callable[[Path], Path]:
    """Return what copies some packages of the standard library."""

    def copy(target: Path) -> Path:
        for name in ("email", "json", "logging"):
            source = Path(sysconfig.get_path("stdlib"), name)
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        return target

    return copy


@pytest.mark.fault(3)
def test_cut_off_anywhere_it_is_refused(bundle: Bundle, kind: str) -> None:
    """At every byte of the first and the last 4 KiB, and at every page: at once, or not ours."""
    size = len(bundle.data)
    places = {*range(_EDGE), *range(size - _EDGE, size), *range(0, size, 4096)}
    found = verdicts(bundle, os.ftruncate, places)
    assert set(found) == {REFUSED, NOT_OURS}
    # What is shorter than the magic cannot be told from any other file
    assert found[NOT_OURS] <= {"sqlite": 72, "zip": 46}[kind]


@pytest.mark.fault(4)
def test_bytes_behind_the_end_are_ignored_and_reported(
    bundle: Bundle, kind: str, tmp_path: Path
) -> None:
    """From one byte to 64 KiB, zeros or not, and another copy: all is read; `verify` tells."""

    def append(descriptor: int, place: int) -> None:
        filler = bytes(place) if place % 2 else os.urandom(place)
        os.pwrite(descriptor, filler, len(bundle.data))

    sizes = [1, 2, 3, 21, 22, 23, 1023, 1024, 4096, 10_001, 65_534, 65_535]
    assert verdicts(bundle, append, sizes) == Counter({EQUAL: len(sizes)})
    path = tmp_path / "app.bundle"
    path.write_bytes(bundle.data + bytes(4096))
    assert verify(str(path)).problems
    too_much = verdicts(bundle, append, [65_536, 70_000])
    assert too_much == Counter({EQUAL if kind == "sqlite" else REFUSED: 2})


def _database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE blobs (id INTEGER PRIMARY KEY, data)")
    connection.commit()
    connection.close()


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("top.py", "")


_OTHERS: dict[str, Callable[[Path], object]] = {
    "empty": Path.touch,
    "zeros": lambda path: path.write_bytes(bytes(40960)),
    "text": lambda path: path.write_text("no bundle\n" * 999),
    "a script": lambda path: path.write_text("#!/bin/sh\nexit 0\n"),
    "a line for a script": lambda path: path.write_text("#!" + "x" * 9999),
    "another database": _database,
    "another zip": _zip,
    "the end of a zip": lambda path: path.write_bytes(b"PK\5\6" + bytes(18)),
    "SQLite's magic alone": lambda path: path.write_bytes(b"SQLite format 3\0"),
}


@pytest.mark.fault(5)
@pytest.mark.parametrize("other", _OTHERS)
def test_other_files_are_not_ours(tmp_path: Path, other: str) -> None:
    """What has not our magic is left to other hooks, as an ImportError says."""
    path = tmp_path / "app.bundle"
    _OTHERS[other](path)
    with pytest.raises(ImportError):
        path_hook(str(path))


@pytest.mark.fault(5)
def test_zeros_behind_our_magic_are_damage(bundle: Bundle, tmp_path: Path) -> None:
    """A file that the power loss emptied, but for its first block, is refused as ours."""
    path = tmp_path / "app.bundle"
    for kept in (100, 512, 4096):
        path.write_bytes(bundle.data[:kept].ljust(len(bundle.data), b"\0"))
        with pytest.raises(BundleCorrupt) as caught:
            path_hook(str(path))
        assert str(path) in str(caught.value)
