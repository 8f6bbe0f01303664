"""What may be put at a target: it is sound, and all keys that are configured admit it there."""

import os
from collections.abc import Sequence
from pathlib import Path

from litebundle.errors import BuildError, BundleCorrupt, BundleSignatureError
from litebundle.format.signature import Statement
from litebundle.inspect.verify import verify
from litebundle.runtime.mount import trust_files
from litebundle.runtime.signed import loaded, open_signed
from litebundle.runtime.trust import Trust, require_safe


def all_trusts(key: Trust | None) -> list[Trust]:
    """Return what the configured trust files say, and one more that was named.

    Raises BundleSignatureError if one of the configured ones says nothing.
    """
    return [*loaded(trust_files()), *([] if key is None else [key])]


def require_admitted(path: Path, target: Path, trusts: Sequence[Trust], named: Path) -> None:
    """Refuse the file at `path`, about to be renamed to `target`, if it would be no use there.

    `named` is where it was copied from, for the message. Raises BuildError for what is not sound,
    BundleSignatureError for what a process with these keys would not start with.
    """
    # Whose it is and what it holds can be told where it is now, but not what may be at the target.
    owners = [_without_rules(trust) for trust in trusts]
    try:
        if statement := _signed(path, owners):
            for trust in trusts:
                trust.admit(statement, _as_named(trust, target))
                if trust.strict:
                    _require_safe(path, target)
    except BundleSignatureError as error:
        error.message = f"not put in place: {error.message}"
        error.file = str(named)
        raise
    problems = verify(path, trust=next(iter(owners), None)).problems
    if problems:
        raise BuildError(
            "is not sound, and was not put in place",
            file=str(named),
            problems=map(str, problems),
            hint="copy the file again, or build it again",
        )


def _without_rules(trust: Trust) -> Trust:
    """Return its keys alone, which may sign whatever they like."""
    return Trust(trust.path, "\n".join(key.line for key in trust.keys.values()))


def _signed(path: Path, owners: list[Trust]) -> Statement | None:
    """Return what owners of these keys have all signed, None if nobody is asked for."""
    if not owners:
        return None
    try:
        archive = open_signed(str(path), owners)
    except BundleCorrupt:
        return None  # as is told with all that is wrong
    return None if archive is None else archive.statement


def _require_safe(path: Path, target: Path) -> None:
    try:
        # Who will start it is not known; most likely whose it is
        require_safe(str(path), user=path.stat().st_uid)
    except BundleSignatureError as error:
        error.found = str(error.found).replace(path.name, target.name)
        raise


def _as_named(trust: Trust, target: Path) -> str:
    """Return the path by which a trust file knows a target, which need not be there yet."""
    real = os.path.realpath(target)
    paths = (rule.path for rules in trust.rules.values() for rule in rules if rule.path)
    return next((path for path in paths if os.path.realpath(path) == real), str(target))
