"""Blobs too large for memory: decoded and checked part by part."""

from ..errors import BundleIOError
from ..format import PIECE, Checksum
from ..format.listing import ENCODING_DEFLATE, Ref
from .containers import decode, zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from .containers import SqliteContainer
    from .zipfile import ZipContainer


def copied(container: "SqliteContainer | ZipContainer", ref: Ref, file: "BinaryIO") -> bool:
    """Write a blob's raw bytes to a file; tell whether they were those that were built.

    If not, some may have been written.
    """
    whole = Checksum()
    try:
        for part in decoded(container, ref):
            whole.update(part)
            file.write(part)
    except (BundleIOError, ValueError):  # as in Archive.blob: the hint is old
        return False
    return whole.digest() == ref.checksum


def decoded(container: "SqliteContainer | ZipContainer", ref: Ref) -> "Iterator[bytes]":
    """Yield the raw bytes to which a reference's hint leads, in parts.

    Raises ValueError if it cannot be right or they do not decode, BundleIOError if the system
    refuses to read them.
    """
    if not ref.offset:
        raise ValueError("nobody knows where it is")
    parts = container.parts(ref)
    if ref.encoding == ENCODING_DEFLATE:
        yield from _inflated(parts, ref.raw)
    elif ref.encoding:
        yield decode(b"".join(parts), ref)
    else:
        yield from parts


def _inflated(parts: "Iterator[bytes]", size: int) -> "Iterator[bytes]":
    stream = zlib().decompressobj(-15)
    left = size
    try:
        for part in parts:
            waiting = part
            while True:
                most = min(left + 1, PIECE)  # bounded: a bomb ends one byte too far
                raw: bytes = stream.decompress(waiting, most)
                yield raw
                left -= len(raw)
                waiting = stream.unconsumed_tail
                # As much as was asked for: the stream may keep more, though it has taken all
                if left < 0 or (not waiting and len(raw) < most):
                    break
    except zlib().error as error:
        raise ValueError(str(error)) from error
    if left or not stream.eof:
        raise ValueError(f"decompresses to other than {size} bytes")
