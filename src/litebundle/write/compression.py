"""Which bytes are compressed, and with what: the choices of `--compress`."""

import importlib
from collections.abc import Sequence
from typing import Any, Literal

from litebundle.collect.tree import Packed
from litebundle.errors import BuildError
from litebundle.write.encoding import Encoded, deflated, in_parts, plain, squeezable, zstandard
from litebundle.write.startup import Startup

Kind = Literal["auto", "none", "zlib", "zstd"]
KINDS: tuple[Kind, ...] = ("auto", "none", "zlib", "zstd")

_DICTIONARY = 112_640
"""Most bytes of one, zstd's own default: twice as much gains nothing, half as much loses 2 %."""

_SHARE = 50
"""One byte of dictionary for so many of sources: it saves some 3 % of what it is made of."""

_SAMPLES = 6 << 20
"""Bytes of code that the dictionary is made of: more of it finds no more in common."""

CODES = 128 << 10
"""Bytes of code that zstd compresses together: 64 KiB take 3 % more, and 256 KiB 3 % less; but then
an import has to undo more that it does not need (sympy from a bundle without a trace: a tenth)."""

FILES = 1 << 20
"""Likewise of files, of which a program reads few."""

_OWN = ("backports/__init__.py", "backports/zstd/")
"""What undoes zstd on Pythons before 3.14, where it comes in the bundle itself."""


class Compression:
    """The choice of `--compress`, for a bundle of which start-up reads what `startup` names.

    "auto" keeps code as it is, since its import would wait, and deflates the rest where it pays;
    once it is known what start-up imports, it keeps only that code as it is. What it writes any
    Python reads. `dictionary` is what zstd needs beside the bytes, empty until `train` was called.
    """

    def __init__(self, kind: Kind = "auto", startup: Startup | None = None) -> None:
        self.kind = kind
        self.startup = startup or Startup()
        self.dictionary = b""
        self._zstd: Any = _zstd() if kind == "zstd" else None
        self._shared: Any = None
        self._room = 0

    @property
    def is_for_size(self) -> bool:
        """Whether a small file is worth some time of each import."""
        return self.kind in ("zlib", "zstd")

    @property
    def is_work(self) -> bool:
        """Whether any code is compressed at all."""
        return bool(self.startup) if self.kind == "auto" else self.kind != "none"

    def packs_code(self, path: str) -> bool:
        """Tell whether the code of a source is compressed."""
        return self.is_work and (self.kind != "auto" or path not in self.startup)

    def packs_file(self, path: str) -> bool:
        """Tell whether the content of a file is compressed."""
        if self.kind == "auto":
            return path.endswith(".py") or path not in self.startup
        return self.kind != "none"

    def code(self, path: str, code: Encoded) -> Encoded:
        """Encode the code of a source, which is as it is so far."""
        if self._zstd is not None or not self.packs_code(path):
            return code
        return deflated(Packed(code.whole, known=code.digest))

    def file(self, path: str, content: Packed) -> Encoded:
        """Encode a file."""
        if self._zstd is not None or not self.packs_file(path):
            return plain(content.raw, content.digest)
        return deflated(content)

    def samples(self, sizes: Sequence[int]) -> list[int]:
        """Return which of so many sources, by their sizes in bytes, `train` wants the code of."""
        if self._zstd is None:
            return []
        self._room = min(sum(sizes) // _SHARE, _DICTIONARY)
        return list(range(0, len(sizes), sum(sizes) // _SAMPLES + 1))

    def train(self, codes: Sequence[bytes]) -> None:
        """Make the dictionary out of samples of the bundle's code, if they are enough for one."""
        try:
            self._shared = self._zstd.train_dict(codes, self._room)
        except (ValueError, self._zstd.ZstdError):  # too few, or too small
            return
        self.dictionary = self._shared.dict_content

    def together(self, items: Sequence[tuple[str, Encoded]], size: int) -> list[Encoded]:
        """Encode what stands side by side, and was encoded one by one so far.

        zstd compresses it in groups of some `size` bytes, but for what is as large itself.
        """
        found = [encoded for _, encoded in items]
        if self._zstd is None:
            return found
        group: list[int] = []  # places in `found`
        weight = 0
        for number, (path, encoded) in enumerate(items):
            if path.startswith(_OWN) or not squeezable(encoded):
                continue
            if encoded.raw >= size:
                self._join(found, [number])
                continue
            group.append(number)
            weight += encoded.raw
            if weight >= size:
                self._join(found, group)
                group, weight = [], 0
        if group:
            self._join(found, group)
        return found

    def _join(self, found: list[Encoded], group: Sequence[int]) -> None:
        members = [found[number] for number in group]
        whole = zstandard(b"".join(each.whole for each in members), self._zstd, self._shared)
        if whole is not None:
            packed = in_parts(whole, members) if len(members) > 1 else [whole]
            for number, encoded in zip(group, packed, strict=True):
                found[number] = encoded


def _zstd() -> Any:
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            continue
    raise BuildError(
        "--compress zstd: this Python cannot do that",
        hint="install backports.zstd (pip install 'litebundle[zstd]'), or use --compress zlib",
    )
