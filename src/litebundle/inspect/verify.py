"""Everything that can be said against a bundle, by us and by those who know its container."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

from litebundle.errors import BundleCorrupt, BundleError
from litebundle.format.signature import key_name
from litebundle.inspect import launcher
from litebundle.inspect.bundle import Bundle
from litebundle.inspect.check import Check
from litebundle.inspect.finding import Finding
from litebundle.inspect.signature import statement_of, unsigned
from litebundle.inspect.spare import Spare
from litebundle.runtime.containers import SqliteContainer
from litebundle.runtime.trust import Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found; a bundle is sound if there are no `problems`.

    `notes` do not keep it from working; `blobs` were read, of `size` bytes together, with the
    listings; `unused` bytes are nobody's (0 if there are problems, and nobody knows); `rebuilt`
    modules were compiled again, each for so many variants.
    """

    problems: tuple[Finding, ...]
    notes: tuple[Finding, ...] = ()
    blobs: int = 0
    size: int = 0
    unused: int = 0
    rebuilt: int = 0


def verify(
    path: str | os.PathLike[str], *, rebuild: bool = False, trust: Trust | None = None
) -> Verdict:
    """Read everything in a bundle, and compare what is told twice.

    With `rebuild` the modules are compiled again by the Pythons they are for, as far as there are
    such; with keys to `trust`, all of it has to be signed. Raises BundleError, other than for
    damage, if the file cannot be taken for a bundle.
    """
    try:
        bundle = Bundle(path)
    except BundleCorrupt as error:
        error.file = None
        return Verdict(problems=(Finding(where="file", what=error.cause),))
    check = Check(bundle.archive)
    problems = [*check.run(), *launcher.first_line(bundle)]
    notes = [*_moved(check)]
    problems += _container(bundle, check)
    spare = Spare(size=0, filled=0)
    if not problems:
        problems += launcher.program(bundle)
        spare = _view(bundle).unused(bundle)
        notes += _filled(spare)
    if trust is not None and not problems:
        problems += unsigned(bundle, check, trust)
    rebuilt = 0
    if rebuild and not problems:
        from litebundle.inspect.rebuild import Rebuild  # starts interpreters

        again = Rebuild(bundle, check)
        problems += again.problems()
        rebuilt = again.compared
    return Verdict(
        problems=tuple(problems),
        notes=(*notes, *_unchecked(bundle, trust)),
        blobs=len(check.blobs),
        size=check.read,
        unused=spare.size,
        rebuilt=rebuilt,
    )


def _container(bundle: Bundle, check: Check) -> Iterator[Finding]:
    """Yield what is wrong with the container, and with what it tells besides the listings.

    That is compared only where both can be read: else one fault would be told many times over.
    """
    view = _view(bundle)
    unsound = [*view.unsound(bundle)]
    yield from unsound
    if check.complete and not unsound:
        try:
            yield from view.contradictions(bundle, check)
        except BundleError as error:
            error.file = error.build = None
            yield Finding(where=bundle.container, what=error.cause)


def _view(bundle: Bundle) -> ModuleType:
    """Return the module that knows the container: `unsound`, `contradictions` and `unused`."""
    if bundle.container == SqliteContainer.name:
        from litebundle.inspect import database  # apsw: not for those who verify a zip

        return database
    from litebundle.inspect import stock

    return stock


def _moved(check: Check) -> Iterator[Finding]:
    if check.moved:
        yield Finding(
            where="index",
            what="not where its references say, as after a VACUUM or a zip tool: found more slowly",
            found=f"{check.moved} blobs and listings",
        )


def _filled(spare: Spare) -> Iterator[Finding]:
    if spare.filled:
        yield Finding(
            where="unused bytes",
            what="not all as they were built",
            found=f"{spare.filled} of {spare.size}",
        )


def _unchecked(bundle: Bundle, trust: Trust | None) -> Iterator[Finding]:
    if trust is None and (statement := statement_of(bundle)):
        key = key_name(statement.signature.identifier)
        what = f"says that {key} signed it: name that key with --key, to see whether it did"
        yield Finding(where="signature", what=what)
