"""What the references of a bundle lead to: each blob and listing read once, and every byte checked.

Nothing is unmarshalled or executed.
"""

import contextlib
import hashlib

from litebundle.errors import BundleError
from litebundle.format import PIECE, Checksum, checksum
from litebundle.format.listing import ENCODING_PART, Ref
from litebundle.inspect.claims import Claims
from litebundle.inspect.finding import Finding
from litebundle.runtime.archive import Archive
from litebundle.runtime.containers import BLOBS
from litebundle.runtime.groups import parted
from litebundle.runtime.large import decoded
from litebundle.write.content import Blob

DAMAGED = b""
"""For the digest of what cannot be read."""


class Contents:
    """What was read so far, and what is wrong with it.

    `blobs` is what was referred to by number, `read` the bytes that went through a checksum,
    `moved` how many blobs and listings were not where their references say, `at` the references of
    the others by table and number.
    """

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.blobs: dict[int, Blob] = {}
        self.read = 0
        self.moved = 0
        self.at: dict[tuple[str, int], Ref] = {}
        self._claims = Claims(archive.stamp[2])
        self._base = archive.container.base
        self._refs: dict[int, tuple[object, ...]] = {}
        self._parts: dict[int, int] = {}  # bytes of groups that are parts so far
        self._found: list[Finding] = []

    def _tell(
        self,
        where: str,
        what: str,
        expected: str | int | None = None,
        found: str | int | None = None,
    ) -> None:
        self._found.append(Finding(where=where, what=what, expected=expected, found=found))

    def _blob(self, ref: Ref | None, what: str) -> Blob | None:
        """Return what a reference leads to, read and checked at the first of equal references."""
        if ref is None:
            return None
        known = self._refs.setdefault(ref.identifier, _fields(ref))
        blob = self.blobs.get(ref.identifier)
        if known != _fields(ref):
            self._tell(what, f"another reference to blob {ref.identifier} differs")
            return None
        if blob is not None:
            return blob
        digest = self._digest(ref, what)
        blob = Blob(
            identifier=ref.identifier,
            stored=ref.stored,
            raw=ref.raw,
            encoding=ref.encoding,
            checksum=ref.checksum,
            digest=DAMAGED if digest is None else digest,
        )
        self.blobs[ref.identifier] = blob
        if ref.encoding == ENCODING_PART:
            self._check_group(ref, what)
        return blob

    def _check_group(self, ref: Ref, what: str) -> None:
        """Read and check what a blob is a part of, once, and count its parts."""
        try:
            group = parted(self.archive.container.find(BLOBS, ref, lambda data, _: data))
        except (BundleError, ValueError):  # which was told when the part was to be read
            return
        # By different names no bytes: else what is undone could be the square of the file's size
        parts = self._parts[group.identifier] = self._parts.get(group.identifier, 0) + ref.raw
        if not ref.raw or parts > group.raw:
            raise ValueError(f"{what}: its group has more parts than bytes")
        self._blob(group, f"group {group.identifier}")

    def _digest(self, ref: Ref, what: str) -> bytes | None:
        """Return SHA-256 of what a reference leads to, None if it is not what was built."""
        self._claim(ref, what)
        if ref.raw > PIECE:
            whole, digest, size = Checksum(), hashlib.sha256(), 0
            with contextlib.suppress(ValueError):
                for part in decoded(self.archive.container, ref):
                    whole.update(part)
                    digest.update(part)
                    size += len(part)
                if size == ref.raw and whole.digest() == ref.checksum:
                    self.read += size
                    self.at[BLOBS, ref.identifier] = ref
                    return digest.digest()
        data = self._content(ref, BLOBS, what)
        return None if data is None else hashlib.sha256(data).digest()

    def _known(self, blob: Blob) -> bytes:
        """Return the raw bytes of what was read before, and was sound."""
        ref = self.at.get((BLOBS, blob.identifier)) or Ref(
            identifier=blob.identifier,
            at=(0, 0),
            sizes=(blob.stored, blob.raw),
            encoding=blob.encoding,
            checksum=blob.checksum,
        )
        return self.archive.blob(ref)

    def _claim(self, ref: Ref, what: str) -> None:
        try:
            self._claims.content(ref)
        except ValueError as error:
            raise ValueError(f"{what}: {error}") from error

    def _content(self, ref: Ref, table: str, what: str) -> bytes | None:
        data = self._hinted(ref)
        if data is not None and checksum(data) == ref.checksum:
            if data:  # nothing is anywhere
                self.at[table, ref.identifier] = ref
        else:
            try:
                data = self.archive.container.find(table, ref, self.archive.unpack)
            except BundleError as error:
                error.file = error.build = None  # whoever asked knows which file it is about
                self._tell(what, error.cause)
                return None
            except ValueError as error:
                self._tell(what, str(error))
                return None
            if (found := checksum(data)) != ref.checksum:
                where = f" at byte {self._base + ref.offset}" if ref.offset else ""
                self._tell(what, f"checksum mismatch{where}", ref.checksum.hex(), found.hex())
                return None
            self.moved += ref.offset != 0
        self.read += len(data)
        if len(data) == ref.raw:
            return data
        self._tell(what, "another size than its reference says", ref.raw, len(data))
        return None

    def _hinted(self, ref: Ref) -> bytes | None:
        """Return what stands at a reference's offset, None if it can be no such blob."""
        if not ref.offset:
            return None
        try:
            return self.archive.unpack(self.archive.container.stored(ref), ref)
        except ValueError:
            return None


def _fields(ref: Ref) -> tuple[object, ...]:
    return ref.offset, ref.stored, ref.raw, ref.encoding, ref.checksum
