"""What the analyser found in an earlier build of the same sources, where that still holds.

It follows from the paths, from the sources that say anything about paths (some of a hundred), and
from the others saying nothing. So it holds after a change to one of the others, if that goes on
saying nothing.
"""

import hashlib
import pkgutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from litebundle.cache.cache import Cache
from litebundle.collect.tree import Entry, Kind
from litebundle.place.analyser import Analyser, Evidence
from litebundle.place.ground import is_test
from litebundle.place.judge import Finding
from litebundle.place.level import Level


def evidence(analyser: Analyser, cache: Cache, name: str) -> dict[str, Evidence]:
    """Return what the analyser finds, or found in a build before; `name` tells trees apart."""
    memory = _Memory(analyser, cache)
    recalled = cache.seen.recalled.get(name)
    if recalled is not None and memory.holds(recalled):
        found = _restored(recalled["evidence"])
    else:
        memory.read()
        found = analyser.evidence(thorough=False)
        recalled = None
    if cache.seen.keeps:
        kept = recalled["telling"] if recalled else sorted(analyser.sources)
        exports = recalled["exports"] if recalled else dict(analyser.exports)
        cache.seen.remembered[name] = {
            "outline": memory.outline,
            "digests": memory.digests,
            "telling": kept,
            "exports": exports,
            "evidence": _plain(found),
        }
    return found


class _Memory:
    """The state of a tree: `outline` digests all but its sources, `digests` are those by path."""

    def __init__(self, analyser: Analyser, cache: Cache) -> None:
        self._analyser = analyser
        self._cache = cache
        self._sources = [e for e in analyser.ground.entries.values() if e.kind is Kind.SOURCE]
        self.digests: dict[str, bytes] = {}
        self.outline = self._outline() if cache.seen.keeps else b""

    def read(self) -> None:
        """Have the analyser see all sources."""
        for entry in self._sources:
            digest, source = self._cache.digest(entry)
            self.digests[entry.path] = digest
            self._analyser.see(entry.path, entry.read() if source is None else source)

    def holds(self, recalled: Mapping[str, Any]) -> bool:
        """Tell whether nothing has changed that matters."""
        if recalled["outline"] != self.outline:
            return False
        before, telling = recalled["digests"], set(recalled["telling"])
        for entry in self._sources:
            digest, source = self._cache.digest(entry)
            self.digests[entry.path] = digest
            if before.get(entry.path) != digest and (
                entry.path in telling or self._tells(entry, source, recalled["exports"])
            ):
                return False
        return True

    def _tells(
        self, entry: Entry, source: bytes | None, exports: Mapping[str, list[tuple[bytes, bytes]]]
    ) -> bool:
        """Tell whether a source that said nothing says something now."""
        source = entry.read() if source is None else source
        unit = self._analyser.ground.unit(entry.path)
        return self._analyser.says(entry.path, source) or (
            not is_test(entry.path)
            and any(name in source and stem in source for name, stem in exports.get(unit or "", ()))
        )

    def _outline(self) -> bytes:
        digest = hashlib.sha256(repr((self._analyser.version, *_own())).encode())
        for entry in self._analyser.ground.entries.values():
            digest.update(f"{entry.path}\0{entry.kind.value}\n".encode())
            if entry.path.endswith(".dist-info/RECORD"):
                digest.update(self._cache.digest(entry)[0])
        return digest.digest()


def _own() -> list[bytes]:
    """Return our sources that decide what is found."""
    here = Path(__file__).parent
    names = sorted(path.name for path in here.glob("*.py"))
    return [pkgutil.get_data(__package__, name) or b"" for name in names]


def _plain(found: Mapping[str, Evidence]) -> dict[str, Any]:
    return {
        unit: (
            [(int(f.level), f.path, f.line, f.sentence, f.reach) for f in evidence.findings],
            evidence.served,
        )
        for unit, evidence in found.items()
    }


def _restored(found: Mapping[str, Any]) -> dict[str, Evidence]:
    return {
        unit: Evidence(
            findings=[
                Finding(level=Level(level), path=path, line=line, sentence=sentence, reach=reach)
                for level, path, line, sentence, reach in findings
            ],
            served=served,
        )
        for unit, (findings, served) in found.items()
    }
