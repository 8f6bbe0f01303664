"""What a trace names stands together in front, is read in few reads, and changes nothing else."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from litebundle.builder import Options, build
from litebundle.format.listing import decode_ref
from litebundle.format.manifest import startup
from litebundle.inspect.verify import verify
from litebundle.runtime import archive as archives
from litebundle.runtime import descriptor
from litebundle.runtime.archive import Archive, open_archive
from litebundle.runtime.startup import runs
from tests.rules.places import write_tree
from tests.unit.inspect.forge import change_manifest

_MODULES = 60
_READ = [f"p{n % 4}/m{n:02}.py" for n in range(_MODULES - 1, 0, -7)]
_LONG = "'" + "long text " * 20_000 + "'\n"
_TREE = {
    **{f"p{n}/__init__.py": "" for n in range(4)},
    **{f"p{n % 4}/m{n:02}.py": f"VALUE = {n}\nTEXT = '{n}' * {n}\n" for n in range(_MODULES)},
    **{f"other/m{n:02}.py": f"OTHER = {n}\n" * 9 for n in range(_MODULES)},
    "p3/m03.py": f"TEXT = {_LONG}",  # in a database a chain of pages
    "p0/first.txt": "read at the start " * 300,
    "p0/second.txt": "read later " * 300,
}
_TRACE = ["p0/__init__.py", *_READ, "p0/first.txt"]


@dataclass(frozen=True)
class _Built:
    source: Path
    trace: Path
    options: Options

    def to(self, path: Path, **changes: object) -> Path:
        build([self.source], path, replace(self.options, **changes))  # type: ignore[arg-type]
        return path


@pytest.fixture(params=["sqlite", "zip"])
def built(request: pytest.FixtureRequest, tmp_path: Path) -> _Built:
    """Return what builds the tree with its trace."""
    write_tree(_TREE, tmp_path / "source")
    trace = tmp_path / "trace"
    trace.write_text("# a remark\n" + "".join(f"{path}\n" for path in _TRACE))
    options = Options(container=request.param, jobs=1, trace_file=trace)
    return _Built(tmp_path / "source", trace, options)


@pytest.fixture
def bundle(built: _Built, tmp_path: Path) -> Path:
    """Return a bundle built with the trace."""
    return built.to(tmp_path / "app.bundle")


def _open(path: Path) -> Archive:
    archive = open_archive(str(path))
    assert archive is not None
    return archive


def _code(archive: Archive, path: str) -> bytes:
    directory, _, name = path.removesuffix(".py").rpartition("/")
    listing = archive.listing(directory)
    assert listing is not None
    return listing.code(0, listing.modules[name])


def _inside(archive: Archive, offset: int) -> bool:
    return any(at <= offset < at + size for at, size, _ in startup(archive.manifest))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the sizes of the reads that are made from now on."""
    found: list[int] = []

    def pread(fd: int, size: int, offset: int) -> bytes:
        found.append(size)
        return os.pread(fd, size, offset)

    monkeypatch.setattr(descriptor, "pread", pread)
    monkeypatch.setattr(archives, "pread", pread)
    return found


@pytest.mark.parametrize("packing", ["sqlite", "zip"])
def test_without_a_trace_directories_stand_together(tmp_path: Path, packing: str) -> None:
    """A directory's modules are imported together, those below it maybe, and tests not at all."""
    order = ["a.py", "pkg/__init__.py", "pkg/b.py", "pkg/z.py", "pkg/c/__init__.py", "pkg/c/d.py"]
    order += ["pkg-2/one.py", "pkg/c/tests/test_d.py", "pkg/tests/__init__.py"]
    write_tree({path: f"NAME = {path!r}\n" for path in order}, tmp_path / "source")
    path = tmp_path / "app.bundle"
    build([tmp_path / "source"], path, Options(container=packing))  # type: ignore[arg-type]
    archive = _open(path)

    def place(path: str) -> int:
        ref = decode_ref(_code(archive, path))
        assert ref is not None
        return ref.identifier if packing == "sqlite" else ref.offset  # pages are filled backwards

    assert sorted(order, key=place) == order


def test_what_is_read_first_stands_together(bundle: Path) -> None:
    """Files and listings of the trace are in the runs, all others outside; code is joined."""
    archive = _open(bundle)
    assert archive.joined is not None
    paths = [path for path in _TREE if path.endswith(".py")]
    code = [path for path in paths if archive.joined.take(_code(archive, path), archive)]
    assert set(code) == {path for path in _TRACE if path.endswith(".py")}
    files = {path: archive.file(path) for path in ("p0/first.txt", "p0/second.txt")}
    places = [found[1].offset for found in files.values() if found and found[1]]
    assert [_inside(archive, offset) for offset in places] == [True, False]
    top = archive.listing("")
    assert top is not None
    listings = {name: top.directory(index) for name, index in top.directories.items()}
    below = [name for name, ref in listings.items() if ref and _inside(archive, ref.offset)]
    assert set(below) - {"other"} == {"p0", "p1", "p2", "p3"}


def test_a_start_takes_few_reads(bundle: Path, built: _Built, reads: list[int]) -> None:
    """All that the trace names is had by a read for each run, and not one for each module.

    Joined code takes another, in a database two.
    """
    archive = _open(bundle)
    assert archive.joined is not None
    start = len(reads)
    for path in _TRACE:
        if path.endswith(".py"):
            assert archive.joined.take(_code(archive, path), archive)
    assert archive.read("p0/first.txt") == (built.source / "p0/first.txt").read_bytes()
    assert len(startup(archive.manifest)) == 2
    assert len(reads) - start <= 2 + (2 if archive.container.name == "sqlite" else 1)


def test_every_byte_is_what_it_was(bundle: Path, built: _Built, tmp_path: Path) -> None:
    """The layout is none of the content: identity, code and files are those without a trace."""
    plain, traced = _open(built.to(tmp_path / "plain", trace_file=None)), _open(bundle)
    assert traced.identity == plain.identity
    for path in _TREE:
        assert traced.read(path) == plain.read(path) == (built.source / path).read_bytes()
        if path.endswith(".py"):
            assert traced.code(_code(traced, path)) == plain.code(_code(plain, path))
    assert verify(bundle).problems == ()
    assert not any("moved" in str(note) for note in verify(bundle).notes)


def test_what_was_read_wrong_is_read_again(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A piece that comes wrong from the disk once costs another read, and is not believed."""
    archive = _open(bundle)
    standard = descriptor.Descriptor.fetch
    wrong: list[int] = []

    def fetch(self: descriptor.Descriptor, offset: int, size: int) -> bytes:
        found = standard(self, offset, size)
        if wrong:
            return found
        wrong.append(offset)
        return bytes(len(found))

    monkeypatch.setattr(descriptor.Descriptor, "fetch", fetch)
    for path in _TRACE:
        if path.endswith(".py"):
            assert archive.code(_code(archive, path))
    assert len(wrong) == 1


def test_the_same_trace_gives_the_same_bytes(bundle: Path, built: _Built, tmp_path: Path) -> None:
    """Built again with more workers, the file is identical; with another order it is not."""
    assert built.to(tmp_path / "again", jobs=2).read_bytes() == bundle.read_bytes()
    built.trace.write_text("".join(f"{path}\n" for path in reversed(_TRACE)))
    assert built.to(tmp_path / "other").read_bytes() != bundle.read_bytes()


def test_the_runs_are_a_hint(bundle: Path, built: _Built) -> None:
    """Whatever numbers the manifest has, what is read is right."""
    if built.options.container == "zip":  # whose manifest cannot be changed in place: so told
        archive = _open(bundle)
        archive._descriptor.ahead = runs(
            [(1, 99, 1), (0, archive._descriptor.size, 0)], 0, archive._descriptor.size
        )
        assert [archive.read(path) for path in _TREE] == [text.encode() for text in _TREE.values()]
        return
    for text in ("1 99 1", f"0 {bundle.stat().st_size} 0", "5 -5 5 99999999999 1 1"):
        change_manifest(bundle, startup=text)
        archive = _open(bundle)
        for path in _TREE:
            assert archive.read(path) == (built.source / path).read_bytes()


def test_another_file_behind_the_descriptor_is_noticed(bundle: Path, built: _Built) -> None:
    """Fault 55: a piece that was read from another file is not believed, but read again."""
    expected = _open(built.to(bundle.with_name("plain"), trace_file=None))
    archive = _open(bundle)
    refs = [_code(archive, path) for path in _TRACE if path.endswith(".py")]
    other = bundle.with_name("other")
    other.write_bytes(b"x" * bundle.stat().st_size)
    with other.open("rb") as file:
        os.dup2(file.fileno(), archive._fd)
    wanted = [expected.code(_code(expected, p)) for p in _TRACE if p.endswith(".py")]
    assert [archive.code(ref) for ref in refs] == wanted


def test_a_trace_of_another_tree_is_told(built: _Built, tmp_path: Path) -> None:
    """Paths that are not in the bundle are passed over with a warning."""
    built.trace.write_text("gone.py\np0/__init__.py\n")
    report = build([built.source], tmp_path / "app", built.options)
    [warning] = report.warnings
    assert warning.startswith("1 of 2 paths in the trace are not in the bundle")
    archive = _open(tmp_path / "app")
    assert startup(archive.manifest)
