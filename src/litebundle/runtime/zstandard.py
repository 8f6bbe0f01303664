"""Undoing zstd: by the standard library of Python 3.14, or by its backport where that is there."""

from .standard import standard_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_zstd: "Any" = None  # loaded with the first bytes that are compressed


def _module() -> "Any":
    try:
        return standard_module("_zstd")
    except ModuleNotFoundError:
        return __import__("backports.zstd._zstd", fromlist=["_zstd"])


class Expander:
    """What undoes the frames of a bundle; `shared` is its dictionary, empty if it has none.

    Raises ModuleNotFoundError if there is nothing that knows zstd, ValueError for no dictionary.
    """

    __slots__ = ("_shared",)

    def __init__(self, shared: bytes) -> None:
        global _zstd  # noqa: PLW0603  # by threads at once, which does no harm
        if _zstd is None:
            _zstd = _module()
        self._shared = _zstd.ZstdDict(shared) if shared else None

    def __repr__(self) -> str:
        return f"<Expander with {self._shared!r}>"

    def expand(self, data: bytes, size: int) -> bytes:
        """Undo one frame; raises ValueError unless just `size` bytes come out of all of it."""
        try:
            stream = _zstd.ZstdDecompressor(self._shared)
            raw: bytes = stream.decompress(data, size + 1)  # bounded, as inflate
        except _zstd.ZstdError as error:
            raise ValueError(str(error)) from error
        if len(raw) != size or not stream.eof or stream.unused_data:
            raise ValueError(f"decompresses to other than {size} bytes")
        return raw
