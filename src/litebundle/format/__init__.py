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


PIECE = 4 << 20
"""Bytes that are hashed at once: of more, the checksum is over the checksums of such pieces."""


def checksum(data: bytes) -> bytes:
    """Return the 8 bytes of SipHash-1-3 (Aumasson, Bernstein; keys k0=CHECKSUM_KEY, k1=0).

    It is the builtin hash of hash-based pycs (PEP 552), so it costs no import and 3 us for 10 kB;
    `zlib.crc32` needs zlib and catches less. It detects damage; it is no signature.
    """
    if len(data) <= PIECE:
        return _imp.source_hash(CHECKSUM_KEY, data)
    whole = Checksum()
    whole.update(data)
    return whole.digest()


class Checksum:
    """The checksum of bytes that come in parts, for those that are too many for memory.

    The builtin hash takes all bytes at once; so long ones are hashed by the piece.
    """

    __slots__ = ("_held", "_sums")

    def __init__(self) -> None:
        self._held = bytearray()
        self._sums: list[bytes] = []

    def update(self, part: bytes) -> None:
        """Add a part, of any size."""
        view = memoryview(part)
        while len(self._held) + len(view) > PIECE:  # what is one piece has no sum of sums
            room = PIECE - len(self._held)
            self._held += view[:room]
            self._sums.append(_imp.source_hash(CHECKSUM_KEY, self._held))
            self._held.clear()
            view = view[room:]
        self._held += view

    def digest(self) -> bytes:
        """Return the checksum of all parts; to be asked once, at their end."""
        last = _imp.source_hash(CHECKSUM_KEY, self._held)
        if not self._sums:
            return last
        return _imp.source_hash(CHECKSUM_KEY, b"".join([*self._sums, last]))
