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


def expand(data: bytes, size: int) -> bytes:
    """Undo one frame; raises ValueError unless just `size` bytes come out of all of it.

    Raises ModuleNotFoundError if there is nothing that knows zstd.
    """
    global _zstd  # noqa: PLW0603  # by threads at once, which does no harm
    if _zstd is None:
        _zstd = _module()
    try:
        stream = _zstd.ZstdDecompressor()
        raw: bytes = stream.decompress(data, size + 1)  # bounded, as inflate
    except _zstd.ZstdError as error:
        raise ValueError(str(error)) from error
    if len(raw) != size or not stream.eof or stream.unused_data:
        raise ValueError(f"decompresses to other than {size} bytes")
    return raw
