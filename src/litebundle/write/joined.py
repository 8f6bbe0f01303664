"""Joined code: what start-up imports, once more and many modules together, for one read of them."""

from collections.abc import Callable, Sequence

from litebundle.format.canonical import joined
from litebundle.format.listing import MOST_JOINED
from litebundle.write.content import Blob
from litebundle.write.encoding import Encoded, plain

SIZES = 256 << 10, 768 << 10
"""Bytes of code in a stream of several modules: of the first, and at most. Between, each has as
many as those before it: no more is unmarshalled in vain than was of use. The fewer, the sooner the
first module runs; the more, the fewer reads. `import sympy` takes 1 % longer with 1 MiB, which its
processor's cache does not hold, and 1 MB of memory more with 2 MiB.
"""


class Joining:
    """Joins the code of one variant as it is stored; `store` puts the stream of a number away."""

    def __init__(self, store: Callable[[int, Encoded], Blob]) -> None:
        self._store = store
        self._codes: dict[int, bytes] = {}
        self._size = 0
        self._joined = 0  # bytes, in streams
        self._last = 0
        self._streams: list[tuple[int, Blob]] = []

    def add(self, blob: Blob, code: bytes) -> None:
        """Take the code of a blob, which is canonical, and was stored behind those before.

        Or among them, as that of a module which is the same for two platforms.
        """
        if blob.identifier <= self._last or len(code) > MOST_JOINED // 2:
            return
        least, most = SIZES
        if self._codes and self._size + len(code) > max(least, min(self._joined, most)):
            self._join()
        self._codes[blob.identifier] = code
        self._size += len(code)
        self._last = blob.identifier

    def finish(self) -> list[tuple[int, Blob]]:
        """Return what there is: of each stream the last identifier of those joined, and its own."""
        if self._codes:
            self._join()
        return self._streams

    def _join(self) -> None:
        stream = encode_joined([*self._codes], [*self._codes.values()])
        self._streams.append((self._last, self._store(len(self._streams), plain(stream))))
        self._joined += self._size
        self._codes, self._size = {}, 0


def encode_joined(identifiers: Sequence[int], streams: Sequence[bytes]) -> bytes:
    """Encode the code of blobs as one, given their identifiers and canonical streams."""
    numbers = (len(identifiers), *identifiers)
    return b"".join(number.to_bytes(4, "little") for number in numbers) + joined(streams)
