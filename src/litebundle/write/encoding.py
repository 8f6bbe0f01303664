"""How bytes are stored: as they are, or compressed where that pays."""

import _imp
import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from stat import S_IFDIR, S_IFREG
from typing import Any
from zipfile import ZipInfo

from litebundle.collect.tree import Packed
from litebundle.format import checksum
from litebundle.format.listing import (
    ENCODING_DEFLATE,
    ENCODING_NONE,
    ENCODING_PART,
    ENCODING_ZSTD,
    PART_SIZE,
)
from litebundle.write.content import Blob

LEVEL = 4
"""Of deflating: half the time of level 6, for sources 5 % larger."""

ZSTD_LEVEL = 19
"""Asked for by those who want it small: the best before it takes more memory."""

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can tell
_UNCHECKED_HASH = b"\1\0\0\0"
_WORTH = 8  # deflate must save an eighth
_COMPRESSED = (b"\x1f\x8b", b"PK\3\4", b"\x89PNG", b"\xff\xd8\xff", b"wOF2", b"\x28\xb5\x2f\xfd")
"""First bytes of gzip, zip, PNG, JPEG, WOFF2 and zstd, in which there is nothing left to save."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Bytes that are read by and by, since they are too many for memory; `seal` as in `Blob`."""

    size: int
    seal: bytes
    read: Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What is stored of a part of other bytes: where these are, which only the writer knows."""

    group: "Encoded"
    start: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """Bytes ready to be stored; `raw` is their size before encoding, `digest` SHA-256 of it."""

    data: "bytes | Parts | Part"
    raw: int
    encoding: int
    checksum: bytes
    digest: bytes

    def as_blob(self, identifier: int) -> Blob:
        """Return what is kept of it once a writer has stored it under the identifier."""
        return Blob(
            identifier=identifier,
            stored=self.stored,
            raw=self.raw,
            encoding=self.encoding,
            checksum=self.checksum,
            digest=self.digest,
            seal=self._seal() if self.encoding else self.checksum,
        )

    @property
    def stored(self) -> int:
        """Size in bytes as they are stored."""
        if isinstance(self.data, Part):
            return PART_SIZE
        return self.data.size if isinstance(self.data, Parts) else len(self.data)

    @property
    def whole(self) -> bytes:
        """What is stored, in one piece."""
        return self.data if isinstance(self.data, bytes) else b"".join(self.parts())

    def parts(self) -> Iterator[bytes]:
        """Yield what is stored; of a part, nobody knows it yet."""
        if isinstance(self.data, Part):
            raise TypeError("a part has no bytes of its own")
        return self.data.read() if isinstance(self.data, Parts) else iter((self.data,))

    def _seal(self) -> bytes | None:
        if isinstance(self.data, Part):
            return None
        return self.data.seal if isinstance(self.data, Parts) else checksum(self.data)


def plain(data: bytes, digest: bytes | None = None) -> Encoded:
    """Encode code: as it is, since start-up reads it. `digest` is its SHA-256, if known."""
    return _encoded(data, data, ENCODING_NONE, digest)


def deflated(content: Packed) -> Encoded:
    """Encode sources and data, which are rarely read: deflated if that saves an eighth."""
    data, digest = content.raw, content.digest
    if data.startswith(_COMPRESSED):
        return plain(data, digest)
    packed = _deflate(data) if content.deflated is None else content.deflated
    if len(packed) > len(data) - len(data) // _WORTH:
        return plain(data, digest)
    return _encoded(data, packed, ENCODING_DEFLATE, digest)


def pays(part: bytes) -> bool:
    """Tell whether deflating saves an eighth of what begins so."""
    if part.startswith(_COMPRESSED):
        return False
    return len(_deflate(part)) <= len(part) - len(part) // _WORTH


def deflater() -> "zlib._Compress":
    """Return what deflates as `deflated` does, by and by."""
    return zlib.compressobj(LEVEL, zlib.DEFLATED, -15)


def _deflate(data: bytes) -> bytes:
    stream = deflater()
    return stream.compress(data) + stream.flush()


def squeezable(content: Encoded) -> bool:
    """Tell whether compressing what is as it is so far may save anything."""
    data = content.data
    return (
        not content.encoding
        and isinstance(data, bytes)
        and not data.startswith(_COMPRESSED)
        and data != b""
    )


def zstandard(data: bytes, digest: bytes, zstd: Any) -> Encoded:
    """Encode bytes by the module given, if that saves an eighth; `digest` is their SHA-256."""
    packed = zstd.compress(data, ZSTD_LEVEL)
    if len(packed) > len(data) - len(data) // _WORTH:
        return plain(data, digest)
    return _encoded(data, packed, ENCODING_ZSTD, digest)


def in_parts(group: Encoded, members: Iterable[Encoded]) -> Iterator[Encoded]:
    """Encode what the raw bytes of a group are, in their order, as its parts."""
    start = 0
    for member in members:
        yield replace(member, data=Part(group=group, start=start), encoding=ENCODING_PART)
        start += member.raw


def as_part(group: bytes, start: int) -> bytes:
    """Return what is stored of a part, given the encoded reference to the group."""
    return group + start.to_bytes(PART_SIZE - len(group), "little")


def pyc_header(magic: bytes, code: bytes) -> bytes:
    """Return the 16 bytes in front of code in a `.pyc` that is never compared with its source.

    That is an unchecked hash-based one (PEP 552). Nobody looks at the hash; made of the code, it
    keeps out what else could vary.
    """
    return magic + _UNCHECKED_HASH + _imp.source_hash(0, code)


def zip_info(name: str, mode: int = 0o644) -> ZipInfo:
    """Return what a zip says of a member: nothing of the time, nor of the machine."""
    info = ZipInfo(name, _EPOCH)
    info.create_system = 3  # Unix, whatever builds it
    info.external_attr = (S_IFDIR | mode if name.endswith("/") else S_IFREG | mode) << 16
    return info


def _encoded(raw: bytes, stored: bytes, encoding: int, digest: bytes | None) -> Encoded:
    return Encoded(
        data=stored,
        raw=len(raw),
        encoding=encoding,
        checksum=checksum(raw),
        digest=digest or hashlib.sha256(raw).digest(),
    )
