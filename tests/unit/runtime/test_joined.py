"""Joined code is the code that the modules have, is read once, and is nothing to depend on."""

import importlib
import marshal
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

import litebundle
from litebundle.builder import Options, build
from litebundle.errors import BundleCorrupt
from litebundle.format import checksum
from litebundle.format.canonical import canonical
from litebundle.format.listing import MOST_JOINED, Ref, decode_ref
from litebundle.format.manifest import joined, joined_text
from litebundle.inspect.bundle import Bundle
from litebundle.inspect.diff import Comparison
from litebundle.inspect.verify import verify
from litebundle.runtime.archive import Archive, open_archive
from litebundle.runtime.signed import open_trusted
from litebundle.runtime.startup import Joined, split
from litebundle.write import joined as joining
from litebundle.write.content import Blob
from litebundle.write.encoding import Encoded, plain
from litebundle.write.joined import encode_joined
from tests.rules.places import write_tree
from tests.signing import signed, trust_file
from tests.unit.inspect.forge import change_manifest, execute

_NAMES = [f"m{number:02}" for number in range(12)]
_TREE = {
    "joinpkg/__init__.py": "from . import m00",
    **{
        f"joinpkg/{name}.py": f"'''Same words.'''\nNAME = {name!r}\ndef f(x): return x, NAME\n" * 3
        for name in _NAMES
    },
    # F4: no listing has the code of what a package hides
    "joinpkg/twice.py": "NAME = 'hidden'\n",
    "joinpkg/twice/__init__.py": "NAME = 'package'\n",
}
_TRACE = ["joinpkg/__init__.py", "joinpkg/twice.py", *(f"joinpkg/{name}.py" for name in _NAMES[:8])]
_TRACED = ["__init__", *_NAMES[:8]]


@dataclass(frozen=True)
class _Bundle:
    path: Path

    def open(self) -> Archive:
        archive = open_archive(str(self.path))
        assert archive is not None
        return archive


@pytest.fixture(params=["sqlite", "zip"])
def packing(request: pytest.FixtureRequest) -> str:
    """Return the kind of the container under test."""
    return str(request.param)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have streams of three or four modules each."""
    monkeypatch.setattr(joining, "SIZES", (900, 900))


@pytest.fixture
def bundle(tmp_path: Path, packing: str) -> _Bundle:
    """Return a bundle built with the trace."""
    return _built(tmp_path, packing)


@pytest.fixture
def database(tmp_path: Path) -> _Bundle:
    """Return one that can be changed."""
    return _built(tmp_path, "sqlite")


def _built(tmp_path: Path, packing: str, optimize: tuple[int, ...] = (0,)) -> _Bundle:
    write_tree(_TREE, tmp_path / "source")
    trace = tmp_path / "trace"
    trace.write_text("".join(f"{path}\n" for path in _TRACE))
    options = Options(container=packing, jobs=1, trace_file=trace, optimize=optimize)  # type: ignore[arg-type]
    build([tmp_path / "source"], tmp_path / "app.bundle", options)
    return _Bundle(tmp_path / "app.bundle")


def _ref(archive: Archive, name: str, variant: int = 0) -> bytes:
    listing = archive.listing("joinpkg")
    assert listing is not None
    return listing.code(variant, listing.modules[name])


def _number(archive: Archive, name: str) -> int:
    ref = decode_ref(_ref(archive, name))
    assert ref is not None
    return ref.identifier


def _joined(archive: Archive) -> Joined:
    assert archive.joined is not None
    return archive.joined


def _streams(archive: Archive) -> list[tuple[int, Ref]]:
    found = [(last, decode_ref(bytes.fromhex(text))) for last, text in joined(archive.manifest, 0)]
    return [(last, ref) for last, ref in found if ref is not None]


@pytest.fixture
def path(bundle: _Bundle) -> Iterator[str]:
    """Return the bundle as an entry of the path, for as long as the test runs."""
    litebundle.install()
    sys.path.insert(0, str(bundle.path))
    yield str(bundle.path)
    sys.path.remove(str(bundle.path))
    for name in [*sys.modules]:
        if name.partition(".")[0] == "joinpkg":
            del sys.modules[name]


def test_it_is_what_the_modules_have(bundle: _Bundle) -> None:
    """Each module's code comes once, equal to what is stored of it alone, for it is changed."""
    archive = bundle.open()
    taken = _joined(archive)
    assert len(_streams(archive)) > 2
    for name in _TRACED:
        ref = _ref(archive, name)
        code = taken.take(ref, archive)
        assert isinstance(code, CodeType)
        assert canonical(marshal.dumps(code)) == archive.code(ref)
        assert taken.take(ref, archive) is None
    for name in (*_NAMES[8:], "twice"):
        assert taken.take(_ref(archive, name), archive) is None
    assert verify(bundle.path).problems == ()


def test_a_stream_is_read_when_it_is_wanted(
    bundle: _Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the order: the last one first, and none for what the trace has not."""
    read = []
    blob = Archive.blob

    def noted(self: Archive, ref: Ref, table: str = "blobs") -> bytes:
        read.append(ref.identifier)
        return blob(self, ref, table)

    archive = bundle.open()
    refs = {name: _ref(archive, name) for name in (*_TRACED, *_NAMES)}
    monkeypatch.setattr(Archive, "blob", noted)
    streams = [ref.identifier for _, ref in _streams(archive)]
    taken = _joined(archive)
    assert repr(taken) == f"<Joined: {len(streams)} of {len(streams)} streams to be read>"
    assert taken.take(refs[_NAMES[11]], archive) is None
    assert read == []
    assert taken.take(refs[_TRACED[-1]], archive)
    assert read == streams[-1:]
    for name in _TRACED[:-1]:
        assert taken.take(refs[name], archive)
    assert sorted(read) == sorted(streams)
    assert repr(taken) == f"<Joined: 0 of {len(streams)} streams to be read>"


def test_modules_are_imported_from_it(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`__file__` and `co_filename` are those of any module; a reload finds the code again."""
    read = []
    code = Archive.code

    def noted(self: Archive, ref: bytes) -> bytes:
        read.append(ref)
        return code(self, ref)

    monkeypatch.setattr(Archive, "code", noted)
    modules = [importlib.import_module(f"joinpkg.{name}") for name in _NAMES[:8]]
    assert read == []
    assert [module.NAME for module in modules] == _NAMES[:8]
    for module in modules:
        expected = f"{path}/joinpkg/{module.NAME}.py"
        assert module.f.__code__.co_filename == module.__file__ == expected
        assert module.__doc__ == "Same words."
    assert importlib.reload(modules[3]).f(1) == (1, _NAMES[3])
    assert len(read) == 1
    assert importlib.import_module("joinpkg.twice").NAME == "package"


def test_each_level_has_its_own(tmp_path: Path, packing: str) -> None:
    """What is joined for a variant is that variant's code."""
    archive = _built(tmp_path, packing, (0, 2)).open()
    for variant in (0, 1):
        taken = Joined(archive.manifest, variant)
        ref = _ref(archive, "m05", variant)
        code = taken.take(ref, archive)
        assert code is not None
        assert canonical(marshal.dumps(code)) == archive.code(ref)
        assert ("Same words." in code.co_consts) == (variant == 0)
    assert verify(archive.path).problems == ()


def test_a_change_of_it_is_told_as_the_modules(database: _Bundle, tmp_path: Path) -> None:
    """What differs between two bundles is a module, and not where its code is joined."""
    changed = tmp_path / "changed"
    write_tree({**_TREE, "joinpkg/m03.py": "NAME = 3\n"}, changed)
    other = tmp_path / "other.bundle"
    build([changed], other, Options(jobs=1, trace_file=tmp_path / "trace"))
    found = {(each.what, each.name) for each in Comparison(database.path, other).changes()}
    assert ("module", "joinpkg.m03") in found
    assert found <= {
        ("module", "joinpkg.m03"),
        ("file", "joinpkg/m03.py"),
        ("manifest", "startup"),
    }


def test_a_damaged_stream_costs_time_only(bundle: _Bundle, path: str) -> None:
    """Import goes on, module by module, and `bundle verify` tells."""
    ref = _streams(bundle.open())[0][1]
    start = bundle.open().container.base + ref.offset
    with bundle.path.open("r+b") as file:
        file.seek(start + ref.stored // 2 if not ref.local else start + ref.local // 2)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes((byte[0] ^ 1,)))
    assert path
    assert [importlib.import_module(f"joinpkg.{name}").NAME for name in _NAMES[:8]] == _NAMES[:8]
    assert any("joined code" in str(found) for found in verify(bundle.path).problems)


@pytest.mark.parametrize(
    "value",
    [7, [1], ("no code",) * 3, None],
    ids=["a number", "a list", "texts", "the code of one module"],
)
def test_a_stream_of_something_else_is_passed_over(database: _Bundle, value: Any) -> None:
    """Its checksum fits, and yet it is no tuple of code objects."""
    archive = database.open()
    code = archive.code(_ref(archive, "m00"))
    numbers = [_number(archive, name) for name in _TRACED[:3]]
    head = b"".join(number.to_bytes(4, "little") for number in (3, *numbers))
    _exchange(database, head + (code if value is None else marshal.dumps(value)), numbers[-1])
    archive = database.open()
    assert [_joined(archive).take(_ref(archive, name), archive) for name in _TRACED[:3]] == [
        None
    ] * 3
    assert "is not what its modules have" in str(verify(database.path).problems[0])


@pytest.mark.parametrize("what", ["no stream", "nothing", "not hexadecimal"])
def test_what_is_no_stream_is_passed_over(database: _Bundle, what: str) -> None:
    """As if there were none, whatever stands there."""
    archive = database.open()
    last, ref = _streams(archive)[-1]
    other = archive.file("joinpkg/m11.py")
    assert other is not None
    assert other[1] is not None
    texts = {
        "no stream": joined_text([(last, other[1].encode())]),
        "nothing": joined_text([(last, bytes(32))]),
        "not hexadecimal": f"{last} x{ref.encode().hex()[1:]}",
    }
    change_manifest(database.path, **{"joined.0": texts[what]})
    archive = database.open()
    for name in _TRACED:
        assert _joined(archive).take(_ref(archive, name), archive) is None
    assert verify(database.path).problems


def test_a_value_that_is_none_is_damage(database: _Bundle) -> None:
    """A manifest's checksum fits, and yet it makes no sense."""
    change_manifest(database.path, **{"joined.0": "1"})
    with pytest.raises(BundleCorrupt, match="damaged manifest"):
        database.open()


def _exchange(database: _Bundle, data: bytes, last: int | None = None) -> None:
    """Put other bytes in the place of the first stream, with a reference that fits."""
    streams = _streams(database.open())
    before, ref = streams[0]
    new = Ref(
        identifier=ref.identifier,
        at=(0, 0),
        sizes=(len(data), len(data)),
        encoding=0,
        checksum=checksum(data),
    )
    with closing(sqlite3.connect(database.path)) as connection, connection:
        connection.execute(
            "UPDATE blobs SET data = ?, size = ? WHERE id = ?", (data, len(data), ref.identifier)
        )
    others = [(each, other.encode()) for each, other in streams[1:]]
    text = joined_text([(before if last is None else last, new.encode()), *others])
    change_manifest(database.path, **{"joined.0": text})


def test_verify_compares_it_with_the_modules(database: _Bundle) -> None:
    """Other code under a module's number is what nobody would see in `list` and `cat`."""
    archive = database.open()
    numbers = [_number(archive, name) for name in _TRACED[:2]]
    codes = [archive.code(_ref(archive, name)) for name in _TRACED[:2]]
    for ids, streams, last, said in [
        (numbers, codes[::-1], numbers[1], "is not what its modules have"),
        (numbers, codes, numbers[0], "is not of the modules that it says"),
        (numbers[::-1], codes[::-1], numbers[1], "is not of the modules that it says"),
        ([numbers[0]] * 2, [codes[0]] * 2, numbers[0], "is not of the modules that it says"),
        ([99], codes[:1], 99, "is not of the modules that it says"),
        ([], [], numbers[1], "is not of the modules that it says"),
        ([*range(1, 99)], codes, 99, "is of more modules than there are"),
    ]:
        _exchange(database, encode_joined(ids, streams), last)
        found = [str(each) for each in verify(database.path).problems]
        assert any(said in each for each in found), found
    _exchange(database, encode_joined(numbers, codes), numbers[1])
    execute(database.path, "UPDATE blobs SET digest = digest")
    found = [str(each) for each in verify(database.path).problems]
    assert not any("joined" in each for each in found), found


def test_of_a_signed_bundle_it_is_signed(database: _Bundle, tmp_path: Path) -> None:
    """A stream whose digest is another is not used, and the modules' own code is."""
    keys = trust_file(tmp_path / "keys")
    path = signed(database.path, tmp_path / "signed.bundle")
    archive = open_trusted(str(path), [str(keys)])
    assert archive is not None
    assert _joined(archive).take(_ref(archive, "m03"), archive)
    ref = _streams(archive)[0][1]
    data = bytearray(archive.blob(ref))
    data[-1] ^= 1
    execute(path, "UPDATE blobs SET data = ? WHERE id = ?", values=(bytes(data), ref.identifier))
    archive = open_trusted(str(path), [str(keys)])
    assert archive is not None
    name = _TRACED[0]
    assert _joined(archive).take(_ref(archive, name), archive) is None
    assert marshal.loads(archive.code(_ref(archive, name)))


def test_verify_reads_a_stream_once(database: _Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often it is named: what a file costs to verify grows with its size, and no faster."""
    archive = database.open()
    last, ref = _streams(archive)[0]
    change_manifest(database.path, **{"joined.0": joined_text([(last, ref.encode())] * 500)})
    read = []
    blob = Archive.blob

    def noted(self: Archive, ref: Ref, table: str = "blobs") -> bytes:
        read.append(ref.identifier)
        return blob(self, ref, table)

    monkeypatch.setattr(Archive, "blob", noted)
    [found] = [str(each) for each in verify(database.path).problems if "joined" in str(each)]
    assert "is not of the modules that it says" in found
    assert len(read) < 50


def test_verify_takes_no_large_stream(database: _Bundle) -> None:
    """A few bytes can be packed that are many: they are not taken into memory."""
    _exchange(database, bytes(MOST_JOINED + 1))
    assert "is too large" in str(verify(database.path).problems)
    archive = database.open()
    assert _joined(archive).take(_ref(archive, _TRACED[0]), archive) is None


def test_verify_knows_the_variants(tmp_path: Path) -> None:
    """What is said of others is not of the format; nor can it be read by those who inspect it."""
    path = _built(tmp_path, "sqlite", (0, 2)).path
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE manifest SET key = 'joined.7' WHERE key = 'joined.1'")
    change_manifest(path)
    assert "joined.7: no such variant" in str(verify(path).problems)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE manifest SET key = 'joined.1' WHERE key = 'joined.7'")
    for text in ("odd", "9 zz", "9 abcd"):
        change_manifest(path, **{"joined.1": text})
        with pytest.raises(BundleCorrupt, match=r"damaged manifest: joined\.1"):
            Bundle(str(path)).joined(1)


def test_what_is_stored_twice_is_joined_once() -> None:
    """The same code of two platforms is one blob, before as behind the end of a stream."""
    stored: list[bytes] = []

    def store(number: int, content: Encoded) -> Blob:
        assert number == len(stored)
        stored.append(content.whole)
        return content.as_blob(100 + number)

    code = canonical(marshal.dumps("x" * 600))
    joining_all = joining.Joining(store)
    for number in (1, 1, 2, 2, 3, 3, 1):
        blob = plain(code).as_blob(number)
        joining_all.add(blob, code)
    assert [last for last, _ in joining_all.finish()] == [1, 2, 3]
    assert [split(data)[0] for data in stored] == [[bytes((n, 0, 0, 0))] for n in (1, 2, 3)]


def test_large_code_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what is small need not wait for it; and the largest is not joined at all."""
    stored: list[bytes] = []

    def store(number: int, content: Encoded) -> Blob:
        stored.append(content.whole)
        return content.as_blob(100 + number)

    monkeypatch.setattr(joining, "MOST_JOINED", 4000)
    all_of_it = joining.Joining(store)
    for number, size in enumerate((100, 100, 1500, 100, 2500, 100), 1):
        code = canonical(marshal.dumps("x" * size))
        all_of_it.add(plain(code).as_blob(number), code)
    assert [last for last, _ in all_of_it.finish()] == [2, 3, 6]
    assert [len(split(data)[0]) for data in stored] == [2, 1, 2]
