"""Which bytes are compressed, and with what: the choices of `--compress`."""

import importlib
from collections.abc import Sequence
from typing import Any, Literal
from zlib import crc32

from litebundle.cache.cache import NOTHING, Cache
from litebundle.collect.tree import Packed
from litebundle.errors import BuildError
from litebundle.write.encoding import Encoded, deflated, in_parts, plain, squeezable
from litebundle.write.startup import Startup

Kind = Literal["auto", "none", "zlib", "zstd"]
KINDS: tuple[Kind, ...] = ("auto", "none", "zlib", "zstd")

_CODES = 320 << 10
_TRACED_CODES = 640 << 10
"""Bytes of code that zstd compresses together, and less than as many again (MOST_PARTED relies on
it). Twice as many take 3 % less; but then an import has to undo more that it does not need, unless
a trace has told what start-up needs. A dictionary, which single modules need, takes as much of the
time of these as it saves of their size.
"""

FILES = 1 << 20
"""Likewise of files, of which a program reads few."""

_BORDERS = 4
"""One in so many paths ends a group that is large enough."""

_OWN = ("backports/__init__.py", "backports/zstd/")
"""What undoes zstd on Pythons before 3.14, where it comes in the bundle itself."""


class Compression:
    """The choice of `--compress`, for a bundle of which start-up reads what `startup` names.

    "auto" keeps code as it is, since its import would wait, and deflates the rest where it pays;
    once it is known what start-up imports, it keeps only that as it is, joined. What it writes any
    Python reads.
    """

    def __init__(
        self, kind: Kind = "auto", startup: Startup | None = None, cache: Cache = NOTHING
    ) -> None:
        self.kind = kind
        self.startup = startup or Startup()
        self._cache = cache
        self._zstd: Any = _zstd() if kind == "zstd" else None

    @property
    def is_for_size(self) -> bool:
        """Whether a small file is worth some time of each import."""
        return self.kind in ("zlib", "zstd")

    @property
    def packs_code(self) -> bool:
        """Whether code is compressed; joined, what start-up imports is there a second time."""
        return bool(self.startup) if self.kind == "auto" else self.kind != "none"

    def packs_file(self, path: str) -> bool:
        """Tell whether the content of a file is compressed."""
        if self.kind == "auto":
            return path.endswith(".py") or path not in self.startup
        return self.kind != "none"

    def code(self, code: Encoded) -> Encoded:
        """Encode the code of a module, which is as it is so far."""
        if self._zstd is not None or not self.packs_code:
            return code
        return deflated(Packed(code.whole, known=code.digest))

    @property
    def packs_joined(self) -> bool:
        """Whether joined streams are deflated."""
        return self.kind == "zlib"

    def joined(self, content: Encoded) -> Encoded:
        """Encode a joined stream, which is as it is so far."""
        if self._zstd is not None:
            return self._cache.compressed(content.whole, self._zstd)
        return deflated(Packed(content.whole)) if self.packs_joined else content

    def file(self, path: str, content: Packed) -> Encoded:
        """Encode a file."""
        if self._zstd is not None or not self.packs_file(path):
            return plain(content.raw, content.digest)
        return deflated(content)

    @property
    def codes(self) -> int:
        """Bytes of code that are compressed together, 0 if each is by itself."""
        if self._zstd is None:
            return 0
        return _TRACED_CODES if self.startup else _CODES

    def together(self, items: Sequence[tuple[str, Encoded]], size: int) -> list[Encoded]:
        """Encode what stands side by side, and was encoded one by one so far.

        zstd compresses it as one group, but for what is of the size alone.
        """
        found = [encoded for _, encoded in items]
        if self._zstd is None:
            return found
        group: list[int] = []  # places in `found`
        seen: set[bytes] = set()
        for number, (path, encoded) in enumerate(items):
            if path.startswith(_OWN) or not squeezable(encoded) or encoded.digest in seen:
                continue  # who writes the same again, refers to the first
            seen.add(encoded.digest)
            if encoded.raw >= size:
                self._join(found, [number])
            else:
                group.append(number)
        if group:
            self._join(found, group)
        return found

    def _join(self, found: list[Encoded], group: Sequence[int]) -> None:
        members = [found[number] for number in group]
        data = b"".join(each.whole for each in members)
        whole = self._cache.compressed(data, self._zstd)
        if whole.encoding:
            packed = in_parts(whole, members) if len(members) > 1 else [whole]
            for number, encoded in zip(group, packed, strict=True):
                found[number] = encoded
        elif len(group) > 1:  # one of them may be what does not get smaller
            for number in group:
                self._join(found, [number])


def is_border(path: str) -> bool:
    """Tell whether a group may end with what has that path: by nothing that stands beside it."""
    return crc32(path.encode()) % _BORDERS == 0


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
