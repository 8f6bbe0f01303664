"""Everything that can be said against a bundle, by us and by those who know its container."""

import importlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

from litebundle.errors import BundleCorrupt
from litebundle.inspect.bundle import Bundle
from litebundle.inspect.check import Check
from litebundle.runtime.containers import SqliteContainer


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found; a bundle is sound if there are no `problems`.

    `notes` do not keep it from working; `blobs` were read, of `size` bytes together, with the
    listings.
    """

    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()
    blobs: int = 0
    size: int = 0


def verify(path: str | os.PathLike[str]) -> Verdict:
    """Read everything in a bundle, and compare what is told twice.

    Raises BundleError, other than for damage, if the file cannot be taken for a bundle at all.
    """
    try:
        bundle = Bundle(path)
    except BundleCorrupt as error:
        error.file = None
        return Verdict(problems=(error.cause,))
    check = Check(bundle.archive)
    problems = check.run()
    database = bundle.container == SqliteContainer.name
    # Who verifies a zip does not need apsw.
    view = importlib.import_module(f"litebundle.inspect.{'database' if database else 'stock'}")
    whole = not problems
    problems += view.unsound(bundle)
    if whole and not problems:  # else one fault would be told many times over
        problems += view.contradictions(bundle, check)
    return Verdict(
        problems=tuple(problems),
        notes=tuple(_notes(check)),
        blobs=len(check.blobs),
        size=check.read,
    )


def _notes(check: Check) -> Iterator[str]:
    if check.moved:
        yield (
            f"{check.moved} of the blobs and listings are not where their references say, as after"
            " a VACUUM or a zip tool: they are found more slowly"
        )
