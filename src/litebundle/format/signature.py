"""What is signed of a bundle, and minisign's formats of public keys and signatures.

The signature is the last pair of the manifest before the checksum, and over the lines of all pairs
before it (FORMAT.md, "Signature"). minisign: https://jedisct1.github.io/minisign/.
"""

from .manifest import lines

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

APP, VERSION, DIGESTS, PREFIX, SIGNATURE = "app", "version", "digests", "prefix", "signature"
"""The pairs that signing adds, in this order; `prefix` only where the file begins with a line."""

DIGEST_SIZE = 32
RUN = 128
"""How many digests are read, and checked, at once: 4 kB."""

_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_KEY, _HASHED = b"Ed", b"ED"  # minisign's: a key, a signature of the BLAKE2b-512 of what is signed


class PublicKey:
    """Whom signatures are checked with: `identifier` (8 bytes) tells keys apart, `value` is 32."""

    __slots__ = ("identifier", "value")

    def __init__(self, identifier: bytes, value: bytes) -> None:
        self.identifier = identifier
        self.value = value

    def __repr__(self) -> str:
        return f"<PublicKey {key_name(self.identifier)}>"

    @property
    def line(self) -> str:
        """The second line of a public key file."""
        return base64(_KEY + self.identifier + self.value)


def parse_key(line: str) -> PublicKey:
    """Parse the second line of minisign's public key file; raises ValueError for anything else."""
    data = unbase64(line)
    if len(data) != 42 or data[:2] != _KEY:
        raise ValueError("no public key of minisign")
    return PublicKey(data[2:10], data[10:])


class Signature:
    """By the key `identifier`: `value` (64 bytes); `comment_value` is over it and the comment."""

    __slots__ = ("comment_value", "identifier", "value")

    def __init__(self, identifier: bytes, value: bytes, comment_value: bytes) -> None:
        self.identifier = identifier
        self.value = value
        self.comment_value = comment_value

    @property
    def text(self) -> str:
        """The value of the pair: the second and the fourth line of minisign's signature file."""
        return f"{base64(_HASHED + self.identifier + self.value)} {base64(self.comment_value)}"


def parse_signature(text: str) -> Signature:
    """Parse `Signature.text`; raises ValueError for anything else."""
    first, second = map(unbase64, text.split(" "))
    if len(first) != 74 or first[:2] != _HASHED or len(second) != 64:
        raise ValueError("no signature of minisign")
    return Signature(first[2:10], first[10:], second)


class Statement:
    """What was signed: `text` are the manifest's lines, the rest is what they say.

    `app` is the application, `version` a number that only goes up; `digests` are the reference of
    the table of digests, its SHA-256, and the number of digests before those of the listings.
    """

    __slots__ = ("app", "digests", "signature", "text", "version")

    def __init__(self, manifest: "dict[str, str]") -> None:
        *signed, (last, text) = manifest.items()
        if last != SIGNATURE:
            raise ValueError("something stands behind the signature")
        self.signature = parse_signature(text)
        self.text = lines(signed)
        self.app = manifest[APP]
        self.version = parse_version(manifest[VERSION])
        if not is_app(self.app):
            raise ValueError(f"no name of an application: {self.app!r}")
        reference, digest, count = manifest[DIGESTS].split(" ")
        self.digests = bytes.fromhex(reference), bytes.fromhex(digest), int(count)

    @property
    def comment(self) -> str:
        """What minisign shows as the trusted comment."""
        return f"{self.app} {self.version}"


def without_signature(pairs: "Iterable[tuple[str, str]]") -> list[tuple[str, str]]:
    """Return the pairs of a manifest without those of a signature."""
    own = (APP, VERSION, DIGESTS, PREFIX, SIGNATURE)
    return [(key, value) for key, value in pairs if key not in own]


def is_app(name: str) -> bool:
    """Tell whether an application may have that name: letters, digits, and `._-` behind the first.

    So it is a file name, and a word of a trust file.
    """
    return name.isascii() and name[:1].isalnum() and all(c.isalnum() or c in "._-" for c in name)


def parse_version(text: str) -> int:
    """Return the number; raises ValueError if it is not written as `str` does, or below 0."""
    number = int(text) if len(text) <= 18 and text.isdecimal() else -1
    if str(number) != text or number < 0:
        raise ValueError(f"no version: {text!r}")
    return number


def key_name(identifier: bytes) -> str:
    """Return a key's name as minisign shows it: 16 hexadecimal digits."""
    return identifier[::-1].hex().upper()


def base64(data: bytes) -> str:
    """Encode as RFC 4648, section 4 (binascii is a module more)."""
    padding = -len(data) % 3
    number = int.from_bytes(data + bytes(padding))
    digits = (len(data) + padding) // 3 * 4
    text = "".join(_BASE64[number >> 6 * place & 63] for place in reversed(range(digits)))
    return text[: digits - padding] + "=" * padding


def unbase64(text: str) -> bytes:
    """Decode what `base64` encodes; raises ValueError for anything else."""
    bare = text.rstrip("=")
    if not set(bare) <= set(_BASE64):
        raise ValueError("no base64")
    number = 0
    for letter in bare:
        number = number << 6 | _BASE64.index(letter)
    spare = len(bare) * 6 % 8
    data = (number >> spare).to_bytes(len(bare) * 6 // 8)
    if base64(data) != text:
        raise ValueError("no base64")
    return data
