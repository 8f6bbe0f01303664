"""Files are encoded ahead of the writer, within bounds, and come out in their order."""

import threading
from pathlib import Path

import pytest

from litebundle.collect.tree import Entry, Kind
from litebundle.errors import BuildError
from litebundle.write import ahead
from litebundle.write.ahead import Ahead
from litebundle.write.encoding import Encoded, plain


def _entries(directory: Path, count: int, size: int) -> list[Entry]:
    entries = []
    for number in range(count):
        path = f"{number:03}.txt"
        (directory / path).write_bytes(path.encode().ljust(size, b"."))
        entries.append(
            Entry(path=path, location=str(directory / path), mode=0o644, size=size, kind=Kind.DATA)
        )
    return entries


class _Reading:
    """Encodes as it is told, and remembers which entries it was given."""

    def __init__(self) -> None:
        self.paths: set[str] = set()
        self.changed = threading.Condition()

    def __call__(self, entries: list[Entry]) -> list[Encoded]:
        with self.changed:
            self.paths.update(entry.path for entry in entries)
            self.changed.notify()
        return [plain(entry.read()) for entry in entries]


def _none(_entry: Entry) -> bool:
    return False


def test_entries_come_out_in_their_order(tmp_path: Path) -> None:
    """Each with its own content, however many batches there are."""
    entries = _entries(tmp_path, 40, 100_000)
    with Ahead(_Reading(), entries, _none) as found:
        order = [(entry.path, next(encoded.parts())[:7]) for entry, encoded in found]
    assert order == [(f"{n:03}.txt", f"{n:03}.txt".encode()) for n in range(40)]


def test_reading_begins_before_anybody_asks(tmp_path: Path) -> None:
    """That is the use of it: the compilers work meanwhile."""
    reading = _Reading()
    with Ahead(reading, _entries(tmp_path, 3, 10), _none), reading.changed:
        assert reading.changed.wait_for(lambda: len(reading.paths) == 3, timeout=60)


def test_no_more_is_read_ahead_than_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded, whatever the size of the sources; the rest follows as room is made."""
    monkeypatch.setattr(ahead, "_AHEAD", 2 << 20)
    reading = _Reading()
    entries = _entries(tmp_path, 10, 1 << 20)
    with Ahead(reading, entries, _none) as found:
        with reading.changed:
            assert reading.changed.wait_for(lambda: len(reading.paths) == 2, timeout=60)
        first = next(iter(found))
        assert first[0] is entries[0]
        assert len(reading.paths) <= 3
        assert len([entry for entry, _ in found]) == 9
    assert len(reading.paths) == 10


def test_a_file_that_is_gone_fails_where_it_is_asked_for(tmp_path: Path) -> None:
    """Not before, and as the error that it is."""
    entries = _entries(tmp_path, 2, 1 << 20)
    Path(entries[1].location).unlink()
    with Ahead(_Reading(), entries, _none) as found:
        files = iter(found)
        assert next(files)[0] is entries[0]
        with pytest.raises(BuildError, match="cannot be read"):
            next(files)


def test_what_is_kept_is_encoded_by_who_asks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order of all; the rest is read ahead none the less."""
    monkeypatch.setattr(ahead, "FILES", 1)
    threads: dict[str, threading.Thread] = {}
    reading = _Reading()

    def encode(entries: list[Entry]) -> list[Encoded]:
        threads.update(dict.fromkeys((e.path for e in entries), threading.current_thread()))
        return reading(entries)

    entries = _entries(tmp_path, 6, 10)
    kept = entries[1:5]
    with Ahead(encode, entries, kept.__contains__) as found:
        with reading.changed:
            assert reading.changed.wait_for(lambda: len(reading.paths) == 2, timeout=60)
        assert reading.paths == {"000.txt", "005.txt"}
        assert [entry for entry, _ in found] == entries
    here = {path for path, thread in threads.items() if thread is threading.current_thread()}
    assert here == {entry.path for entry in kept}
