"""What `--compress` does to every kind of content: each way reads back, and is the same bundle."""

import shutil
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path

import backports.zstd
import pytest

import litebundle
from litebundle.builder import Options, build
from litebundle.errors import BuildError
from litebundle.format.listing import (
    ENCODING_DEFLATE,
    ENCODING_NONE,
    ENCODING_PYC,
    ENCODING_ZSTD,
    decode_ref,
)
from litebundle.inspect.bundle import Bundle
from litebundle.inspect.verify import verify
from litebundle.runtime.archive import Archive, open_archive
from litebundle.write.compression import KINDS, Kind
from tests.native import SUFFIX, Compiler
from tests.rules.places import write_tree

_SOURCE = "def function{0}(argument):\n    '''What is said of it.'''\n    return [argument, {0}]\n"
_TREE: dict[str, str | bytes] = {
    "pkg/__init__.py": "".join(_SOURCE.format(n) for n in range(9)),
    **{f"pkg/m{m}.py": "".join(_SOURCE.format(n * m) for n in range(20)) for m in range(40)},
    "pkg/words.txt": "words and words " * 500,
    "pkg/noise.bin": bytes(n * n * n % 251 for n in range(5000)),
    "pkg/empty.txt": "",
}
_WAYS = [("sqlite", kind) for kind in KINDS] + [("zip", kind) for kind in KINDS if kind != "zstd"]
_IMPORT = """
import sys
sys.path[:0] = sys.argv[1:2]
import litebundle
litebundle.install()
sys.path.insert(0, sys.argv[2])
{statement}
"""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the tree as a directory."""
    root = tmp_path_factory.mktemp("tree") / "source"
    write_tree(_TREE, root)
    return root


def _built(
    source: Path, path: Path, packing: str, kind: Kind, trace: Path | None = None
) -> Archive:
    options = Options(
        container="zip" if packing == "zip" else "sqlite",
        compress=kind,
        jobs=1,
        trace_file=trace,
    )
    build([source], path, options)
    archive = open_archive(str(path))
    assert archive is not None
    return archive


def _encodings(archive: Archive) -> dict[str, int]:
    """Return how code (by its module's name) and files are stored."""
    listing = archive.listing("pkg")
    assert listing is not None
    refs = {name: decode_ref(listing.code(0, index)) for name, index in listing.modules.items()}
    refs |= {name: listing.file(index)[1] for name, index in listing.files.items()}
    return {name: ref.encoding for name, ref in refs.items() if ref}


@pytest.mark.parametrize(("packing", "kind"), _WAYS)
def test_every_way_reads_back(source: Path, tmp_path: Path, packing: str, kind: Kind) -> None:
    """Files, code and identity are the same, `bundle verify` finds nothing, modules import."""
    path = tmp_path / "app.bundle"
    archive = _built(source, path, packing, kind)
    plain = _built(source, tmp_path / "plain", "sqlite", "none")
    assert archive.identity == plain.identity
    for name, content in _TREE.items():
        assert archive.read(name) == (content if isinstance(content, bytes) else content.encode())
    for name in plain.listing("pkg").modules:  # type: ignore[union-attr]  # it is there
        one, other = (each.listing("pkg") for each in (archive, plain))
        assert one is not None
        assert other is not None
        index = one.modules[name]
        assert archive.code(one.code(0, index)) == plain.code(other.code(0, index))
    assert verify(path).problems == ()
    assert verify(path).notes == ()
    assert Bundle(path).read("pkg/words.txt") == str(_TREE["pkg/words.txt"]).encode()
    statement = "import pkg.m3, pkg.m8; print(pkg.m3.function9(1))"
    assert _run(path, statement).stdout.startswith("[1, 9]")


@pytest.mark.parametrize(
    ("packing", "kind", "code", "text"),
    [
        ("sqlite", "none", ENCODING_NONE, ENCODING_NONE),
        ("sqlite", "auto", ENCODING_NONE, ENCODING_DEFLATE),
        ("sqlite", "zlib", ENCODING_DEFLATE, ENCODING_DEFLATE),
        ("sqlite", "zstd", ENCODING_ZSTD, ENCODING_ZSTD),
        ("zip", "none", ENCODING_NONE, ENCODING_NONE),
        ("zip", "auto", ENCODING_NONE, ENCODING_DEFLATE),
        ("zip", "zlib", ENCODING_PYC, ENCODING_DEFLATE),
    ],
)
def test_each_kind_is_stored_as_its_name_says(  # noqa: PLR0917
    source: Path, tmp_path: Path, packing: str, kind: Kind, code: int, text: int
) -> None:
    """By default code is as it is; in a database nothing is compressed that gains nothing."""
    archive = _built(source, tmp_path / "app.bundle", packing, kind)
    found = _encodings(archive)
    assert [found["m7"], found["words.txt"]] == [code, text]
    if packing == "sqlite":
        assert found["empty.txt"] == ENCODING_NONE


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="zstd is in the standard library")
def test_what_undoes_zstd_may_come_along(source: Path, tmp_path: Path) -> None:
    """A bundle that has backports.zstd itself needs nothing of the Python that imports from it."""
    path = tmp_path / "app.bundle"
    shutil.copytree(source, tmp_path / "source")
    home = Path(backports.zstd.__file__).parent
    shutil.copytree(
        home,
        tmp_path / "source/backports/zstd",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    beside = home.with_name("__init__.py")
    if beside.exists():
        shutil.copy(beside, tmp_path / "source/backports")
    assert build([tmp_path / "source"], path, Options(compress="zstd")).warnings == ()
    done = _run(path, "import pkg.m3; print(pkg.m3.function9(1))", "-I", "-S")
    assert done.stdout.startswith("[1, 9]"), done.stderr


@pytest.mark.parametrize("packing", ["sqlite", "zip"])
def test_auto_keeps_what_a_trace_names(source: Path, tmp_path: Path, packing: str) -> None:
    """Once it is known what start-up reads, that is as it is, and all else compressed."""
    trace = tmp_path / "trace"
    trace.write_text("pkg/m2.py\npkg/words.txt\n")
    found = _encodings(_built(source, tmp_path / "app.bundle", packing, "auto", trace))
    assert [found["m2"], found["words.txt"]] == [ENCODING_NONE] * 2
    assert found["m3"] == (ENCODING_DEFLATE if packing == "sqlite" else ENCODING_PYC)
    assert found["m2.py"] == ENCODING_DEFLATE


def test_a_deflated_zip_is_for_any_python(source: Path, tmp_path: Path) -> None:
    """Stock zipimport takes the code from the zip, and needs no source."""
    path = tmp_path / "app.zip"
    _built(source, path, "zip", "zlib")
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo("pkg/m3.pyc").compress_type == zipfile.ZIP_DEFLATED
    code = "import sys; sys.path.insert(0, sys.argv[1]); import pkg.m3; print(pkg.m3.__loader__)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, path], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("<zipimporter")


def test_zstd_is_smaller(source: Path, tmp_path: Path) -> None:
    """With the dictionary, which the bundle has too, it is less than what zlib needs."""
    sizes = [
        sum(row[0] for row in _rows(source, tmp_path / kind, kind)) for kind in ("zlib", "zstd")
    ]
    assert sizes[1] < sizes[0]


def _rows(source: Path, path: Path, kind: Kind) -> list[tuple[int]]:
    _built(source, path, "sqlite", kind)
    with closing(sqlite3.connect(path)) as database:
        return list(database.execute("SELECT length(data) FROM blobs"))


def test_no_two_builds_differ(source: Path, tmp_path: Path) -> None:
    """Neither the training of the dictionary nor the threads show in the bytes."""
    paths = [tmp_path / "one", tmp_path / "other"]
    for jobs, path in enumerate(paths, 1):
        build([source], path, Options(compress="zstd", jobs=jobs))
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_zip_is_not_for_zstd(source: Path, tmp_path: Path) -> None:
    """What no zip tool could read is refused, and nothing is written."""
    with pytest.raises(BuildError, match="most cannot undo zstd"):
        _built(source, tmp_path / "app.zip", "zip", "zstd")
    assert list(tmp_path.iterdir()) == []


def _run(path: Path, statement: str, *flags: str) -> subprocess.CompletedProcess[str]:
    home = Path(litebundle.__file__).parents[1]
    script = _IMPORT.format(statement=statement)
    return subprocess.run(
        [sys.executable, "-B", *flags, "-c", script, home, path],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="zstd is in the standard library")
def test_a_python_without_zstd_says_so(source: Path, tmp_path: Path) -> None:
    """The error names the module that is missing and what to do, and is no ImportError."""
    path = tmp_path / "app.bundle"
    (told,) = build([source], path, Options(compress="zstd")).warnings
    assert "undoes zstd with backports.zstd only, which is not in the bundle" in told
    done = _run(path, "import pkg.m3", "-I", "-S")
    assert "litebundle.errors.BundleError: " in done.stderr
    assert "backports.zstd" in done.stderr
    assert "hint: install backports.zstd for this Python" in done.stderr


def test_a_bomb_ends_at_the_size_that_was_told(source: Path, tmp_path: Path) -> None:
    """A frame that is whole but has more in it than the reference says is damage."""
    path = tmp_path / "app.bundle"
    archive = _built(source, path, "sqlite", "zstd")
    listing = archive.listing("pkg")
    assert listing is not None
    ref = decode_ref(listing.code(0, listing.modules["m3"]))
    assert ref is not None
    with closing(sqlite3.connect(path)) as database:
        [(small,)] = database.execute("SELECT data FROM blobs WHERE id = ?", [ref.identifier])
    with pytest.raises(ValueError, match="other than 10 bytes"):
        _sized(archive, small, 10)
    with pytest.raises(ValueError, match="other than"):
        _sized(archive, small, ref.raw + 1)
    with pytest.raises(ValueError, match="other than"):
        _sized(archive, small + b"more", ref.raw)
    with pytest.raises(ValueError, match="other than"):
        _sized(archive, small[:-5], ref.raw)
    with pytest.raises(ValueError, match=r"Zstandard"):
        _sized(archive, b"no frame at all", ref.raw)


def _sized(archive: Archive, data: bytes, raw: int) -> bytes:
    listing = archive.listing("pkg")
    assert listing is not None
    ref = decode_ref(listing.code(0, listing.modules["m3"]))
    assert ref is not None
    ref.raw, ref.stored = raw, len(data)
    return archive.unpack(data, ref)


def test_a_damaged_dictionary_is_found(source: Path, tmp_path: Path) -> None:
    """Nothing is undone by a dictionary whose checksum does not fit."""
    path = tmp_path / "app.bundle"
    archive = _built(source, path, "sqlite", "zstd")
    ref = decode_ref(bytes.fromhex(archive.manifest["dictionary"]))
    assert ref is not None
    data = bytearray(path.read_bytes())
    with closing(sqlite3.connect(path)) as database:
        [(dictionary,)] = database.execute("SELECT data FROM blobs WHERE id = ?", [ref.identifier])
    at = data.index(dictionary[:64])
    data[at + 40] ^= 1
    path.write_bytes(data)
    [problem] = verify(path).problems
    assert str(problem).startswith("dictionary: checksum mismatch")


@pytest.mark.parametrize(
    ("packing", "kind"), [("sqlite", "zlib"), ("sqlite", "zstd"), ("zip", "zlib")]
)
def test_placed_files_are_undone(
    compiler: Compiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packing: str, kind: Kind
) -> None:
    """An extension module and the data beside it are on disk as they were."""
    monkeypatch.setenv("LITEBUNDLE_CACHE", str(tmp_path / "cache"))
    native = compiler.extension("_native", "42")
    tree = {**_TREE, f"pkg/_native{SUFFIX}": native}
    write_tree(tree, tmp_path / "source")
    path = tmp_path / "app.bundle"
    _built(tmp_path / "source", path, packing, kind)
    done = _run(path, "import pkg._native as m; print(m.VALUE, m.__file__)")
    assert done.stdout.startswith("42 "), done.stderr
    placed = Path(done.stdout.split()[1])
    assert placed.read_bytes() == native
    assert placed.with_name("words.txt").read_text() == _TREE["pkg/words.txt"]
