"""Keys to sign with, in minisign's files: who has a key of minisign's signs with that one.

https://jedisct1.github.io/minisign/ describes the formats.
"""

import base64
import binascii
import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from litebundle.errors import BuildError
from litebundle.format.signature import PublicKey, Signature, key_name

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_ALGORITHM, _SCRYPT, _NO_PASSWORD, _BLAKE2B = b"Ed", b"Sc", b"\0\0", b"B2"
_SIZE = 158  # of the binary form: three tags, salt, two limits, and the sealed part
_OPERATIONS, _MEMORY = 1 << 25, 1 << 30  # libsodium's SENSITIVE, as minisign: 1 GiB, some seconds
_MOST_MEMORY = (1 << 31) - 1  # that OpenSSL takes
_COMMENT = "untrusted comment:"

Ask = Callable[[], str]
"""Called for the password, if a key has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretKey:
    """A key to sign with: its `seed` of 32 bytes is the secret."""

    identifier: bytes
    seed: bytes = field(repr=False)

    @property
    def public(self) -> PublicKey:
        """What others check its signatures with."""
        return PublicKey(self.identifier, self._private().public_key().public_bytes_raw())

    def sign(self, message: bytes, comment: str) -> Signature:
        """Return minisign's signature of a message, with a comment that is signed too."""
        private = self._private()
        value = private.sign(hashlib.blake2b(message).digest())
        return Signature(self.identifier, value, private.sign(value + comment.encode()))

    def _private(self) -> "Ed25519PrivateKey":
        return _ed25519().from_private_bytes(self.seed)

    def encode(self, password: str | None) -> str:
        """Return the secret key file; without a password who reads it can sign."""
        secret = self.identifier + self.seed + self.public.value
        if password:
            salt, limits = secrets.token_bytes(32), (_OPERATIONS, _MEMORY)
            secret = _mixed(secret + _sum(secret), password, salt, limits)
            kind = _SCRYPT
        else:  # no costs, no sum, and the same comment, as minisign -W has it
            salt, limits, kind = bytes(32), (0, 0), _NO_PASSWORD
            secret += bytes(32)
        costs = b"".join(limit.to_bytes(8, "little") for limit in limits)
        data = _ALGORITHM + kind + _BLAKE2B + salt + costs + secret
        return f"{_COMMENT} minisign encrypted secret key\n{base64.b64encode(data).decode()}\n"


def new_key() -> SecretKey:
    """Return a new key."""
    return SecretKey(
        identifier=secrets.token_bytes(8), seed=_ed25519().generate().private_bytes_raw()
    )


def read_secret(path: Path, ask: Ask) -> SecretKey:
    """Read a secret key file; raises BuildError if it is none, or the password is another one."""
    data = _second_line(path)
    if len(data) != _SIZE or data[:2] != _ALGORITHM or data[4:6] != _BLAKE2B:
        raise _no_key(path)
    salt, secret = data[6:38], data[54:]
    kind = data[2:4]
    if kind == _SCRYPT:
        limits = int.from_bytes(data[38:46], "little"), int.from_bytes(data[46:54], "little")
        secret = _mixed(secret, ask(), salt, limits)
        if not secrets.compare_digest(_sum(secret[:72]), secret[72:]):
            raise BuildError(
                "wrong password, or a damaged key", file=str(path), hint="give its password again"
            )
    elif kind != _NO_PASSWORD:
        raise _no_key(path)
    key = SecretKey(identifier=secret[:8], seed=secret[8:40])
    if key.public.value != secret[40:72]:
        raise _no_key(path)
    return key


def write_keys(path: Path, key: SecretKey, password: str | None) -> Path:
    """Write PATH.key, for the owner alone, and PATH.pub; return the latter.

    Raises BuildError if one of them is there already: a key that is lost is lost for good. If the
    disk refuses, neither is.
    """
    if path.name in ("", ".."):
        raise BuildError(
            "names no key", file=str(path), hint="with the name k, the files are k.key and k.pub"
        )
    secret, public = path.with_name(path.name + ".key"), path.with_name(path.name + ".pub")
    for file in (secret, public):
        if os.path.lexists(file):
            raise BuildError("is there already", file=str(file), hint="name another one")
    text = key.encode(password)
    comment = f"{_COMMENT} minisign public key {key_name(key.identifier)}"
    with _created(public, 0o666, f"{comment}\n{key.public.line}\n"), _created(secret, 0o600, text):
        return public


@contextlib.contextmanager
def _created(file: Path, mode: int, text: str) -> Iterator[None]:
    """Write a new file; what fails, here or in the block, leaves none. What is there is kept."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        raise _refusal(file, error) from error
    try:
        try:
            with os.fdopen(descriptor, "w", newline="\n") as output:
                output.write(text)
                output.flush()
                os.fsync(output.fileno())
        except OSError as error:
            raise _refusal(file, error) from error
        yield
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def _refusal(file: Path, error: OSError) -> BuildError:
    return BuildError(
        f"cannot be written: {error.strerror}",
        file=str(file),
        hint="name a place that can be written",
    )


def signature_file(signature: Signature, comment: str) -> str:
    """Return minisign's file for a signature."""
    first, second = signature.text.split(" ")
    lines = (f"{_COMMENT} signature of a bundle", first, f"trusted comment: {comment}", second)
    return "\n".join(lines) + "\n"


def _second_line(path: Path) -> bytes:
    try:
        first, second = path.read_text(encoding="utf-8").splitlines()[:2]
        if not first.startswith(_COMMENT):
            raise _no_key(path)
        return base64.b64decode(second.strip(), validate=True)
    except OSError as error:
        raise BuildError(
            f"cannot be read: {error.strerror}", file=str(path), hint="`bundle keygen` makes a key"
        ) from error
    except (ValueError, binascii.Error) as error:
        raise _no_key(path) from error


def _no_key(path: Path) -> BuildError:
    return BuildError(
        "not a secret key of minisign", file=str(path), hint="`bundle keygen` makes one"
    )


def _sum(secret: bytes) -> bytes:
    return hashlib.blake2b(_ALGORITHM + secret, digest_size=32).digest()


def _mixed(secret: bytes, password: str, salt: bytes, limits: tuple[int, int]) -> bytes:
    """Encrypt or decrypt: the same, since it is an exclusive or with what scrypt makes."""
    power, blocks, lanes = _parameters(*limits)
    word = password.encode()  # here: its errors are no ValueErrors of scrypt
    try:
        stream = hashlib.scrypt(
            word,
            salt=salt,
            n=1 << power,
            r=blocks,
            p=lanes,
            maxmem=_MOST_MEMORY,
            dklen=len(secret),
        )
    except (MemoryError, ValueError) as error:
        raise BuildError(
            f"the key's password takes {(128 * blocks << power) >> 20:,} MiB of memory to check",
            hint="use a machine with more, or a key without a password",
        ) from error
    return bytes(a ^ b for a, b in zip(secret, stream, strict=True))


def _parameters(operations: int, memory: int) -> tuple[int, int, int]:
    """Return log2(N), r and p of scrypt as libsodium's pickparams does."""
    operations = max(operations, 32768)
    blocks = 8
    scarce = operations < memory // 32
    most = operations // (blocks * 4) if scarce else memory // (blocks * 128)
    power = next(power for power in range(1, 64) if 1 << power > most // 2 or power == 63)
    lanes = 1 if scarce else min((operations // 4) >> power, 0x3FFF_FFFF) // blocks
    return power, blocks, lanes


def _ed25519() -> "type[Ed25519PrivateKey]":
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise BuildError(
            "signing needs the package cryptography, which is not installed",
            hint='pip install "litebundle[sign]"; to check a signature takes nothing',
        ) from error
    return ed25519.Ed25519PrivateKey
