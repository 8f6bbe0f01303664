"""Ed25519 by integers: the vectors of RFC 8032, and what strict verifiers have to refuse."""

import secrets
from hashlib import sha512

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from litebundle.runtime.ed25519 import _decode, is_signature

# RFC 8032, section 7.1: public key, message, the two halves of the signature
_VECTORS = {
    "1": """
        d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a
        -
        e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155
        5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b
    """,
    "2": """
        3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c
        72
        92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da
        085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00
    """,
    "3": """
        fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025
        af82
        6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac
        18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a
    """,
    "SHA(abc)": """
        ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf
        {abc}
        dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589
        09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704
    """,
}
_VECTORS["SHA(abc)"] = _VECTORS["SHA(abc)"].format(abc=sha512(b"abc").hexdigest())
_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
# The points whose order divides 8, and the encodings of them that are not the only ones.
_SMALL = [
    (1).to_bytes(32, "little"),
    (_P - 1).to_bytes(32, "little"),
    bytes(32),
    bytes(31) + b"\x80",
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
    _P.to_bytes(32, "little"),
    (_P + 1).to_bytes(32, "little"),
    (1 | 1 << 255).to_bytes(32, "little"),
]


def _vector(name: str) -> tuple[bytes, bytes, bytes]:
    key, message, *signature = _VECTORS[name].split()
    return bytes.fromhex(key), bytes.fromhex(message.strip("-")), bytes.fromhex("".join(signature))


@pytest.mark.parametrize("name", _VECTORS)
def test_the_vectors_of_the_standard_are_accepted(name: str) -> None:
    """What RFC 8032 gives as signatures are signatures."""
    assert is_signature(*_vector(name))


@pytest.mark.parametrize("name", _VECTORS)
def test_any_flipped_bit_is_refused(name: str) -> None:
    """Of the key, the message, and the signature."""
    parts = _vector(name)
    for index, part in enumerate(parts):
        for position in range(0, 8 * len(part), 11):
            flipped = bytearray(part)
            flipped[position // 8] ^= 1 << position % 8
            altered = [*parts]
            altered[index] = bytes(flipped)
            assert not is_signature(*altered), (index, position)


def test_a_second_signature_cannot_be_made_of_a_first() -> None:
    """S has one value only: with the group's order added to it, it means the same."""
    key, message, signature = _vector("2")
    for times in (1, 2, 15):
        scalar = int.from_bytes(signature[32:], "little") + times * _L
        assert not is_signature(key, message, signature[:32] + scalar.to_bytes(32, "little"))


@pytest.mark.parametrize("point", _SMALL, ids=bytes.hex)
def test_keys_and_points_of_small_order_are_refused(point: bytes) -> None:
    """With such a key, S = 0 and R = the neutral element would sign a share of all messages."""
    for message in (b"", b"a", b"b", b"c", b"d", b"e", b"f", b"g", b"h"):
        for r in _SMALL:
            assert not is_signature(point, message, r + bytes(32))


def test_a_key_of_small_order_signs_nothing() -> None:
    """With the neutral element for a key, S = 1 and R = the base point would sign all messages."""
    key, r = (1).to_bytes(32, "little"), b"\x58" + b"\x66" * 31
    assert not is_signature(key, b"any", r + (1).to_bytes(32, "little"))


def test_a_signature_has_no_r_of_small_order() -> None:
    """Not even by the key's owner, as libsodium has it: here S = k a, and R the neutral element."""
    seed = bytes(range(32))
    key = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    secret = int.from_bytes(sha512(seed).digest()[:32], "little") & (1 << 254) - 8 | 1 << 254
    r = (1).to_bytes(32, "little")
    k = int.from_bytes(sha512(r + key + b"any").digest(), "little")
    assert not is_signature(key, b"any", r + (k * secret % _L).to_bytes(32, "little"))


@pytest.mark.parametrize("y", range(_P, 2**255))
def test_numbers_are_written_reduced(y: int) -> None:
    """The same point has no second encoding, with either sign of x."""
    for sign in (0, 1 << 255):
        assert _decode((y | sign).to_bytes(32, "little")) is None


@pytest.mark.parametrize("y", [2, _P + 2, _P + 18, 2**255 - 1])
def test_what_is_no_encoding_of_a_point_is_no_key(y: int) -> None:
    """Its y not on the curve, or written as a number that is reduced first."""
    _, message, signature = _vector("2")
    assert not is_signature((y % 2**256).to_bytes(32, "little"), message, signature)


def test_sizes_are_exact() -> None:
    """Neither a longer signature nor a shorter key is one."""
    key, message, signature = _vector("2")
    assert not is_signature(key, message, signature + b"\0")
    assert not is_signature(key, message, signature[:63])
    assert not is_signature(key + b"\0", message, signature)
    assert not is_signature(key[:31], message, signature)


def test_what_others_sign_is_accepted() -> None:
    """Keys and messages at random, signed by OpenSSL."""
    for size in range(0, 200, 5):
        private = Ed25519PrivateKey.generate()
        key, message = private.public_key().public_bytes_raw(), secrets.token_bytes(size)
        assert is_signature(key, message, private.sign(message))
        assert not is_signature(key, message + b"\0", private.sign(message))
