"""Compiling with an interpreter what no build before has compiled with it."""

import hashlib
import os
import sys
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from types import TracebackType
from typing import Self

from litebundle.cache.cache import NOTHING, Cache, code_keys, key
from litebundle.collect.tree import Entry, Packed
from litebundle.compile import pool, worker
from litebundle.compile.pool import Pool
from litebundle.compile.target import Target
from litebundle.write.encoding import Encoded, plain

ERROR = 255
"""Encoding, in the cache, of a message that tells why a file does not compile."""

_LASTING = ("SyntaxError", "IndentationError", "TabError", "ValueError", "UnicodeDecodeError")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A file by its path and digest (SHA-256), and its code at every level, or why it has none."""

    path: str
    digest: bytes
    codes: tuple[Encoded, ...]
    error: str | None


@dataclass(frozen=True, slots=True)
class _File:
    """A file that is to be compiled; `keys` of its code by level, `kept` if there is all of it.

    `digest` is that of its source as it was `read` right now, or by an earlier build.
    """

    entry: Entry
    digest: bytes
    read: bool
    keys: list[bytes]
    kept: bool


class Compiler:
    """An interpreter, whose processes start when there is something to compile.

    `target` is what it compiles for. Leaving the context ends the processes. Raises BuildError if
    the interpreter cannot be used.
    """

    def __init__(
        self,
        python: str | os.PathLike[str] = sys.executable,
        optimize: tuple[int, ...] = (0,),
        jobs: int | None = None,
        cache: Cache = NOTHING,
    ) -> None:
        self._new_pool = partial(Pool, python, optimize, jobs)
        self._cache = cache
        self._pool: Pool | None = None
        if python == sys.executable:
            target = Target.of(worker.identity(), optimize)
            assert target is not None  # noqa: S101  # we are one
            self.target = target
        else:  # it may be a script that chooses, each time anew: there is nothing to know it by
            self.target = self._started().target
        self._prefixes = code_keys(self.target)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.close()

    def compile(self, entries: Iterable[Entry]) -> Generator[Compiled, None, None]:
        """Yield the compiled files in the order of the entries.

        Raises BuildError if a file cannot be read. Leaving the iteration before its end closes the
        pool.
        """
        waiting: deque[_File] = deque()
        missing = self._missing(entries, waiting)
        first = next(missing, None)
        if first is not None:
            for result in self._started().compile(chain([first], missing)):
                while (file := waiting.popleft()).kept:
                    yield self._load(file)
                yield self._keep(file, result)
        while waiting:
            yield self._load(waiting.popleft())

    def _missing(self, entries: Iterable[Entry], waiting: deque[_File]) -> Iterator[Entry]:
        """Yield what has to be compiled; all entries wait, in their order."""
        for entry in entries:
            digest, source = self._cache.digest(entry)
            keys = [key(prefix, digest, entry.path) for prefix in self._prefixes]
            kept = all(each in self._cache.packs for each in keys)
            waiting.append(_File(entry, digest, source is not None, keys, kept))
            if not kept:
                yield entry if source is None else _read(entry, source)

    def _load(self, file: _File) -> Compiled:
        """Return what is kept of a file; if that is damaged, compile it once more."""
        found = [self._cache.packs.find(each) for each in file.keys]
        codes = tuple(code for code in found if code is not None)
        if len(codes) < len(found):
            [result] = self._started().compile([file.entry])
            return self._keep(replace(file, read=False), result)
        error = codes[0].whole.decode() if codes[0].encoding == ERROR else None
        path, codes = file.entry.path, codes if error is None else ()
        return Compiled(path=path, digest=file.digest, codes=codes, error=error)

    def _keep(self, file: _File, result: pool.Compiled) -> Compiled:
        codes = tuple(map(plain, result.codes))
        digest = file.digest if file.read else hashlib.sha256(result.source).digest()
        kept = codes
        if result.error is not None:
            kept = (replace(plain(result.error.encode()), encoding=ERROR),) * len(file.keys)
        # A crash, or too little memory, may not be there the next time; nor a source of that key
        # if somebody writes to it now.
        lasting = result.error is None or result.error.startswith(_LASTING)
        if lasting and digest == file.digest:
            for each, code in zip(file.keys, kept, strict=True):
                self._cache.packs.add(each, code)
        return Compiled(path=result.path, digest=digest, codes=codes, error=result.error)

    def _started(self) -> Pool:
        if self._pool is None:
            self._pool = self._new_pool()
        return self._pool


def _read(entry: Entry, source: bytes) -> Entry:
    """Return the entry as one that has been read."""
    return replace(entry, archived=partial(Packed, source))
