"""The contract between builder and loader: constants, records and their encoding. No file I/O.

FORMAT.md beside this file describes the whole; a second reader could be written from it.
"""

import _imp

VERSION = 1
"""Format version; `user_version` of the database, `format` of the manifest."""

APPLICATION_ID = 0x4C42444C
"""`application_id` of the database: "LBDL"."""

CHECKSUM_SIZE = 8

CHECKSUM_KEY = 0x6C697465_62756E64  # "litebund"


def checksum(data: bytes) -> bytes:
    """Return the 8 bytes of SipHash-1-3 (Aumasson, Bernstein; keys k0=CHECKSUM_KEY, k1=0).

    It is the builtin hash of hash-based pycs (PEP 552), so it costs no import and 3 us for 10 kB;
    `zlib.crc32` needs zlib and catches less. It detects damage; it is no signature.
    """
    return _imp.source_hash(CHECKSUM_KEY, data)
