"""What a writer meant to be in its file, compared with what is read from there.

Reading goes the way of an importing process: by the references, through our own reader, to the
bytes. These are compared and, but for what the zip library deflates, not decoded: what they say is
what the writer has encoded, and `inspect/check.py` is for files of others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from litebundle.errors import BundleCorrupt
from litebundle.format import PIECE, Checksum, checksum
from litebundle.format.listing import Ref, decode_ref
from litebundle.runtime.archive import Archive
from litebundle.runtime.containers import BLOBS, LISTINGS
from litebundle.runtime.large import decoded
from litebundle.write.content import Blob


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrote:
    """The manifest without its checksum; listings and blobs by their encoded references."""

    manifest: Mapping[str, str]
    listings: Sequence[tuple[bytes, bytes]]
    blobs: Sequence[tuple[bytes, Blob]]


def stands(archive: Archive, wrote: Wrote) -> bool:
    """Tell whether an archive has all that was written, where its references lead.

    Raises BundleIOError if the system refuses to read.
    """
    if archive.manifest != wrote.manifest:
        return False
    listings = (_stored(archive, LISTINGS, _decoded(ref)) == data for ref, data in wrote.listings)
    blobs = (_is(archive, _decoded(ref), blob) for ref, blob in wrote.blobs)
    try:
        return all(listings) and all(blobs)
    except (BundleCorrupt, ValueError):
        return False


def _decoded(encoded: bytes) -> Ref:
    ref = decode_ref(encoded)
    if ref is None:
        raise ValueError("a reference to nothing")
    return ref


def _stored(archive: Archive, table: str, ref: Ref) -> bytes:
    if ref.offset:
        return archive.container.stored(ref)
    # The bytes begin on an overflow page, to which only the row leads
    return archive.container.find(table, ref, lambda data, _: data)


def _is(archive: Archive, ref: Ref, blob: Blob) -> bool:
    if blob.seal is None:  # only the zip library has seen what it wrote
        return _sum(decoded(archive.container, ref)) == blob.checksum
    if ref.stored <= PIECE or not ref.offset:
        return checksum(_stored(archive, BLOBS, ref)) == blob.seal
    return _sum(archive.container.parts(ref)) == blob.seal


def _sum(parts: Iterable[bytes]) -> bytes:
    whole = Checksum()
    for part in parts:
        whole.update(part)
    return whole.digest()
