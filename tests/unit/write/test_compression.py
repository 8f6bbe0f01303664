"""What `--compress` does to every kind of content: each way reads back, and is the same bundle."""

import random
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
from litebundle import assembly
from litebundle.builder import Options, build
from litebundle.errors import BuildError
from litebundle.format.listing import (
    ENCODING_DEFLATE,
    ENCODING_NONE,
    ENCODING_PART,
    ENCODING_PYC,
    ENCODING_ZSTD,
    MOST_PARTED,
    PART_SIZE,
    REF_SIZE,
    Ref,
    decode_ref,
)
from litebundle.format.manifest import joined, startup
from litebundle.inspect.bundle import Bundle
from litebundle.inspect.contents import Contents
from litebundle.inspect.verify import verify
from litebundle.runtime import zstandard
from litebundle.runtime.archive import Archive, open_archive
from litebundle.runtime.groups import Groups, parted
from litebundle.runtime.signed import open_trusted
from litebundle.write import ahead, compression
from litebundle.write import joined as joining
from litebundle.write.compression import KINDS, Kind
from tests.native import SUFFIX, Compiler
from tests.rules.places import write_tree
from tests.signing import signed, trust_file

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
        ("sqlite", "zstd", ENCODING_PART, ENCODING_PART),
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
@pytest.mark.parametrize("traced", [False, True])
def test_what_undoes_zstd_may_come_along(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, traced: bool
) -> None:
    """A bundle that has backports.zstd itself needs nothing of the Python that imports from it.

    Nor where a trace has it, so that what undoes a stream is in one itself.
    """
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
    monkeypatch.setattr(joining, "SIZES", (1, 1))
    names = [f.relative_to(tmp_path / "source") for f in (tmp_path / "source").rglob("*.py")]
    (tmp_path / "trace").write_text("".join(f"{name.as_posix()}\n" for name in names))
    options = Options(compress="zstd", trace_file=tmp_path / "trace" if traced else None)
    assert build([tmp_path / "source"], path, options).warnings == ()
    done = _run(path, "import pkg.m3; print(pkg.m3.function9(1))", "-I", "-S")
    assert done.stdout.startswith("[1, 9]"), done.stderr


@pytest.mark.parametrize("packing", ["sqlite", "zip"])
def test_auto_keeps_what_a_trace_names(source: Path, tmp_path: Path, packing: str) -> None:
    """Once it is known what start-up reads, that is as it is, and all else compressed.

    The code that it reads is joined; module by module it is there for all others, compressed.
    """
    trace = tmp_path / "trace"
    trace.write_text("pkg/m2.py\npkg/words.txt\n")
    archive = _built(source, tmp_path / "app.bundle", packing, "auto", trace)
    found = _encodings(archive)
    assert found["words.txt"] == ENCODING_NONE
    code = ENCODING_DEFLATE if packing == "sqlite" else ENCODING_PYC
    assert [found["m2"], found["m3"], found["m2.py"]] == [code, code, ENCODING_DEFLATE]
    assert _joined(archive).encoding == ENCODING_NONE


@pytest.mark.parametrize(
    ("packing", "kind", "encoding"),
    [
        ("sqlite", "none", ENCODING_NONE),
        ("zip", "none", ENCODING_NONE),
        ("sqlite", "zlib", ENCODING_DEFLATE),
        ("zip", "zlib", ENCODING_DEFLATE),
        ("sqlite", "zstd", ENCODING_ZSTD),
    ],
)
def test_joined_code_is_compressed_as_all_is(
    source: Path, tmp_path: Path, packing: str, kind: Kind, encoding: int
) -> None:
    """Whoever asks for a small bundle gets one, and what is joined reads back."""
    trace = tmp_path / "trace"
    trace.write_text("pkg/__init__.py\npkg/m2.py\npkg/m3.py\n")
    path = tmp_path / "app.bundle"
    archive = _built(source, path, packing, kind, trace)
    assert _joined(archive).encoding == encoding
    assert verify(path).problems == ()
    done = _run(path, "import pkg.m3; print(pkg.m3.function9(1))")
    assert done.stdout.startswith("[1, 9]"), done.stderr


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


@pytest.mark.parametrize(("packing", "kind"), _WAYS)
def test_every_way_can_be_signed(source: Path, tmp_path: Path, packing: str, kind: Kind) -> None:
    """What is needed to undo the bytes is signed with them."""
    path = tmp_path / "app.bundle"
    plain = _built(source, path, packing, kind)
    trust = str(trust_file(tmp_path / "trust"))
    archive = open_trusted(str(signed(path, tmp_path / "signed.bundle")), [trust])
    assert archive is not None
    assert archive.signed
    for name in ("pkg/m3.py", "pkg/words.txt", "pkg/noise.bin"):
        assert archive.read(name) == plain.read(name)
    code = _code(plain, "m3")
    assert archive.code(_code(archive, "m3").encode()) == plain.code(code.encode())


def test_zstd_is_smaller(source: Path, tmp_path: Path) -> None:
    """With what it needs to know of its parts, it is less than what zlib needs."""
    sizes = [
        sum(row[0] for row in _rows(source, tmp_path / kind, kind)) for kind in ("zlib", "zstd")
    ]
    assert sizes[1] < sizes[0]


def _rows(source: Path, path: Path, kind: Kind) -> list[tuple[int]]:
    _built(source, path, "sqlite", kind)
    with closing(sqlite3.connect(path)) as database:
        return list(database.execute("SELECT length(data) FROM blobs"))


def test_no_two_builds_differ(source: Path, tmp_path: Path) -> None:
    """Neither the compilers nor the threads show in the bytes."""
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
    group, _ = _group(path, _code(archive, "m3"))
    small = archive.container.stored(group)
    assert len(archive.unpack(small, group)) == group.raw
    with pytest.raises(ValueError, match="other than 10 bytes"):
        _sized(archive, small, 10)
    with pytest.raises(ValueError, match="other than"):
        _sized(archive, small, group.raw + 1)
    with pytest.raises(ValueError, match="other than"):
        _sized(archive, small + b"more", group.raw)
    with pytest.raises(ValueError, match="other than"):
        _sized(archive, small[:-5], group.raw)
    with pytest.raises(ValueError, match=r"Zstandard"):
        _sized(archive, b"no frame at all", group.raw)


def _sized(archive: Archive, data: bytes, raw: int, encoding: int = ENCODING_ZSTD) -> bytes:
    ref = Ref(identifier=1, at=(0, 0), sizes=(len(data), raw), encoding=encoding, checksum=bytes(8))
    return archive.unpack(data, ref)


def _code(archive: Archive, name: str) -> Ref:
    """Return the reference to a module's code."""
    listing = archive.listing("pkg")
    assert listing is not None
    ref = decode_ref(listing.code(0, listing.modules[name]))
    assert ref is not None
    return ref


def _joined(archive: Archive) -> Ref:
    """Return the reference to the one stream of joined code."""
    [(_, text)] = joined(archive.manifest, 0)
    ref = decode_ref(bytes.fromhex(text))
    assert ref is not None
    return ref


def _group(path: Path, part: Ref) -> tuple[Ref, bytes]:
    """Return what a blob is a part of, and the stored bytes that say so."""
    with closing(sqlite3.connect(path)) as database:
        [(stored,)] = database.execute("SELECT data FROM blobs WHERE id = ?", [part.identifier])
    return parted(stored), stored


def test_neighbours_are_undone_together(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code that stands side by side is one frame, which is read and undone once."""
    archive = _built(source, tmp_path / "app.bundle", "sqlite", "zstd")
    undone = []
    expand = zstandard.expand

    def counted(data: bytes, size: int) -> bytes:
        undone.append(size)
        return expand(data, size)

    monkeypatch.setattr(zstandard, "expand", counted)
    listing = archive.listing("pkg")
    assert listing is not None
    for index in listing.modules.values():
        archive.code(listing.code(0, index))
    assert len(listing.modules) > 40
    assert len(undone) == 1


def _small(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Have groups of so many bytes, none of them ending before."""
    monkeypatch.setattr(compression, "_CODES", size)
    monkeypatch.setattr(compression, "_BORDERS", 1 << 32)
    for module in (ahead, assembly):
        monkeypatch.setattr(module, "FILES", size)
    monkeypatch.setattr(ahead, "_FILE", 0)


def test_groups_are_of_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None is much larger than is good for those who want one module; what is large is alone."""
    _small(monkeypatch, 4096)
    large = "".join(_SOURCE.format(n) for n in range(100))
    write_tree({**_TREE, "pkg/large.py": large, "pkg/m9000.py": large + "#"}, tmp_path / "source")
    path = tmp_path / "app.bundle"
    archive = _built(tmp_path / "source", path, "sqlite", "zstd")
    assert _code(archive, "large").encoding == ENCODING_ZSTD
    with closing(sqlite3.connect(path)) as database:
        sizes = [row[0] for row in database.execute("SELECT size FROM blobs WHERE encoding = 3")]
    assert len(sizes) > 10
    assert sum(size >= 2 * 4096 for size in sizes) == 2  # the two codes that are as large
    assert _group(path, _code(archive, "m1"))[0].raw < 2 * 4096
    assert verify(path).problems == ()


def test_levels_share_what_is_the_same(tmp_path: Path) -> None:
    """In the group of a level is what no level before has: most code is the same at all."""
    tree = {f"pkg/m{n}.py": _SOURCE.format(n) * 9 for n in range(20)}
    tree["pkg/m3.py"] += "assert __name__\n"
    tree["pkg/m5.py"] += "assert __name__\n"
    write_tree(dict(tree), tmp_path / "source")
    path = tmp_path / "app.bundle"
    build([tmp_path / "source"], path, Options(compress="zstd", optimize=(0, 1)))
    with closing(sqlite3.connect(path)) as database:
        parts = list(database.execute("SELECT size, data FROM blobs WHERE encoding = 4"))
    groups = {parted(data).identifier: parted(data).raw for _, data in parts}
    for size, data in parts:
        groups[parted(data).identifier] -= size
    assert len(groups) > 1
    assert set(groups.values()) == {0}  # no byte is nobody's
    assert verify(path).problems == ()


def test_what_does_not_get_smaller_does_not_keep_others_from_it(tmp_path: Path) -> None:
    """Where a group does not pay, each of its files is compressed that does."""
    noise = random.Random(0).randbytes(300_000)  # noqa: S311  # no secret
    tree: dict[str, str | bytes] = {"a.txt": "text " * 2000, "b.bin": noise, "c.txt": "mo " * 3000}
    write_tree(tree, tmp_path / "source")
    archive = _built(tmp_path / "source", tmp_path / "app.bundle", "sqlite", "zstd")
    top = archive.listing("")
    assert top is not None
    found = {name: top.file(index)[1] for name, index in top.files.items()}
    encodings = {name: ref.encoding for name, ref in found.items() if ref is not None}
    assert encodings == {"a.txt": ENCODING_ZSTD, "b.bin": ENCODING_NONE, "c.txt": ENCODING_ZSTD}
    assert {name: archive.read(name) for name in tree} == {
        name: content if isinstance(content, bytes) else content.encode()
        for name, content in tree.items()
    }


def test_one_file_less_leaves_most_groups_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Groups end by names, not by counting: what changes is small, and so is a patch."""
    _small(monkeypatch, 1 << 13)
    monkeypatch.setattr(compression, "_BORDERS", 4)
    text = "".join(_SOURCE.format(n) for n in range(9))
    tree = {f"pkg/m{n:03}.py": f"{text}NAME = {n}\n" for n in range(300)}
    write_tree(dict(tree), tmp_path / "source")
    found = []
    for _ in range(2):
        _built(tmp_path / "source", tmp_path / "app.bundle", "sqlite", "zstd")
        with closing(sqlite3.connect(tmp_path / "app.bundle")) as database:
            found.append(set(database.execute("SELECT digest FROM blobs WHERE encoding = 3")))
        (tmp_path / "source/pkg/m001.py").unlink(missing_ok=True)
    assert len(found[0]) > 60
    assert 1 <= len(found[1] - found[0]) <= 8


@pytest.mark.parametrize("size", [5000, 35_000], ids=["a part", "a frame of its own"])
@pytest.mark.parametrize("order", ["whole, filler, half, other", "half, other, filler, whole"])
def test_a_file_may_be_what_a_group_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: str, size: int
) -> None:
    """Both are stored: a group is a part of nothing, and no listing leads to it."""
    _small(monkeypatch, 1 << 16)
    text = random.Random(0)  # noqa: S311  # no secret
    fills = (1 << 16) - (2 * size if order.startswith("whole") else 0)
    sizes = {"half": size, "other": size, "filler": max(fills, 100)}
    contents = {name: bytes(text.choices(b"abcdefgh ", k=size)) for name, size in sizes.items()}
    contents["whole"] = contents["half"] + contents["other"]
    tree: dict[str, str | bytes] = {
        f"{n} {name}": contents[name] for n, name in enumerate(order.split(", "))
    }
    write_tree(tree, tmp_path / "source")
    path = tmp_path / "app.bundle"
    archive = _built(tmp_path / "source", path, "sqlite", "zstd")
    assert {name: archive.read(name) for name in tree} == tree
    assert verify(path).problems == ()
    top = archive.listing("")
    assert top is not None
    listed = {ref.identifier for index in top.files.values() if (ref := top.file(index)[1])}
    with closing(sqlite3.connect(path)) as database:
        stored = database.execute("SELECT data FROM blobs WHERE encoding = ?", [ENCODING_PART])
        groups = {parted(row[0]).identifier for row in stored}
    assert groups
    assert not groups & listed


@pytest.mark.parametrize("packing", ["signed", "unsigned"])
def test_parts_are_found_after_a_vacuum(source: Path, tmp_path: Path, packing: str) -> None:
    """Neither where a part is, nor where its group is, is known then; the numbers are."""
    path = tmp_path / "app.bundle"
    archive = _built(source, path, "sqlite", "zstd")
    expected = archive.code(_code(archive, "m7").encode())
    if packing == "signed":
        path = signed(path, tmp_path / "signed.bundle")
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA page_size = 4096")
        database.execute("VACUUM")
    files = [str(trust_file(tmp_path / "trust"))] if packing == "signed" else []
    opened = open_trusted(str(path), files) if files else open_archive(str(path))
    assert opened is not None
    assert opened.signed == bool(files)
    assert opened.code(_code(opened, "m7").encode()) == expected
    assert opened.read("pkg/words.txt") == str(_TREE["pkg/words.txt"]).encode()


def test_a_damaged_group_is_told_for_its_parts(source: Path, tmp_path: Path) -> None:
    """By `verify` and by an import, with the name of the module."""
    path = tmp_path / "app.bundle"
    archive = _built(source, path, "sqlite", "zstd")
    group, _ = _group(path, _code(archive, "m3"))
    data = bytearray(path.read_bytes())
    data[group.offset + 30] ^= 4
    path.write_bytes(data)
    problems = [str(problem) for problem in verify(path).problems]
    assert any("code of pkg/m3" in problem for problem in problems)
    assert sum(problem.startswith(f"group {group.identifier}: ") for problem in problems) == 1
    assert not any("belongs to nothing" in problem for problem in problems)
    assert all("in the group that it is a part of: " in each for each in problems if "m3" in each)
    done = _run(path, "import pkg.m3")
    last = done.stderr.splitlines()[-2]
    assert last.startswith(f"litebundle.errors.BundleCorrupt: {path}: in the group that it is ")
    assert "(module pkg, at byte" in last


def test_a_group_that_was_misread_is_read_again(source: Path, tmp_path: Path) -> None:
    """What the disk gave once is not what is kept: the next attempt may succeed, and does."""
    path = tmp_path / "app.bundle"
    archive = _built(source, path, "sqlite", "zstd")
    expected = archive.code(_code(archive, "m7").encode())
    group, stored = _group(path, _code(archive, "m7"))
    assert archive._groups is not None
    archive._groups._kept = {stored[:REF_SIZE]: (bytes(group.raw), group.raw)}
    assert archive.code(_code(archive, "m7").encode()) == expected
    assert archive.code(_code(archive, "m8").encode()) != bytes(_code(archive, "m8").raw)


def test_a_part_of_what_is_no_group_is_damage(source: Path, tmp_path: Path) -> None:
    """It leads to one blob, which is no part itself, has a bounded size, and all of the part."""
    path = tmp_path / "app.bundle"
    archive = _built(source, path, "sqlite", "zstd")
    code = _code(archive, "m3")
    group, stored = _group(path, _code(archive, "m3"))
    assert len(_sized(archive, stored, code.raw, ENCODING_PART)) == code.raw
    large = Ref(
        identifier=group.identifier,
        at=(group.offset, group.local),
        sizes=(group.stored, MOST_PARTED + 1),
        encoding=group.encoding,
        checksum=group.checksum,
    )
    for forged in (stored[:-1], stored + b"\0", bytes(PART_SIZE), code.encode() + bytes(4)):
        with pytest.raises(ValueError, match="a part of nothing"):
            _sized(archive, forged, code.raw, ENCODING_PART)
    with pytest.raises(ValueError, match="a part of nothing"):
        _sized(archive, large.encode() + bytes(4), code.raw, ENCODING_PART)
    beyond = stored[:-4] + (group.raw - 1).to_bytes(4, "little")
    with pytest.raises(ValueError, match="reaches beyond"):
        _sized(archive, beyond, 2, ENCODING_PART)


def test_no_group_has_more_parts_than_bytes(source: Path, tmp_path: Path) -> None:
    """A small file could else be made that takes hours to look through."""
    path = tmp_path / "app.bundle"
    archive = _built(source, path, "sqlite", "zstd")
    contents = Contents(archive)
    code = _code(archive, "m3")
    group, _ = _group(path, _code(archive, "m3"))
    for _ in range(group.raw // code.raw):
        contents._check_group(code, "code")
    with pytest.raises(ValueError, match="more parts than bytes"):
        contents._check_group(code, "code")


def test_a_group_of_nothing_is_found(source: Path, tmp_path: Path) -> None:
    """What no part leads to does not belong into a bundle."""
    path = tmp_path / "app.bundle"
    _built(source, path, "sqlite", "zstd")
    with closing(sqlite3.connect(path)) as database:
        database.execute(
            "INSERT INTO blobs SELECT NULL, zeroblob(32), encoding, size, data FROM blobs"
            " WHERE encoding = 3 LIMIT 1"
        )
        database.commit()
    assert any("belongs to nothing" in str(problem) for problem in verify(path).problems)


def test_the_groups_that_are_kept_have_a_bound() -> None:
    """8 MiB, of those that were asked for last."""
    source = _Source(bytes(2 << 20))
    groups = Groups()
    for number in (1, 2, 3, 4, 1, 5, 1, 2):
        assert source.part(groups, number, 5) == bytes(5)
        assert source.part(groups, number, 5) == bytes(5)
    assert source.read == [1, 2, 3, 4, 5, 2]


def test_a_group_is_kept_until_all_of_it_was_asked_for() -> None:
    """Nobody comes back for the parts of what was imported in its order."""
    source = _Source(bytes(100))
    groups = Groups()
    for size in (40, 59):
        source.part(groups, 1, size)
    assert repr(groups) == "<Groups: 100 bytes of 1>"
    source.part(groups, 1, 1)
    assert repr(groups) == "<Groups: 0 bytes of 0>"
    assert source.part(groups, 1, 100) == bytes(100)
    assert repr(groups) == "<Groups: 0 bytes of 0>"
    assert source.read == [1, 1]


class _Source:
    """Gives the same bytes for each group, and remembers which it was asked for."""

    def __init__(self, whole: bytes) -> None:
        self._whole = whole
        self.read: list[int] = []

    def group(self, ref: Ref) -> bytes:
        self.read.append(ref.identifier)
        return self._whole

    def part(self, groups: Groups, number: int, size: int) -> bytes:
        """Return the beginning of a group, which is asked for as its part."""
        sizes = 9, len(self._whole)
        group = Ref(identifier=number, at=(1, 0), sizes=sizes, encoding=3, checksum=bytes(8))
        part = Ref(identifier=9, at=(1, 0), sizes=(36, size), encoding=4, checksum=bytes(8))
        return groups.part(group.encode() + bytes(4), part, self)  # type: ignore[arg-type]  # all of an archive that it needs


def test_what_a_start_reads_has_its_groups(source: Path, tmp_path: Path) -> None:
    """They are fetched with it, in large pieces: they stand in the runs that start-up reads."""
    path = tmp_path / "app.bundle"
    trace = tmp_path / "trace"
    trace.write_text("pkg/words.txt\n")
    archive = _built(source, path, "sqlite", "zstd", trace)
    start, size, last = startup(archive.manifest)[0]
    found = archive.file("pkg/words.txt")
    assert found is not None
    assert found[1] is not None
    group = _group(path, found[1])[0]
    assert start <= group.offset < start + size
    assert size > group.stored
    assert last == found[1].offset


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
