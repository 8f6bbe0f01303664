"""Runs are read in few pieces, give out the right bytes in any order, and give the memory back."""

import random

import pytest

from litebundle.runtime.startup import _BESIDE, PIECE, Run, runs


class _Source:
    """A file of known bytes that counts its reads."""

    def __init__(self, size: int) -> None:
        self.data = random.Random(1).randbytes(size)  # noqa: S311 - content of a test
        self.fetched: list[tuple[int, int]] = []
        self.run: Run | None = None
        self.most = 0  # bytes that the run has held with the piece being read

    def fetch(self, offset: int, size: int) -> bytes:
        self.fetched.append((offset, size))
        held = () if self.run is None else self.run._held
        self.most = max(self.most, size + sum(len(piece) for _, piece in held))
        return self.data[offset : offset + size]


_BLOB = 10_000
_SIZE = 3 * PIECE + 5 * _BLOB


@pytest.fixture
def source() -> _Source:
    """Return a file that has more than the run."""
    return _Source(_SIZE + 100)


def _read(run: Run, source: _Source, offset: int, size: int) -> bytes | None:
    return run.read(source, offset, size)  # type: ignore[arg-type]  # it is read by `fetch` alone


def _run(step: int) -> tuple[Run, range]:
    """Return a run, and where its blobs are in the order of being read."""
    offsets = range(100, 100 + _SIZE // _BLOB * _BLOB, _BLOB)[::step]
    return Run(100, max(offsets) + _BLOB, offsets[-1]), offsets


@pytest.mark.parametrize("step", [1, -1])
def test_a_run_is_read_in_pieces_each_once(source: _Source, step: int) -> None:
    """Upwards as a database stores it, downwards as a zip does its listings: a read a piece."""
    run, offsets = _run(step)
    for offset in offsets:
        assert _read(run, source, offset, _BLOB) == source.data[offset : offset + _BLOB]
    assert len(source.fetched) == 4
    assert sum(size for _, size in source.fetched) == run.end - run.start


@pytest.mark.parametrize("step", [1, -1])
def test_the_memory_is_given_back(source: _Source, step: int) -> None:
    """Once the last blob was given out, no piece is held any more, nor read ahead again."""
    run, offsets = _run(step)
    for offset in offsets[:-1]:
        _read(run, source, offset, _BLOB)
    assert run._held
    _read(run, source, offsets[-1], _BLOB)
    assert run._held == ()
    assert _read(run, source, offsets[0], _BLOB) is None
    assert run._held == ()


@pytest.mark.parametrize("step", [1, -1])
def test_little_more_than_one_piece_is_held(source: _Source, step: int) -> None:
    """While the next one is read, too: large pieces are not to cost memory."""
    source.run, offsets = _run(step)
    for offset in offsets:
        _read(source.run, source, offset, _BLOB)
    assert source.most == PIECE + _BESIDE


@pytest.mark.parametrize("step", [1, -1])
def test_what_is_beside_the_next_piece_is_kept(source: _Source, step: int) -> None:
    """SQLite has rows from the end of a page on, and the rest of a long one on later pages."""
    run = Run(0, _SIZE, _SIZE)
    pieces = [0, PIECE][::step]
    for piece in pieces:
        assert _read(run, source, piece, 1) is not None
    edge = PIECE if step < 0 else PIECE - _BESIDE
    assert _read(run, source, edge, _BESIDE) == source.data[edge : edge + _BESIDE]
    beyond = PIECE + _BESIDE if step < 0 else PIECE - _BESIDE - 1
    assert _read(run, source, beyond, 1) is None
    assert len(source.fetched) == 2


def test_no_order_reads_more_than_the_run(source: _Source) -> None:
    """A program that reads here and there is told to read by itself, and never wrong bytes."""
    run = Run(0, _SIZE, _SIZE)
    chance = random.Random(7)  # noqa: S311 - likewise
    alone = 0
    for _ in range(2000):
        size = chance.choice([1, 100, _BLOB, PIECE, 2 * PIECE])
        offset = chance.randrange(_SIZE - size)
        found = _read(run, source, offset, size)
        alone += found is None
        assert found in (None, source.data[offset : offset + size])
    assert 0 < alone < 2000
    assert len(source.fetched) == len(set(source.fetched)) <= 4


def test_what_is_long_is_read_by_itself(source: _Source) -> None:
    """A blob longer than a piece is not put together of several."""
    assert _read(Run(0, _SIZE, 0), source, 10, PIECE + 1) is None


def test_runs_outside_of_the_file_are_nothing() -> None:
    """What a manifest says of runs is a hint, and may be any numbers."""
    said = [(10, 20, 0), (0, 0, 0), (-50, 10, 0), (10, -5, 0), (90, 100, 0), (1 << 70, 5, 0)]
    assert [(run.start, run.end) for run in runs(said, 5, 100)] == [(15, 35)]
