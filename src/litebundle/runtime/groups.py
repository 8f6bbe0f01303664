"""Blobs that others are parts of: each is read and undone once for many of its parts."""

from ..errors import BundleCorrupt
from ..format.listing import ENCODING_PART, MOST_PARTED, PART_SIZE, REF_SIZE, Ref, decode_ref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .archive import Archive

_KEPT = 8 << 20
"""Raw bytes kept at most: imports jump from package to package, and come back. `import sympy` from
a bundle without a trace undoes 26 MB of groups with half as many, 19 MB so, and 17 MB with 12."""


class Groups:
    """The groups of an archive that were read last, and of which parts have not been asked for."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        # By the references to them, and with the bytes not asked for; for threads, replaced whole
        self._kept: dict[bytes, tuple[bytes, int]] = {}

    def __repr__(self) -> str:
        whole = sum(len(raw) for raw, _ in self._kept.values())
        return f"<Groups: {whole} bytes of {len(self._kept)}>"

    def part(self, data: bytes, ref: Ref, archive: "Archive") -> bytes:
        """Return the raw bytes of a blob that is stored as a part: `data` says of what.

        Raises ValueError if it is a part of nothing, BundleIOError if the system refuses to read.
        """
        key = data[:REF_SIZE]
        found = self._kept.get(key)
        if found is None or len(data) != PART_SIZE:
            whole = _read(data, archive)
            left = len(whole)
        else:
            whole, left = found
        start = int.from_bytes(data[REF_SIZE:], "little")
        raw = whole[start : start + ref.raw]
        if len(raw) != ref.raw:
            raise ValueError("it reaches beyond the group that it is a part of")
        self._keep(key, whole, left - len(raw))
        return raw

    def _keep(self, key: bytes, whole: bytes, left: int) -> None:
        kept = {key: (whole, left)} if left > 0 else {}
        room = _KEPT - len(whole)
        for other, found in self._kept.items():  # those asked last first
            if other == key:
                continue
            room -= len(found[0])
            if room < 0:
                break
            kept[other] = found
        self._kept = kept


def _read(data: bytes, archive: "Archive") -> bytes:
    try:
        return archive.group(parted(data))
    except BundleCorrupt as error:  # whoever has an old hint is led to no group, too
        raise ValueError(f"in the group that it is a part of: {error.message}") from error


def parted(data: bytes) -> Ref:
    """Return the group that stored bytes make a blob a part of.

    Raises ValueError if they do not say so.
    """
    group = decode_ref(data) if len(data) == PART_SIZE else None
    if group is None or group.encoding == ENCODING_PART or group.raw > MOST_PARTED:
        raise ValueError("a part of nothing")
    return group
