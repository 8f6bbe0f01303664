"""Patches: the new file byte for byte, or a refusal, whatever the patch says."""

import hashlib
import lzma
import os
import shutil
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest

from litebundle.deploy.delta import COPY, DIFFERENCE, INSERTION
from litebundle.deploy.patch import apply_patch, make_patch
from litebundle.errors import BuildError, BundleError
from litebundle.format import checksum
from litebundle.write.launcher import Launch
from tests.rules.places import Library, Tree
from tests.unit.deploy.conftest import GROWN, TREE
from tests.unit.inspect.forge import Parts, change_root, execute

OTHERS: dict[str, Tree] = {
    "added": {**TREE, "pkg/another.py": "x = 1\n", "first/__init__.py": "", "first/a.py": "y = 2"},
    "removed": {path: text for path, text in TREE.items() if path != "pkg/m1.py"},
    "moved": {("other" + path[3:] if path[:3] == "pkg" else path): TREE[path] for path in TREE},
    "nothing in common": {"alone.py": "z = 3\n"},
    "equal": TREE,
}


_HEADER = "<8sQ32sQ32s"


def _handmade(path: Path, old: bytes, new: bytes, *steps: tuple[int, int, int, bytes]) -> Path:
    """Write a patch with those steps (PATCH.md), its header in order."""
    digests = (hashlib.sha256(data).digest() for data in (old, new))
    header = struct.pack(
        "<8sQ32sQ32s", b"LBpatch1", len(old), next(digests), len(new), next(digests)
    )
    body = b"".join(struct.pack("<BQq", *step[:3]) + step[3] for step in steps)
    path.write_bytes(header + checksum(header) + lzma.compress(body, check=lzma.CHECK_CRC64))
    return path


def _refused(old: Path, patch: Path, output: Path) -> str:
    """Return why a patch was refused, having seen that nothing was left of it."""
    before = sorted(output.parent.iterdir())
    with pytest.raises(BuildError) as caught:
        apply_patch(old, patch, output)
    assert sorted(output.parent.iterdir()) == before
    return caught.value.cause


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return an old file of 1,000 different-looking bytes; to apply, it need be no bundle."""
    path = tmp_path / "source"
    path.write_bytes(hashlib.shake_128(b"old").digest(1000))
    return path


@pytest.mark.parametrize("change", ["grown", *OTHERS])
def test_the_new_bundle_comes_out_byte_for_byte(
    library: Library, packing: str, old: Path, tmp_path: Path, change: str
) -> None:
    """Whatever has changed."""
    tree = {"grown": GROWN, **OTHERS}[change]
    new = Path(library.place(tree, packing).entry)
    made = make_patch(old, new, tmp_path / "patch")
    assert (made.size, made.of) == ((tmp_path / "patch").stat().st_size, new.stat().st_size)
    assert apply_patch(old, tmp_path / "patch", tmp_path / "made") == new.stat().st_size
    assert (tmp_path / "made").read_bytes() == new.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made", "patch"]


def test_a_patch_is_small(old: Path, new: Path, tmp_path: Path) -> None:
    """A twentieth of the bundle where one of its thirty modules has grown."""
    made = make_patch(old, new, tmp_path / "patch")
    assert made.size < made.of / 20
    nothing = make_patch(old, old, tmp_path / "patch")
    assert nothing.size < 200


def test_containers_and_shapes_may_differ(library: Library, tmp_path: Path) -> None:
    """From a database to a zip, with several levels of code, a line in front, or no launcher."""
    options: tuple[dict[str, Any], ...] = (
        {"optimize": (0, 2)},
        {"launch": Launch(executable=True)},
        {"launch": Launch()},
        {},
    )
    files = [
        Path(library.place(TREE, container, **chosen).entry)
        for container, chosen in zip(("sqlite", "sqlite", "zip", "zip"), options, strict=True)
    ]
    for old, new in zip(files, [*files[1:], files[0]], strict=True):
        make_patch(old, new, tmp_path / "patch")
        apply_patch(old, tmp_path / "patch", tmp_path / "made")
        assert (tmp_path / "made").read_bytes() == new.read_bytes()
        runs = os.access(tmp_path / "made", os.X_OK)
        assert runs == (new.read_bytes()[:2] == b"#!")


def test_offsets_that_lead_astray_make_no_other_file(library: Library, tmp_path: Path) -> None:
    """They are hints: after a VACUUM they are wrong, and a file may be made with any."""
    old, vacuumed, forged = (
        Path(shutil.copy(library.place(TREE, "sqlite").entry, tmp_path / name))
        for name in ("old", "vacuumed", "forged")
    )
    execute(vacuumed, "PRAGMA page_size = 16384", "VACUUM")

    def far_away(parts: Parts) -> None:
        directories = parts[1]
        for name, ref in directories.items():
            directories[name] = (2**64 - 4096).to_bytes(8, "little") + ref[8:]

    change_root(forged, far_away)
    for pair in ((old, vacuumed), (vacuumed, forged), (forged, old)):
        make_patch(*pair, tmp_path / "patch")
        apply_patch(pair[0], tmp_path / "patch", tmp_path / "made")
        assert (tmp_path / "made").read_bytes() == pair[1].read_bytes()


def test_every_flipped_byte_of_a_patch_is_noticed(source: Path, tmp_path: Path) -> None:
    """Nothing is written then, and the message says whose fault it is."""
    data = source.read_bytes()
    new = data[500:] + b"new" * 10 + bytes((byte + 1) & 0xFF for byte in data[:40])
    steps = (
        (COPY, 500, 500, b""),
        (INSERTION, 30, 0, b"new" * 10),
        (DIFFERENCE, 40, -1000, b"\1" * 40),
    )
    patch = _handmade(tmp_path / "patch", data, new, *steps)
    apply_patch(source, patch, tmp_path / "made")
    assert (tmp_path / "made").read_bytes() == new
    whole = patch.read_bytes()
    for at in range(len(whole)):
        patch.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
        assert "the patch is damaged" in _refused(source, patch, tmp_path / "made"), at
    assert (tmp_path / "made").read_bytes() == new


def test_every_truncated_patch_is_noticed(source: Path, tmp_path: Path) -> None:
    """So is one with something behind it."""
    data = source.read_bytes()
    whole = _handmade(tmp_path / "patch", data, data, (COPY, 1000, 0, b"")).read_bytes()
    for cut in (*(whole[:size] for size in range(len(whole))), whole + b"\0", whole + whole):
        (tmp_path / "patch").write_bytes(cut)
        assert "the patch is damaged" in _refused(source, tmp_path / "patch", tmp_path / "made")


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([(COPY, 1000, 1, b"")], "leads out of the old bundle"),
        ([(COPY, 10, -1, b"")], "leads out of the old bundle"),
        ([(COPY, 10, -(2**63), b"")], "leads out of the old bundle"),
        ([(COPY, 1000, 2**63 - 1, b"")], "leads out of the old bundle"),
        ([(COPY, 1001, 0, b"")], "none, or too long"),
        ([(COPY, 0, 0, b"")], "none, or too long"),
        ([(INSERTION, 2**64 - 1, 0, b"")], "none, or too long"),
        ([(3, 1000, 0, b"")], "none, or too long"),
        ([(INSERTION, 1000, 0, b"short")], "cut short"),
        ([(COPY, 1000, 0, b""), (COPY, 1, 0, b"")], "goes on behind its end"),
        ([(INSERTION, 1000, 0, bytes(1000))], "not the bundle that it was made with"),
    ],
)
def test_steps_that_lead_astray_are_refused(
    source: Path, tmp_path: Path, steps: list[tuple[int, int, int, bytes]], reason: str
) -> None:
    """A patch may come from anybody; its own checksums then fit."""
    data = source.read_bytes()
    patch = _handmade(tmp_path / "patch", data, data, *steps)
    assert reason in _refused(source, patch, tmp_path / "made")


def test_memory_is_bounded_whatever_a_patch_holds(source: Path, tmp_path: Path) -> None:
    """Megabytes of zeros in some bytes, and a dictionary of gigabytes."""
    data = source.read_bytes()
    new = bytes(48 << 20)
    patch = _handmade(tmp_path / "patch", data, new, (INSERTION, len(new), 0, new))
    assert patch.stat().st_size < 10_000
    tracemalloc.start()
    try:
        apply_patch(source, patch, tmp_path / "made")
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    # The block header of XZ: its size, flags, the filter, the size of its properties, these
    packed = bytearray(patch.read_bytes())
    start = 96 + 12
    assert packed[start + 2 : start + 4] == b"\x21\x01"
    packed[start + 4] = 40
    end = start + 4 * packed[start]
    packed[end : end + 4] = zlib.crc32(packed[start:end]).to_bytes(4, "little")
    patch.write_bytes(packed)
    assert "Memory usage limit" in _refused(source, patch, tmp_path / "made")


def test_a_bundle_that_there_is_no_room_for_is_refused_at_once(
    source: Path, tmp_path: Path
) -> None:
    """Before a byte of it is written."""
    data = source.read_bytes()
    patch = _handmade(tmp_path / "patch", data, data, (COPY, 1000, 0, b""))
    header = struct.pack(
        "<8sQ32sQ32s", b"LBpatch1", 1000, hashlib.sha256(data).digest(), 1 << 60, b""
    )
    patch.write_bytes(header + checksum(header) + patch.read_bytes()[len(header) + 8 :])
    assert "no room for the 1,152,921,504,606,846,976 bytes" in _refused(
        source, patch, tmp_path / "made"
    )


def test_another_old_bundle_is_refused(old: Path, new: Path, tmp_path: Path) -> None:
    """By its digest, before anything is made of it; both are told."""
    make_patch(old, new, tmp_path / "patch")
    cause = _refused(new, tmp_path / "patch", tmp_path / "made")
    assert "is not the bundle that the patch changes" in cause
    for path in (old, new):
        assert hashlib.sha256(path.read_bytes()).hexdigest()[:12] in cause


def test_only_bundles_make_a_patch(old: Path, tmp_path: Path) -> None:
    """A damaged one makes none either; nothing is written."""
    broken = Path(shutil.copy(old, tmp_path / "broken"))
    os.truncate(broken, old.stat().st_size // 2)
    other = tmp_path / "other"
    other.write_text("no bundle")
    for pair in ((old, broken), (broken, old), (old, other), (other, old)):
        with pytest.raises(BundleError):
            make_patch(*pair, tmp_path / "patch")
    assert not (tmp_path / "patch").exists()


def test_a_patch_of_a_large_directory(library: Library, packing: str, tmp_path: Path) -> None:
    """One module more among a thousand changes the shard that it is in, and hardly another."""
    tree: Tree = {f"m{number:04}.py": f"VALUE = {number}\n" for number in range(1200)}
    old, new = (
        Path(library.place(each, packing).entry) for each in (tree, {**tree, "m0500x.py": "x = 1"})
    )
    make_patch(old, new, tmp_path / "patch")
    apply_patch(old, tmp_path / "patch", tmp_path / "made")
    assert (tmp_path / "made").read_bytes() == new.read_bytes()
    assert (tmp_path / "patch").stat().st_size < new.stat().st_size // 20
