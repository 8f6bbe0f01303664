"""Every bit of a small bundle turned over, and what `verify` says of it."""

import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from litebundle.errors import BundleError
from litebundle.format.listing import ENCODING_DEFLATE
from litebundle.inspect.check import Check
from litebundle.inspect.verify import verify
from litebundle.runtime.archive import open_archive
from tests.property.targets import sample

# [1.3] of SQLite's file format: how often the schema was changed, and which SQLite wrote last
_TELL_NOTHING = {*range(40, 44), *range(96, 100)}

NOTICED, NAMED, PASSED_OVER = "noticed", "named as unused", "passed over"


def flipped(container: str, positions: Iterable[tuple[int, int]]) -> tuple[Counter[str], set[int]]:
    """Turn bits over, one at a time; return what became of them, and the bytes passed over.

    A position is that of a byte (counted around the end) and the bits of it.
    """
    outcomes: Counter[str] = Counter()
    silent = set()
    data = bytearray(sample(container))
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "app")
        for position, bits in positions:
            at = position % len(data)
            data[at] ^= bits
            path.write_bytes(data)
            data[at] ^= bits
            outcome = _outcome(path)
            outcomes[outcome] += 1
            if outcome == PASSED_OVER:
                silent.add(at)
    return outcomes, silent


def _outcome(path: Path) -> str:
    try:
        verdict = verify(path)
    except BundleError:
        return NOTICED
    if verdict.problems:
        return NOTICED
    return NAMED if verdict.notes else PASSED_OVER


def tell_nothing(container: str) -> set[int]:
    """Return the bytes of which some bits may be anything.

    They are two numbers of SQLite's header, and the last byte of what is deflated: its last block
    ends somewhere in it (RFC 1951, 3.2.3).
    """
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "app")
        path.write_bytes(sample(container))
        archive = open_archive(str(path))
        assert archive is not None
        check = Check(archive)
        check.run()
        ends = {
            archive.container.base + ref.offset + ref.stored - 1
            for ref in check.at.values()
            if ref.encoding == ENCODING_DEFLATE
        }
    return ends | (_TELL_NOTHING if container == "sqlite" else set())
