"""The checksum is SipHash-1-3 with the documented key, on every Python."""

import _imp
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import litebundle.format
from litebundle.format import CHECKSUM_SIZE, PIECE, Checksum, checksum

_KEY = 0x6C697465_62756E64  # FORMAT.md
_MASK = (1 << 64) - 1


def _rotated(value: int, bits: int) -> int:
    return (value << bits | value >> 64 - bits) & _MASK


def _rounds(state: list[int], count: int) -> None:
    a, b, c, d = state
    for _ in range(count):
        a = a + b & _MASK
        b = _rotated(b, 13) ^ a
        a = _rotated(a, 32)
        c = c + d & _MASK
        d = _rotated(d, 16) ^ c
        a = a + d & _MASK
        d = _rotated(d, 21) ^ a
        c = c + b & _MASK
        b = _rotated(b, 17) ^ c
        c = _rotated(c, 32)
    state[:] = a, b, c, d


def siphash(key: tuple[int, int], data: bytes, compression: int, finalization: int) -> int:
    """Return SipHash-c-d as its paper describes it (Aumasson, Bernstein: SipHash, section 2)."""
    state = [
        key[0] ^ 0x736F6D6570736575,
        key[1] ^ 0x646F72616E646F6D,
        key[0] ^ 0x6C7967656E657261,
        key[1] ^ 0x7465646279746573,
    ]
    padded = data + bytes(-(len(data) + 1) % 8) + bytes((len(data) & 0xFF,))
    for start in range(0, len(padded), 8):
        word = int.from_bytes(padded[start : start + 8], "little")
        state[3] ^= word
        _rounds(state, compression)
        state[0] ^= word
    state[2] ^= 0xFF
    _rounds(state, finalization)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


@pytest.mark.parametrize(
    ("key", "rounds", "size", "expected"),
    [
        # The paper's appendix A; then vectors.h of the authors' reference implementation.
        ((0x0706050403020100, 0x0F0E0D0C0B0A0908), (2, 4), 15, 0xA129CA6149BE45E5),
        ((0x0706050403020100, 0x0F0E0D0C0B0A0908), (2, 4), 0, 0x726FDB47DD0E0E31),
        ((0x0706050403020100, 0x0F0E0D0C0B0A0908), (2, 4), 63, 0x958A324CEB064572),
        # Computed with that implementation for 1 and 3 rounds by OCaml, whose hash has our form
        # of a key (testsuite, hash_sip13).
        ((0, 0), (1, 3), 0, 0xD1FBA762150C532C),
        ((0, 0), (1, 3), 1, 0x68A914128E01E473),
        ((0, 0), (1, 3), 7, 0x2F098AB0C751325A),
        ((0, 0), (1, 3), 8, 0xEAD411E67EBE2EEA),
        ((0, 0), (1, 3), 63, 0x385D3E39E5F37359),
        ((1, 0), (1, 3), 0, 0xC44A0EBF4E962581),
        ((1, 0), (1, 3), 9, 0xA9D59BA0FEFC9497),
        ((1, 0), (1, 3), 63, 0xA35BF11B84B78BE0),
    ],
)
def test_the_reference_is_siphash(
    key: tuple[int, int], rounds: tuple[int, int], size: int, expected: int
) -> None:
    """The implementation in this file gives the published results."""
    assert siphash(key, bytes(range(size)), *rounds) == expected


@given(st.binary(max_size=200))
def test_checksum_is_siphash_1_3(data: bytes) -> None:
    """Any bytes have the checksum that FORMAT.md promises."""
    assert checksum(data) == siphash((_KEY, 0), data, 1, 3).to_bytes(CHECKSUM_SIZE, "little")


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 65_536])
def test_checksum_of_any_size(size: int) -> None:
    """The length, of which only a byte is hashed, may be more than a byte can hold."""
    data = bytes(n * 7 & 0xFF for n in range(size))
    assert checksum(data) == siphash((_KEY, 0), data, 1, 3).to_bytes(CHECKSUM_SIZE, "little")


def test_checksum_takes_what_is_read() -> None:
    """Bytes in any object are the same bytes."""
    buffers: list[Any] = [bytearray(b"data"), memoryview(b"data")]
    assert {checksum(buffer) for buffer in buffers} == {checksum(b"data")}


@pytest.mark.fault(1)
def test_every_flipped_bit_is_noticed() -> None:
    """No single changed bit of a blob leaves its checksum."""
    data = bytearray(range(256))
    sums = {checksum(bytes(data))}
    for position in range(len(data)):
        for bit in range(8):
            data[position] ^= 1 << bit
            sums.add(checksum(bytes(data)))
            data[position] ^= 1 << bit
    assert len(sums) == 1 + 8 * len(data)


@pytest.mark.parametrize("size", [0, PIECE - 1, PIECE])
def test_a_piece_is_hashed_at_once(size: int) -> None:
    """What is one piece or less has the checksum of its bytes."""
    data = b"x" * size
    assert checksum(data) == _imp.source_hash(_KEY, data)


@pytest.mark.parametrize("size", [PIECE + 1, 2 * PIECE, 2 * PIECE + 1])
def test_more_than_a_piece_is_hashed_by_the_piece(size: int) -> None:
    """The checksum of more is over the checksums of its pieces of 4 MiB, as FORMAT.md has it."""
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)
    sums = [_imp.source_hash(_KEY, data[at : at + (4 << 20)]) for at in range(0, size, 4 << 20)]
    assert len(sums) > 1
    assert checksum(data) == _imp.source_hash(_KEY, b"".join(sums))


@given(st.lists(st.binary(max_size=100), max_size=9))
def test_parts_may_be_of_any_size(parts: list[bytes]) -> None:
    """Of which parts the bytes come does not matter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(litebundle.format, "PIECE", 64)
        whole = Checksum()
        for part in parts:
            whole.update(part)
        assert whole.digest() == checksum(b"".join(parts))
