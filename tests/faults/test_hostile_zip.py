"""Zips that somebody crafted: bombs, overlaps, two programs in one file, listings that lie."""

import contextlib
import io
import marshal
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from litebundle.errors import BundleCorrupt, BundleError
from litebundle.format.canonical import canonical
from litebundle.format.encode import encode_listing
from litebundle.format.listing import EMPTY_REF
from litebundle.inspect.bundle import Bundle
from litebundle.inspect.verify import verify
from litebundle.runtime.archive import Archive
from litebundle.runtime.containers import open_container
from litebundle.runtime.finder import BundleFinder
from litebundle.runtime.loader import BundleLoader
from litebundle.runtime.mount import Mount
from litebundle.runtime.zipfile import ZipContainer
from litebundle.write.encoding import pyc_header
from tests.property.targets import forged, look_into, sample
from tests.unit.inspect.forge import reference
from tests.unit.runtime.databases import Memory
from tests.unit.runtime.zips import Entry, crafted, deflate


def contents(data: bytes) -> dict[str, bytes]:
    """Return the members of a zip, in their order."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def told(data: bytes, directory: Path) -> list[str]:
    """Return what `verify` says of a file with these bytes."""
    path = directory / "file"
    path.write_bytes(data)
    return [*map(str, verify(path).problems)]


@contextlib.contextmanager
def at_most(size: int) -> Iterator[None]:
    """Fail if more than that many bytes are allocated at a time."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < size


def rewritten(*more: Entry, tail: bytes = b"", **changed: bytes) -> bytes:
    """Return the sample with more members, others than it has, or bytes behind its directory."""
    members = contents(sample("zip")) | {k.replace("__", "/"): v for k, v in changed.items()}
    entries = [Entry(name=name.encode(), stored=body) for name, body in members.items()]
    return crafted(*entries[:-1], *more, entries[-1], tail=tail)


def test_the_sample_is_sound(tmp_path: Path) -> None:
    """As it was built; and packed anew as the tests below do it, but for its launcher's sake."""
    assert told(sample("zip"), tmp_path) == []
    assert told(rewritten(), tmp_path) == []


@pytest.mark.fault(49)
def test_members_that_share_their_bytes_are_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand names for one bomb: told as overlaps, before anybody unpacks it a thousand times.

    The standard library, which would, is not let at the file.
    """
    bomb = deflate(bytes(1 << 20))
    first = Entry(name=b"bomb", stored=bomb, method=8, raw_size=1 << 20)
    members = contents(sample("zip"))
    entries = [Entry(name=name.encode(), stored=body) for name, body in members.items()]
    start = crafted(*entries[:-1], first).index(bomb) - len("bomb") - 30
    others = [
        Entry(name=b"b%03d" % n, stored_size=len(bomb), method=8, raw_size=1 << 20, offset=start)
        for n in range(1000)
    ]
    data = crafted(*entries[:-1], first, *others, entries[-1])

    def never(*arguments: object) -> None:
        pytest.fail(f"unpacked {arguments}")

    monkeypatch.setattr(zipfile.ZipFile, "open", never)
    with at_most(30 << 20):
        found = told(data, tmp_path)
    assert any("overlaps" in problem for problem in found)
    assert len(found) > 900


@pytest.mark.fault(49)
def test_a_list_of_names_that_is_a_bomb_is_not_unpacked() -> None:
    """Names of members are in the directory too, and take no more room than that."""
    members = contents(sample("zip"))
    bomb = deflate(b"\0" * (8 << 20))
    entries = [
        Entry(name=name.encode(), stored=bomb, method=8, raw_size=8 << 20)
        if name == ".litebundle/members"
        else Entry(name=name.encode(), stored=body)
        for name, body in members.items()
    ]
    file = Memory(crafted(*entries))
    container = open_container(file)
    assert isinstance(container, ZipContainer)
    with at_most(1 << 20), pytest.raises(BundleCorrupt):
        Archive(file, container)


@pytest.mark.fault(50)
@pytest.mark.parametrize(
    "name", [b"evil.py", b"__main__.pyc.py", b"../up", b"/abs", b"a\0b", b"pkg"]
)
def test_members_that_the_index_has_not_are_told(name: bytes, tmp_path: Path) -> None:
    """By zipimport they would be imported, and by others unpacked, wherever they lead."""
    found = told(rewritten(Entry(name=name, stored=b"EVIL = 1\n")), tmp_path)
    assert any(problem.startswith("member ") for problem in found), found


@pytest.mark.fault(50)
def test_a_number_does_not_make_a_member_one_of_the_index(tmp_path: Path) -> None:
    """It has to be referred to by a listing, too."""
    names = contents(sample("zip"))[".litebundle/members"]
    data = rewritten(
        Entry(name=b"evil.py", stored=b"EVIL = 1\n"),
        **{".litebundle__members": names + b"\0evil.py"},
    )
    assert "member evil.py: not in the index" in told(data, tmp_path)


@pytest.mark.fault(50)
def test_a_pyc_holds_one_program(tmp_path: Path) -> None:
    """Ours behind another one: zipimport would run the first, and we the last."""
    pyc = contents(sample("zip"))["pkg/sub.pyc"]
    evil = canonical(marshal.dumps(compile("EVIL = 1", "evil", "exec")))
    both = pyc_header(pyc[:4], evil) + evil + pyc[16:]
    [problem] = told(rewritten(**{"pkg__sub.pyc": both}), tmp_path)
    assert problem.startswith("member pkg/sub.pyc: not the one that blob ")


@pytest.mark.fault(50)
def test_headers_that_contradict_the_directory_are_told(tmp_path: Path) -> None:
    """Who reads a zip from its beginning would see other files in it."""
    data = bytearray(sample("zip"))
    at = data.index(b"pkg/data.txt")
    data[at : at + 3] = b"gkp"
    assert "member pkg/data.txt: its two headers differ" in told(bytes(data), tmp_path)


@pytest.mark.fault(50)
def test_two_directories_are_told(tmp_path: Path) -> None:
    """Another directory in front of the one that counts: its bytes belong to nothing."""
    other = crafted(Entry(name=b"evil.py", stored=b"EVIL = 1\n"))
    path = tmp_path / "two"
    path.write_bytes(other + sample("zip"))
    assert str(verify(path).problems[0]).startswith("first line: ")
    inside = rewritten(tail=b"")
    cut = inside.rindex(b"PK\3\4")
    data = inside[:cut] + other + inside[cut:]
    assert told(data, tmp_path)


@pytest.mark.fault(49)
@pytest.mark.parametrize("kind", ["files", "directories", "modules"])
def test_a_listing_that_claims_gigabytes_allocates_none(kind: str) -> None:
    """Its references say 4 GiB each, in a file of some kilobytes."""
    huge = reference(1, b"x")[:12] + b"\xff\xff\xff\xff" * 2 + b"\1\0\0\0" + bytes(8)
    listing = encode_listing(
        1,
        {"m": (1, [huge])} if kind == "modules" else {},
        {"d": huge} if kind == "directories" else {},
        {},
        {"f": (0o644, huge)} if kind == "files" else {},
    )
    file = Memory(forged(listing), budget=1 << 20)
    container = open_container(file)
    assert container is not None
    bundle = Bundle.__new__(Bundle)
    with at_most(1 << 20):
        bundle.archive = Archive(file, container)
        with contextlib.suppress(BundleError, FileNotFoundError):
            look_into(bundle)
        if kind == "files":
            with pytest.raises(BundleCorrupt, match="checksum mismatch"):
                bundle.read("f")


@pytest.mark.fault(49)
@pytest.mark.parametrize("format_", ["sqlite", "zip"])
def test_an_offset_that_no_file_has_is_no_io_error(format_: str, tmp_path: Path) -> None:
    """Found by fuzzing: a system call that is asked for it says "Invalid argument"."""
    path = tmp_path / "file"
    path.write_bytes(sample(format_))
    archive = Bundle(path).archive
    ref = archive.roots[0].ref
    for offset in (1 << 40, (1 << 63) - 1, 1 << 63, (1 << 64) - 1):
        ref.offset = offset
        with pytest.raises(ValueError, match=f"bytes at {offset}"):
            archive.container.stored(ref)


@pytest.mark.fault(49)
def test_a_reference_to_nothing_is_damage() -> None:
    """Found by fuzzing: its number is 0, as if there were no code, but the rest of it is not."""
    listing = encode_listing(1, {"m": (1, [bytes(31) + b"x"])}, {}, {}, {})
    file = Memory(forged(listing))
    container = open_container(file)
    assert container is not None
    spec = BundleFinder(Mount("memory", Archive(file, container)), "", "memory").find_spec("m")
    assert spec is not None
    assert isinstance(spec.loader, BundleLoader)
    with pytest.raises(BundleCorrupt, match="reference to no code"):
        spec.loader.get_code("m")


_HOSTILE = ["..", ".", "", "a/b", "../../etc/cron.d/x", "/etc/passwd", "a\0b", "x" * 256, "a//b"]


@pytest.mark.fault(41)
@pytest.mark.parametrize("name", _HOSTILE)
@pytest.mark.parametrize("kind", ["files", "directories", "modules"])
def test_names_that_lead_elsewhere_are_refused_by_who_lists(name: str, kind: str) -> None:
    """Whoever takes what `list` prints for paths writes nowhere but where they mean to."""
    ref = EMPTY_REF
    listing = encode_listing(
        1,
        {name: (1, [ref])} if kind == "modules" else {},
        {name: ref} if kind == "directories" else {},
        {},
        {name: (0o644, ref)} if kind == "files" else {},
    )
    file = Memory(forged(listing))
    container = open_container(file)
    assert container is not None
    bundle = Bundle.__new__(Bundle)
    try:
        bundle.archive = Archive(file, container)
    except BundleCorrupt:
        return  # a NUL makes two names of one
    with pytest.raises(BundleCorrupt, match="damaged listing of ''"):
        list(bundle.files())
