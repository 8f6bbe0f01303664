"""Reading and encoding in threads, ahead of the one that stores them."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

from litebundle.collect.tree import Entry, batches
from litebundle.write.compression import FILES, is_border
from litebundle.write.encoding import Encoded

_AHEAD = 128 << 20
"""Bytes of files read before the writer comes to them: this much memory at most, and often less."""

_FILE = 4 << 10
"""What a file counts beside its bytes."""

_DEPTH = 2 * (os.cpu_count() or 1)
"""Items ahead of the one that was asked for: each may be some MiB."""

_THREADS = min(os.cpu_count() or 1, 32)
"""No more than can run at once: each waits for the others whenever a call of the system is over."""

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class Ahead:
    """Encodes entries, some at a time, from the moment it is made; gives them out in their order.

    Reading, hashing and deflating release the GIL, so that this goes on while code is compiled.
    What `is_kept` has only to be looked up, and is so by who asks for it: threads that do would but
    take the GIL in turns with the compiling. Leaving the context drops what nobody asked for.
    """

    def __init__(
        self,
        encode: Callable[[list[Entry]], list[Encoded]],
        entries: Iterable[Entry],
        is_kept: Callable[[Entry], bool],
    ) -> None:
        self._encode = encode
        self._is_kept = is_kept
        self._batches = batches(
            entries,
            size=FILES,
            weight=_weight,
            ends=lambda entry: is_border(entry.path),
        )
        self._pending: deque[tuple[list[Entry], Future[list[Encoded]] | None]] = deque()
        self._room = _AHEAD
        self._threads = ThreadPoolExecutor(_THREADS)
        self._submit()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._threads.shutdown(cancel_futures=True)

    def __iter__(self) -> Iterator[tuple[Entry, Encoded]]:
        """Yield every entry with what it is encoded to; raises what reading it raises."""
        while self._pending:
            batch, future = self._pending.popleft()
            if future is None:
                yield from zip(batch, self._encode(batch), strict=True)
                continue
            yield from zip(batch, future.result(), strict=True)
            self._room += sum(map(_weight, batch))
            self._submit()

    def _submit(self) -> None:
        while self._room > 0 and (batch := next(self._batches, None)):
            # The rest of it is mostly as these are, and nothing depends on it but time
            if self._is_kept(batch[0]) and self._is_kept(batch[-1]):
                self._pending.append((batch, None))
                continue
            self._room -= sum(map(_weight, batch))
            self._pending.append((batch, self._threads.submit(self._encode, batch)))


def _weight(entry: Entry) -> int:
    return entry.size + _FILE


def mapped(function: Callable[[_In], _Out], items: Iterable[_In]) -> Iterator[_Out]:
    """Yield what the function makes of each item, in their order, made in threads ahead of that."""
    with ThreadPoolExecutor() as threads:
        pending: deque[Future[_Out]] = deque()
        for item in items:
            pending.append(threads.submit(function, item))
            if len(pending) > _DEPTH or pending[0].done():
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
