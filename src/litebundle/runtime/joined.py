"""Joined code: what start-up imports, many modules by one read (FORMAT.md, "Joined code")."""

from marshal import loads

from ..errors import BundleError
from ..format.listing import MOST_JOINED, decode_ref
from ..format.manifest import joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

    from .archive import Archive

_CODE = type((lambda: None).__code__)


class Joined:
    """The joined streams of one variant: each is read once, when the first code of it is wanted.

    Nothing depends on them: what they do not give is read by itself. Raises ValueError if the
    manifest's value is none.
    """

    __slots__ = ("_codes", "_left", "_streams")

    def __init__(self, manifest: "dict[str, str]", variant: int) -> None:
        self._streams = joined(manifest, variant)
        self._left = len(self._streams)
        # By the identifiers of the blobs that have the same, as references have them
        self._codes: dict[bytes, CodeType] = {}

    def __repr__(self) -> str:
        return f"<Joined: {self._left} of {len(self._streams)} streams to be read>"

    def take(self, ref: bytes, archive: "Archive") -> "CodeType | None":
        """Return the code of an encoded reference, once: it is the caller's. None if not here."""
        key = ref[8:12]
        code = self._codes.pop(key, None)
        if code is None and self._left:
            self._read(int.from_bytes(key, "little"), archive)
            code = self._codes.pop(key, None)
        return code

    def _read(self, identifier: int, archive: "Archive") -> None:
        """Read the stream that may have the code of a blob, unless it was read before."""
        number = sum(last < identifier for last, _ in self._streams)
        if number == len(self._streams):
            return
        last, text = self._streams[number]
        if not text:
            return
        # First: of two threads one finds nothing, and reads what it wants by itself
        self._streams[number] = last, ""
        self._left -= 1
        try:
            ref = decode_ref(bytes.fromhex(text))
            if ref is None or ref.raw > MOST_JOINED:
                return
            keys, stream = split(archive.blob(ref))
            codes = loads(stream)
        except (BundleError, EOFError, TypeError, ValueError):  # too deeply nested, on Windows
            return
        if type(codes) is tuple and {_CODE}.issuperset(map(type, codes)):
            self._codes |= zip(keys, codes, strict=False)


def split(data: bytes) -> "tuple[list[bytes], memoryview]":
    """Return the identifiers of what is joined (4 bytes each), and the marshal stream."""
    start = 4 + 4 * min(int.from_bytes(data[:4], "little"), len(data) // 4)
    return [data[at : at + 4] for at in range(4, start, 4)], memoryview(data)[start:]
