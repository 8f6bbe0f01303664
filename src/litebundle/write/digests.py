"""The digests that a signature is over, in runs, and the table that says where each run is."""

import hashlib
from collections.abc import Callable, Mapping, Sequence

from litebundle.format import checksum
from litebundle.format.listing import Ref
from litebundle.format.signature import DIGEST_SIZE, RUN

Complete = Callable[[str], list[tuple[str, str]]]
"""Return all pairs of the manifest, given what it says of the table of digests."""

Places = Mapping[int, tuple[int, int]]
"""Offset and local size, as in `Ref`, by number."""


def digests_in_order(digests: Mapping[int, bytes]) -> list[bytes]:
    """Return the digest of each number from 1 on; zeros, which nothing has, for unused ones."""
    return [digests.get(n, bytes(DIGEST_SIZE)) for n in range(1, max(digests, default=0) + 1)]


def digests_runs(digests: Sequence[bytes]) -> list[bytes]:
    """Return the digests in the pieces that are read and checked at once."""
    return [b"".join(digests[at : at + RUN]) for at in range(0, len(digests), RUN)]


def digests_table(runs: Sequence[bytes], places: Places) -> bytes:
    """Return reference and SHA-256 of each run."""
    entries = (
        _reference(run, number, places[number]) + hashlib.sha256(run).digest()
        for number, run in enumerate(runs, 1)
    )
    return b"".join(entries)


def digests_reference(table: bytes, number: int, place: tuple[int, int]) -> str:
    """Return reference and SHA-256 of the table, as the manifest has them."""
    return f"{_reference(table, number, place).hex()} {hashlib.sha256(table).hexdigest()}"


def _reference(data: bytes, number: int, place: tuple[int, int]) -> bytes:
    size = len(data)
    ref = Ref(identifier=number, at=place, sizes=(size, size), encoding=0, checksum=checksum(data))
    return ref.encode()
