"""Which content a file had when a build read it: valid for as long as nobody touches the file.

A file is known again by its device, inode, size and its times of change in nanoseconds. The second
of these, ctime, is set by the system at every change of content and cannot be set back.
"""

import contextlib
import hashlib
import marshal
import os
import secrets
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from litebundle.cache.packs import ASIDE, make
from litebundle.collect.tree import Entry
from litebundle.format import checksum

SUFFIX = ".seen"
_MAGIC = b"LBseen\0\1"
_SETTLED = 100_000_000
"""Nanoseconds for which a file was left alone before it is relied on: clocks of file systems tick,
and what changes twice within a tick has the times of the first change."""

_COARSE = 3_000_000_000  # of file systems that count whole seconds, or two


class Seen:
    """What is known of the files of some sources; with no `path`, nothing is kept.

    `digest` and `note` may be called by any thread. `recalled` is what `remembered` was last time:
    plain values, by names.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._started = time.time_ns()
        self._known: dict[str, tuple[tuple[int, ...], bytes]] = {}
        self._noted: dict[str, tuple[tuple[int, ...], bytes]] = {}
        self.recalled: dict[str, Any] = {}
        self.remembered: dict[str, Any] = {}
        if path is not None:
            with contextlib.suppress(OSError, ValueError, EOFError, TypeError):
                data = path.read_bytes()
                if data[:8] == _MAGIC and data[8:16] == checksum(data[16:]):
                    self._known, self.recalled = marshal.loads(data[16:])

    @property
    def keeps(self) -> bool:
        """Tell whether anything is kept."""
        return self._path is not None

    def digest(self, entry: Entry) -> bytes | None:
        """Return the SHA-256 of a file's content, if that is known."""
        known = self._known.get(entry.location)
        if known is None or entry.stamp is None or known[0] != entry.stamp:
            return None
        self._noted[entry.location] = known
        return known[1]

    def note(self, entry: Entry, digest: bytes) -> None:
        """Keep the digest of a file that was read by now and is as `entry` has it."""
        if self._path is None or entry.stamp is None:
            return
        *_, changed, status = entry.stamp
        age = self._started - max(changed, status)
        if age > (_COARSE if changed % 10**9 == 0 else _SETTLED):
            self._noted[entry.location] = entry.stamp, digest

    def finish(self) -> None:
        """Write down what is known, for the next build."""
        if self._path is None or not self._noted:  # of archives nothing is kept
            return
        if self._noted == self._known and self.remembered == self.recalled:
            with contextlib.suppress(OSError):
                os.utime(self._path)
                return
        data = marshal.dumps((self._noted, self.remembered), 2)
        aside = self._path.with_name(f"{self._path.name}-{secrets.token_hex(4)}{ASIDE}")
        with contextlib.suppress(OSError):
            make(self._path.parent)
            try:
                with aside.open("xb", buffering=0) as file:
                    file.write(_MAGIC + checksum(data) + data)
                aside.replace(self._path)
            finally:
                aside.unlink(missing_ok=True)


def name(places: Iterable[object]) -> str:
    """Return the name of the file about sources at these places."""
    text = "\0".join(map(str, places))
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:32] + SUFFIX
