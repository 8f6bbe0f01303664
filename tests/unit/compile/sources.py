"""Entries for the tests of compiling, and a look at the processes they leave."""

import os
import signal
from collections.abc import Iterable, Mapping
from pathlib import Path

from litebundle.collect.tree import Entry, Kind


def entries(directory: Path, sources: Mapping[str, bytes | str]) -> list[Entry]:
    """Write the sources and return their entries, in the order given."""
    return [_entry(directory, path, source) for path, source in sources.items()]


def _entry(directory: Path, path: str, source: bytes | str) -> Entry:
    location = directory / path
    location.parent.mkdir(parents=True, exist_ok=True)
    data = source if isinstance(source, bytes) else source.encode()
    location.write_bytes(data)
    return Entry(path=path, location=str(location), mode=0o644, size=len(data), kind=Kind.SOURCE)


def children(pid: int) -> set[int]:
    """Return the processes started by one, zombies included."""
    tasks = Path(f"/proc/{pid}/task")
    while True:
        try:
            found = [(task / "children").read_text() for task in tasks.iterdir()]
        except (FileNotFoundError, ProcessLookupError):  # a thread has ended since
            if not tasks.exists():
                raise
            continue
        return {int(child) for each in found for child in each.split()}


def descriptors() -> set[str]:
    """Return this process's open descriptors."""
    return {link.name for link in Path("/proc/self/fd").iterdir()}


def freeze(processes: Iterable[int]) -> None:
    """Stop processes, so that they neither answer nor end unless they are killed."""
    for process in processes:
        os.kill(process, signal.SIGSTOP)


def script(path: Path, *lines: str) -> Path:
    """Write an executable shell script."""
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path
