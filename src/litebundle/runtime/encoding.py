"""Decoding of stored bytes; imported only where something is encoded (zlib costs 0.4 ms)."""

import sys
from _frozen_importlib import module_from_spec
from _frozen_importlib_external import PathFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    import zlib
else:

    def _standard_zlib() -> object:
        # The app may have a module of that name, which would be asked to unpack itself.
        if "zlib" in sys.builtin_module_names:
            return __import__("zlib")
        homes = tuple({sys.base_prefix, sys.base_exec_prefix})
        spec = PathFinder.find_spec("zlib", [path for path in sys.path if path.startswith(homes)])
        if spec is None:
            return __import__("zlib")
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    zlib = _standard_zlib()


def inflate(data: bytes, size: int) -> bytes:
    """Undo raw deflate; raises ValueError unless exactly `size` bytes come out, whatever is in."""
    stream = zlib.decompressobj(-15)
    try:
        raw = stream.decompress(data, size + 1)  # bounded: a bomb ends one byte too far
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if len(raw) != size or not stream.eof:
        raise ValueError(f"decompresses to other than {size} bytes")
    return raw
