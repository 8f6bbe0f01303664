"""The cache of the builds: where it is, and its two parts."""

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litebundle.cache import seen
from litebundle.cache.packs import Packs
from litebundle.cache.seen import Seen
from litebundle.collect.tree import Entry, Packed
from litebundle.compile.target import Target
from litebundle.errors import BundleIOError
from litebundle.runtime.cache import candidates, is_chosen, refusal
from litebundle.write.encoding import LEVEL, ZSTD_LEVEL, Encoded, deflated, zstandard

_DIRECTORY = "builds"
_SOURCE = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Cache:
    """Results by content, and what is known of files; `refused` tells why it is not used."""

    packs: Packs
    seen: Seen
    refused: BundleIOError | None = None

    def digest(self, entry: Entry) -> tuple[bytes, bytes | None]:
        """Return the digest of a file (SHA-256), and its content if that had to be read."""
        known = self.seen.digest(entry)
        if known is not None:
            return known, None
        content = entry.packed()
        digest = content.digest
        self.seen.note(entry, digest)
        return digest, content.raw

    def has_deflated(self, entry: Entry) -> bool:
        """Tell whether `deflated` need not read the file."""
        digest = self.seen.digest(entry)
        return digest is not None and key(_DEFLATED, digest) in self.packs

    def deflated(self, entry: Entry) -> Encoded:
        """Return a file that is in no archive as `deflated` encodes it."""
        digest, data = self.digest(entry)

        def make() -> Encoded:
            return deflated(entry.packed() if data is None else Packed(data, known=digest))

        return self._made(key(_DEFLATED, digest), digest, make)

    def compressed(self, data: bytes, zstd: Any) -> Encoded:
        """Return bytes as `zstandard` encodes them with that module."""
        digest = hashlib.sha256(data).digest()
        each = key(hashlib.sha256(f"zstd\0{ZSTD_LEVEL}\0{zstd.zstd_version}\0".encode()), digest)
        return self._made(each, digest, lambda: zstandard(data, digest, zstd))

    def _made(self, each: bytes, digest: bytes, make: Callable[[], Encoded]) -> Encoded:
        """Return what is kept under the key, or made of the content of that digest."""
        found = self.packs.find(each)
        if found is None:
            found = make()
            if found.digest == digest:
                self.packs.add(each, found)
        return found


NOTHING = Cache(Packs(None), Seen(None))
"""Keeps nothing."""


def directory() -> Path:
    """Return the directory of the cache.

    It is in that of placed files if LITEBUNDLE_CACHE names it, or beside it in the user's cache.
    """
    first = Path(candidates()[0])
    beside = first.name == "placed" and not is_chosen()
    return first.with_name(_DIRECTORY) if beside else first / _DIRECTORY


@contextmanager
def opened(sources: Iterable[object], *, used: bool) -> Iterator[Cache]:
    """Yield the cache for a build of sources, and keep what was added to it.

    That is kept of a build that fails, too: the next one does not do it again.
    """
    if not used:
        yield NOTHING
        return
    path = directory()
    # What is in the directory of placed files is no safer than that.
    refused = refusal(str(path)) or (refusal(str(path.parent)) if is_chosen() else None)
    if refused is not None:
        yield Cache(Packs(None), Seen(None), refused)
        return
    cache = Cache(Packs(path), Seen(path / seen.name(sources)))
    try:
        yield cache
    finally:
        cache.packs.finish()
        cache.seen.finish()


def code_keys(target: Target) -> "list[hashlib._Hash]":
    """Return for each optimization level what the keys of its code begin with.

    The interpreter, and our own code that makes its output canonical.
    """
    names = (target.implementation, target.cache_tag, target.abiflags, target.build)
    common = "\0".join(("code", *names, target.magic.hex(), *_own(_COMPILING)))
    return [hashlib.sha256(f"{common}\0{level}\0".encode()) for level in target.optimize]


_COMPILING = ("compile/worker.py", "format/canonical.py")


def _own(files: Iterable[str]) -> Iterator[str]:
    """Yield digests of sources of ours: what they make is theirs, release or not."""
    for file in files:
        yield hashlib.sha256((_SOURCE / file).read_bytes()).hexdigest()


def key(prefix: "hashlib._Hash", digest: bytes, path: str = "") -> bytes:
    """Return the key of what is made of a content, and of its path in the bundle."""
    found = prefix.copy()
    found.update(digest + path.encode())
    return found.digest()


_DEFLATED = hashlib.sha256(f"deflated\0{LEVEL}\0{zlib.ZLIB_RUNTIME_VERSION}\0".encode())
