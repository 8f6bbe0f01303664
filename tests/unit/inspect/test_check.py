"""Every byte that matters is looked at, and every fault has a sentence of its own."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from litebundle.errors import BundleError
from litebundle.format.listing import EMPTY_REF, decode_ref
from litebundle.inspect.check import Check, problems
from litebundle.runtime.archive import Archive, open_archive
from tests.rules.places import Library
from tests.unit.inspect.content import TREE
from tests.unit.inspect.forge import (
    Parts,
    change_manifest,
    change_root,
    execute,
    reference,
    replace_root,
)


def opened(path: Path) -> Archive:
    """Open a bundle that is there."""
    archive = open_archive(str(path))
    assert archive is not None
    return archive


def told(path: Path) -> list[str]:
    """Return what is wrong with a bundle, in words."""
    return [*map(str, problems(opened(path)))]


def test_what_the_builder_writes_is_sound(packed: Path) -> None:
    """Nothing to say of it, and everything was looked at."""
    check = Check(opened(packed))
    assert check.run() == []
    assert check.moved == 0
    files = [file for directory in check.roots[0].directories.values() for file in directory.files]
    assert len(files) == sum(content is not None for content in TREE.values())
    assert told(packed) == []


@pytest.mark.parametrize("kind", ["sqlite", "zip"])
def test_a_bundle_without_sources_is_sound(library: Library, kind: str) -> None:
    """There flags stand for files that are not there, and the code says why."""
    place = library.place(TREE, kind, sources=False)
    assert told(Path(place.entry)) == []


def test_an_empty_bundle_is_sound(library: Library) -> None:
    """Nothing packed is packed right."""
    assert told(Path(library.place({"hollow": None}, "sqlite").entry)) == []


def test_a_changed_byte_is_blamed_on_what_it_is_of(packed: Path, tmp_path: Path) -> None:
    """Of each blob the first, the middle and the last byte: one problem, and it names the owner."""
    data = packed.read_bytes()
    check = Check(opened(packed))
    check.run()
    base = opened(packed).container.base
    copy = tmp_path / "copy"
    tried = 0
    for directory in check.roots[0].directories.values():
        for file in directory.files.values():
            ref = opened(packed).file(file.path)
            assert ref is not None
            assert ref[1] is not None
            for at in {0, ref[1].stored // 2, ref[1].stored - 1} if ref[1].stored else ():
                changed = bytearray(data)
                changed[base + ref[1].offset + at] ^= (
                    0xFF  # all: deflate may not use every bit of its last
                )
                copy.write_bytes(changed)
                found = told(copy)
                assert found, file.path
                # Equal contents are one blob, blamed on the first of its owners.
                assert any(owner in found[0] for owner in _owners(check, file.blob)), found
                tried += 1
    assert tried > 40


def _owners(check: Check, blob: object) -> list[str]:
    files = (f for d in check.roots[0].directories.values() for f in d.files.values())
    return [f"file {file.path}: " for file in files if file.blob == blob]


@pytest.mark.fault(1)
def test_a_changed_byte_of_code_names_module_and_variant(packed: Path, tmp_path: Path) -> None:
    """Whoever reads it knows what to look at."""
    archive = opened(packed)
    listing = archive.listing("pkg")
    assert listing is not None
    ref = decode_ref(listing.code(1, listing.modules["sub"]))
    assert ref is not None
    changed = bytearray(packed.read_bytes())
    changed[archive.container.base + ref.offset + 30] ^= 1
    copy = tmp_path / "copy"
    copy.write_bytes(changed)
    found = told(copy)
    # Without docstrings and assertions the code of both levels is the same blob.
    assert any(problem.startswith("code of pkg/sub for ") for problem in found)
    assert all("checksum mismatch" in problem for problem in found)
    assert str(copy) not in str(found)


@pytest.mark.fault(2)
def test_every_changed_byte_of_listings_and_manifest_is_found(packed: Path, tmp_path: Path) -> None:
    """Either the file is refused at once, or the check tells."""
    data = packed.read_bytes()
    archive = opened(packed)
    ref = archive.roots[0].ref
    assert ref is not None
    start = archive.container.base + ref.offset
    manifest = data.index(archive.identity.encode())
    copy = tmp_path / "copy"
    for at in [*range(start, start + ref.stored, 7), *range(manifest, manifest + 64, 5)]:
        changed = bytearray(data)
        changed[at] ^= 1
        copy.write_bytes(changed)
        try:
            found = told(copy)
        except BundleError:
            continue
        assert found, at


def test_blobs_that_moved_are_told(database: Path) -> None:
    """A VACUUM moves them: all is there and sound, but not where it was."""
    execute(database, "DELETE FROM manifest WHERE id = -1", "VACUUM")
    execute(database, "PRAGMA page_size = 8192", "VACUUM")
    check = Check(opened(database))
    assert check.run() == []
    assert check.moved > 10
    [problem] = told(database)
    assert "not at the offsets" in problem


def _mode(parts: Parts) -> None:
    mode, ref = parts[3]["same.txt"]
    parts[3]["same.txt"] = (mode ^ 0o111, ref)


def _flags(name: str, flags: int) -> Callable[[Parts], None]:
    def change(parts: Parts) -> None:
        old, codes = parts[0].get(name, (0, [EMPTY_REF, EMPTY_REF]))
        parts[0][name] = (old ^ flags, codes)

    return change


def _drop(section: int, name: str) -> Callable[[Parts], object]:
    return lambda parts: parts[section].pop(name)


def _empty(section: int, name: str) -> Callable[[Parts], None]:
    def change(parts: Any) -> None:
        *others, _ = parts[section][name] if section > 1 else (None,)
        parts[section][name] = (*others, EMPTY_REF) if section > 1 else EMPTY_REF

    return change


def _add_file(name: str) -> Callable[[Parts], None]:
    def change(parts: Parts) -> None:
        parts[3][name] = parts[3]["same.txt"]

    return change


def _swap_code(parts: Parts) -> None:
    flags, _ = parts[0]["both"]
    parts[0]["both"] = (flags, parts[0]["pkg"][1])


def _wrong_size(parts: Parts) -> None:
    mode, ref = parts[3]["old.pyc"]
    parts[3]["old.pyc"] = (mode, ref[:16] + (5).to_bytes(4, "little") + ref[20:])


def _other_ref(parts: Parts) -> None:
    mode, ref = parts[3]["same.txt"]
    parts[3]["same.txt"] = (mode, ref[:24] + bytes(8))


def _other_key(parts: Parts) -> None:
    level, _, ref = parts[2]["native"]
    parts[2]["native"] = (level, bytes(32), ref)


def _code_for_data(parts: Parts) -> None:
    flags, _ = parts[0]["native"]
    parts[0]["native"] = (flags, parts[0]["pkg"][1])


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (_mode, "another identity"),
        (_flags("broken", 1), "module broken: has files that its flags do not tell of (0x1)"),
        (_flags("broken", 2), "module broken: has neither source nor code"),
        (_flags("assets", 8), "module assets: has flags without a file (0x8)"),
        (_flags("phantom", 1), "module phantom: has neither source nor code"),
        (_flags("broken", 128), "module broken: is flagged as placed, or has placed files"),
        (_drop(0, "broken"), "module broken: has files that its flags do not tell of"),
        (_drop(1, "assets"), "module assets: has flags without a file (0x4)"),
        (_drop(2, "native"), "module native: is flagged as placed, or has placed files"),
        (_drop(3, "broken.py"), "module broken: has neither source nor code"),
        (_drop(3, "native.cpython-311-x86_64-linux-gnu.so"), "has flags without a file (0x20)"),
        (_drop(3, "same.txt"), "another identity"),
        (_empty(1, "assets"), "listing of directory 'assets': missing"),
        (_empty(3, "same.txt"), "file same.txt: no content"),
        (_empty(2, "native"), "listing of placement 'native': missing"),
        (_add_file("../up.txt"), "files of '': '../up.txt' has a slash"),
        (_add_file(".."), "files of '': '..' has a component '..'"),
        (_add_file("assets"), "file assets: is a directory too"),
        (_swap_code, "module both: has other code than its __init__"),
        (_wrong_size, "file old.pyc: another size than its reference says (expected 5, found 13)"),
        (_other_ref, "another reference to blob"),
        (_other_key, "placed files of native: level or key are not theirs"),
        (_code_for_data, "module native: has code, but no source ever made it"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_listing_that_contradicts_its_files_is_told(
    database: Path, change: Callable[[Parts], None], problem: str
) -> None:
    """Checksums put right do not help: what is said twice has to agree."""
    change_root(database, change)
    found = told(database)
    assert any(problem in sentence for sentence in found), found


def test_names_out_of_order_are_told(database: Path) -> None:
    """A reader may search them; so they are sorted."""

    def swap(data: bytes) -> bytes:
        return data.replace(b"broken.py\0", b"zroken.py\0")

    replace_root(database, swap)
    assert any("files of '': not sorted" in found for found in told(database))


def test_a_listing_shared_by_two_directories_is_told(database: Path) -> None:
    """Each has its own."""

    def share(parts: Parts) -> None:
        parts[1]["hollow"] = parts[1]["assets"]

    change_root(database, share)
    assert any("is another's too" in found for found in told(database))


def test_something_else_in_the_place_of_a_listing_is_told(database: Path) -> None:
    """Sound bytes that are no listing, or one of another bundle."""
    for data, problem in (
        (b"LBls", "listing of directory 'hollow': damaged"),
        (
            b"LBls" + (7).to_bytes(4, "little") + bytes(32),
            "another number of variants (expected 2, found 7)",
        ),
    ):
        execute(database, "UPDATE listings SET listing = ? WHERE path = 'hollow'", values=[data])
        [identifier] = execute(database, "SELECT id FROM listings WHERE path = 'hollow'")

        def point(parts: Parts, ref: bytes = reference(identifier, data)) -> None:
            parts[1]["hollow"] = ref

        change_root(database, point)
        found = told(database)
        assert any(problem in sentence for sentence in found), found


@pytest.mark.fault(49)
def test_a_claim_of_gigabytes_costs_none(database: Path) -> None:
    """A reference may lie about its size: what is not in the file is not read."""

    def lie(parts: Parts) -> None:
        mode, ref = parts[3]["old.pyc"]
        parts[3]["old.pyc"] = (mode, ref[:12] + (1 << 31).to_bytes(4, "little") * 2 + ref[20:])

    change_root(database, lie)
    tracemalloc.start()
    try:
        found = told(database)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == ["index: file old.pyc: it claims more than is in the file"]
    assert peak < 10 << 20


def test_another_identity_in_the_manifest_is_told(database: Path) -> None:
    """The digest over the content is computed afresh."""
    change_manifest(database, identity="0" * 64)
    [problem] = told(database)
    assert "another identity" in problem
