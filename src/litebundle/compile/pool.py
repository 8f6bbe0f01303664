"""Compiling many files at once, answering in the order given."""

import os
import sys
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from litebundle.collect.tree import Entry, batches
from litebundle.compile.process import Answer, Source, Worker, WorkerDiedError

_BATCH = 64 << 10
"""Bytes of source that a worker gets at once: some 50 ms of work, hundreds of times a message's."""

_AHEAD = 8 << 20
"""Bytes of source read ahead: keeps the other workers busy while one has a very large file."""

_FILE = 1 << 10
"""What a file counts beside its bytes, so that there is an end to a batch of empty ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """A file and its code at every level asked for; no code, and why, if it does not compile."""

    path: str
    source: bytes
    codes: tuple[bytes, ...]
    error: str | None


class Pool:
    """Worker processes of one interpreter, at most `jobs` (default: the usable processors).

    `target` is what they compile for. Leaving the context kills them. Raises BuildError if the
    interpreter cannot be used.
    """

    def __init__(
        self,
        python: str | os.PathLike[str] = sys.executable,
        optimize: tuple[int, ...] = (0,),
        jobs: int | None = None,
    ) -> None:
        self._python = python
        self._lock = threading.Lock()  # over the three below; never held while a worker works
        self._closed = False
        self._workers: set[Worker] = set()
        self._idle: list[Worker] = []
        # The threads only wait for their workers.
        self._threads = ThreadPoolExecutor(_processors() if jobs is None else jobs)
        try:
            first = self._start()
            self.target = first.greet(optimize)
            self._idle.append(first)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill the workers, whatever they are at, and wait for their end."""
        with self._lock:
            self._closed = True
            for worker in self._workers:
                worker.kill()
        self._threads.shutdown(cancel_futures=True)
        while self._workers:
            self._workers.pop().close()

    def compile(self, entries: Iterable[Entry]) -> Generator[Compiled, None, None]:
        """Yield the compiled files in the order of the entries.

        A file that is no Python, or kills its compiler, is yielded with its error. Raises
        BuildError if a file cannot be read. Leaving the iteration before its end closes the pool.
        """
        submitted: deque[_Submitted] = deque()
        ahead = 0
        finished = False
        try:
            for batch in batches(entries, size=_BATCH, weight=lambda entry: entry.size + _FILE):
                sources = [(entry.path, entry.read()) for entry in batch]
                submitted.append(_Submitted(sources, self._threads.submit(self._work, sources)))
                ahead += _weight(sources)
                while submitted and (ahead > _AHEAD or submitted[0].answers.done()):
                    first = submitted.popleft()
                    ahead -= _weight(first.sources)
                    yield from first.results()
            while submitted:
                yield from submitted.popleft().results()
            finished = True
        finally:
            if not finished:
                self.close()

    def _work(self, sources: list[Source]) -> list[Answer]:
        try:
            return self._ask(sources)
        except WorkerDiedError:
            # One of the files did it. The others are worth another worker.
            return [self._ask_alone(source) for source in sources]

    def _ask_alone(self, source: Source) -> Answer:
        try:
            return self._ask([source])[0]
        except WorkerDiedError as died:
            return (), f"the compiler crashed: {died}"

    def _ask(self, sources: list[Source]) -> list[Answer]:
        worker = self._take()
        try:
            answers = worker.compile(self.target.optimize, sources)
        except BaseException:
            with self._lock:
                self._workers.discard(worker)
            worker.close()
            raise
        with self._lock:
            self._idle.append(worker)
        return answers

    def _take(self) -> Worker:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        worker = self._start()
        worker.greet(self.target.optimize)
        return worker

    def _start(self) -> Worker:
        with self._lock:
            if self._closed:
                raise WorkerDiedError("the pool is closed")
            # Within the lock, so that close() sees every worker there is.
            worker = Worker(self._python)
            self._workers.add(worker)
            return worker


@dataclass(frozen=True, slots=True)
class _Submitted:
    """A batch under way."""

    sources: list[Source]
    answers: Future[list[Answer]]

    def results(self) -> Iterator[Compiled]:
        answers = self.answers.result()
        for (path, source), (codes, error) in zip(self.sources, answers, strict=True):
            yield Compiled(path=path, source=source, codes=codes, error=error)


def _weight(sources: list[Source]) -> int:
    return sum(len(source) + _FILE for _, source in sources)


def _processors() -> int:
    # Fewer than the machine's under taskset or in a container; not known on every platform.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
