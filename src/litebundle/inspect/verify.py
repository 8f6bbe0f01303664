"""Everything that can be said against a bundle, by us and by those who know its container."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from litebundle.errors import BundleCorrupt
from litebundle.format.signature import key_name
from litebundle.inspect.bundle import Bundle
from litebundle.inspect.check import Check
from litebundle.inspect.signature import statement_of, unsigned
from litebundle.runtime.containers import SqliteContainer
from litebundle.runtime.trust import Trust


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


def verify(path: str | os.PathLike[str], trust: Trust | None = None) -> Verdict:
    """Read everything in a bundle, and compare what is told twice.

    With keys to `trust`, all of it has to be signed. Raises BundleError, other than for damage, if
    the file cannot be taken for a bundle at all.
    """
    try:
        bundle = Bundle(path)
    except BundleCorrupt as error:
        error.file = None
        return Verdict(problems=(error.cause,))
    check = Check(bundle.archive)
    problems = check.run()
    unsound, contradictions = _views(bundle)
    whole = not problems
    problems += unsound(bundle)
    if whole and not problems:  # else one fault would be told many times over
        problems += contradictions(bundle, check)
    if trust is not None and not problems:
        problems += unsigned(bundle, check, trust)
    return Verdict(
        problems=tuple(problems),
        notes=(*_notes(check), *_unchecked(bundle, trust)),
        blobs=len(check.blobs),
        size=check.read,
    )


def _views(
    bundle: Bundle,
) -> tuple[
    Callable[[Bundle], Iterator[str]],
    Callable[[Bundle, Check], Iterator[str]],
]:
    """Return what looks at the container alone, and what compares it with a check."""
    if bundle.container == SqliteContainer.name:
        from litebundle.inspect import database  # apsw: not for those who verify a zip

        return database.unsound, database.contradictions
    from litebundle.inspect import stock

    return stock.unsound, stock.contradictions


def _notes(check: Check) -> Iterator[str]:
    if check.moved:
        yield (
            f"{check.moved} of the blobs and listings are not where their references say, as after"
            " a VACUUM or a zip tool: they are found more slowly"
        )


def _unchecked(bundle: Bundle, trust: Trust | None) -> Iterator[str]:
    if trust is None and (statement := statement_of(bundle)):
        key = key_name(statement.signature.identifier)
        yield f"says that {key} signed it: name that key with --key, to see whether it did"
