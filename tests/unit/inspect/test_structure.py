"""What is told twice agrees: here what no forged listing of the top directory can get wrong."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from litebundle.format.listing import EXTENSION, PLACED
from litebundle.inspect.structure import contradictions
from litebundle.write.content import Blob, Directory, File, Module, Placement

BLOB = Blob(identifier=1, stored=3, raw=3, encoding=0, checksum=bytes(8), digest=bytes(32))
NATIVE = File(path="native.so", kind="", mode=0o644, blob=BLOB)


def placing(*files: File) -> Mapping[str, Directory]:
    """Return a bundle of one native module that has the files placed."""
    placement = Placement(unit="native", level=1, files=files)
    top = Directory(
        path="",
        variants=0,
        modules={"native": Module(flags=EXTENSION | PLACED, codes=[])},
        placements={"native": placement},
        files={"native.so": NATIVE},
    )
    return {"": top}


def test_placed_files_of_the_bundle_are_no_contradiction() -> None:
    """The very file, with the very mode."""
    assert list(contradictions(placing(NATIVE))) == []


@pytest.mark.parametrize(
    "placed",
    [
        replace(NATIVE, mode=0o755),
        replace(NATIVE, blob=replace(BLOB, digest=bytes([1] * 32))),
        replace(NATIVE, path="other.so"),
        replace(NATIVE, path="nowhere/native.so"),
    ],
    ids=["mode", "content", "name", "directory"],
)
def test_placed_files_that_the_bundle_has_not_are_told(placed: File) -> None:
    """What is put on disk is what is packed."""
    assert [*map(str, contradictions(placing(placed)))] == [
        f"placed files of native: {placed.path} is not the bundle's"
    ]
