"""Blobs that others are parts of: each is read and undone once for many of its parts."""

from ..errors import BundleCorrupt
from ..format.listing import ENCODING_PART, MOST_PARTED, PART_SIZE, REF_SIZE, Ref, decode_ref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .archive import Archive

_KEPT = 4 << 20
"""Raw bytes that are kept at most: imports jump from package to package, and come back."""


class Groups:
    """The groups of an archive that were read last, by the references to them."""

    __slots__ = ("_raw",)

    def __init__(self) -> None:
        self._raw: dict[bytes, bytes] = {}  # replaced whole: threads may be at it at once

    def __repr__(self) -> str:
        return f"<Groups: {sum(map(len, self._raw.values()))} bytes of {len(self._raw)}>"

    def part(self, data: bytes, ref: Ref, archive: "Archive") -> bytes:
        """Return the raw bytes of a blob that is stored as a part: `data` says of what.

        Raises ValueError if it is a part of nothing, BundleIOError if the system refuses to read.
        """
        key = data[:REF_SIZE]
        whole = self._raw.get(key)
        if whole is None or len(data) != PART_SIZE:
            whole = self._read(data, archive)
        start = int.from_bytes(data[REF_SIZE:], "little")
        raw = whole[start : start + ref.raw]
        if len(raw) != ref.raw:
            raise ValueError("it reaches beyond the group that it is a part of")
        return raw

    def _read(self, data: bytes, archive: "Archive") -> bytes:
        try:
            whole = archive.group(parted(data))
        except BundleCorrupt as error:  # whoever has an old hint is led to no group, too
            raise ValueError(f"in the group that it is a part of: {error.message}") from error
        kept = {data[:REF_SIZE]: whole}
        room = _KEPT - len(whole)
        for key, raw in self._raw.items():  # the newest first
            room -= len(raw)
            if room < 0:
                break
            kept[key] = raw
        self._raw = kept
        return whole


def parted(data: bytes) -> Ref:
    """Return the group that stored bytes make a blob a part of.

    Raises ValueError if they do not say so.
    """
    group = decode_ref(data) if len(data) == PART_SIZE else None
    if group is None or group.encoding == ENCODING_PART or group.raw > MOST_PARTED:
        raise ValueError("a part of nothing")
    return group
