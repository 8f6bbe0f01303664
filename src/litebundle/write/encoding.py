"""How bytes are stored: as they are, or deflated where that pays."""

import _imp
import hashlib
import zlib
from dataclasses import dataclass
from stat import S_IFDIR, S_IFREG
from zipfile import ZipInfo

from litebundle.format import checksum
from litebundle.format.listing import ENCODING_DEFLATE, ENCODING_NONE
from litebundle.write.content import Blob

LEVEL = 4
"""Of deflating: half the time of level 6, for sources 5 % larger."""

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can tell
_UNCHECKED_HASH = b"\1\0\0\0"
_WORTH = 8  # deflate must save an eighth
_COMPRESSED = (b"\x1f\x8b", b"PK\3\4", b"\x89PNG", b"\xff\xd8\xff", b"wOF2", b"\x28\xb5\x2f\xfd")
"""First bytes of gzip, zip, PNG, JPEG, WOFF2 and zstd, in which there is nothing left to save."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """Bytes ready to be stored; `raw` is their size before encoding, `digest` SHA-256 of them."""

    data: bytes
    raw: int
    encoding: int
    checksum: bytes
    digest: bytes

    def as_blob(self, identifier: int) -> Blob:
        """Return what is kept of it once a writer has stored it under the identifier."""
        return Blob(
            identifier=identifier,
            stored=len(self.data),
            raw=self.raw,
            encoding=self.encoding,
            checksum=self.checksum,
            digest=self.digest,
            seal=checksum(self.data) if self.encoding else self.checksum,
        )


def plain(data: bytes, digest: bytes | None = None) -> Encoded:
    """Encode code: as it is, since start-up reads it. `digest` is its SHA-256, if known."""
    return _encoded(data, data, ENCODING_NONE, digest)


def deflated(data: bytes, packed: bytes | None = None, digest: bytes | None = None) -> Encoded:
    """Encode sources and data, which are rarely read: deflated if that saves an eighth.

    `packed` are the data deflated already (RFC 1951), if they came so; `digest` is their SHA-256.
    """
    if data.startswith(_COMPRESSED):
        return plain(data, digest)
    if packed is None:
        stream = zlib.compressobj(LEVEL, zlib.DEFLATED, -15)
        packed = stream.compress(data) + stream.flush()
    if len(packed) > len(data) - len(data) // _WORTH:
        return plain(data, digest)
    return _encoded(data, packed, ENCODING_DEFLATE, digest)


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
