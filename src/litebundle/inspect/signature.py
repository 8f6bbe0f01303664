"""A bundle's signature, for people: whose it is, and whether all that is there was signed."""

import errno
import hashlib
from collections.abc import Iterator
from pathlib import Path

from litebundle.errors import BuildError, BundleError, BundleIOError, BundleSignatureError
from litebundle.format.signature import PREFIX, SIGNATURE, Statement
from litebundle.inspect.bundle import Bundle
from litebundle.inspect.check import Check
from litebundle.inspect.finding import Finding
from litebundle.runtime.containers import SqliteContainer
from litebundle.runtime.descriptor import absolute
from litebundle.runtime.ed25519 import is_signature
from litebundle.runtime.signed import SignedArchive, open_signed
from litebundle.runtime.trust import Trust
from litebundle.write.keys import signature_file


def statement_of(bundle: Bundle) -> Statement | None:
    """Return what a bundle says that was signed, None if it says nothing; nobody has checked it.

    Raises BundleSignatureError if there is a signature that cannot be read.
    """
    if SIGNATURE not in bundle.manifest:
        return None
    try:
        return Statement(bundle.manifest)
    except (LookupError, ValueError) as error:
        raise BundleSignatureError(
            f"damaged signature: {error}", file=bundle.path, hint="sign it again"
        ) from error


def export_statement(bundle: Bundle, path: Path) -> None:
    """Write what was signed to a file, and minisign's signature of it to PATH.minisig.

    Raises BuildError if nothing was, if a file of that name is there, or the disk refuses.
    """
    statement = statement_of(bundle)
    if statement is None:
        raise BuildError("not signed", file=bundle.path, hint="`bundle sign` signs it")
    said = signature_file(statement.signature, statement.comment).encode()
    for place, data in ((path, statement.text), (Path(f"{path}.minisig"), said)):
        try:
            with place.open("xb") as file:  # never over a bundle, or a key
                file.write(data)
        except OSError as error:
            raise BuildError(
                f"cannot be written: {error.strerror}",
                file=str(place),
                hint="name another place, or remove what is there",
            ) from error


def refuse_unsigning(output: Path, hint: str) -> None:
    """Raise BuildError if a signed bundle stands where an unsigned one is to be put."""
    if standing_at(output) is not None:
        raise BuildError(
            "a signed bundle would be replaced by one that is not signed",
            file=str(output),
            hint=hint,
        )


def require_following(output: Path, app: str, version: int, hint: str) -> None:
    """Raise BuildError if a bundle stands there that is signed as another application, or newer."""
    standing = standing_at(output)
    if standing is not None and (standing.app != app or standing.version > version):
        raise BuildError(
            f"signed as {standing.app} {standing.version}, which {app} {version} does not follow",
            file=str(output),
            hint=hint,
        )


def standing_at(path: Path) -> Statement | None:
    """Return what the bundle at a path says that was signed, None if none is there, or unsigned.

    Raises BuildError if that cannot be told, since nobody may read it.
    """
    try:
        return statement_of(Bundle(path)) if path.exists() else None
    except BundleError as error:
        if isinstance(error, BundleIOError) and error.errno in (errno.EACCES, errno.EPERM):
            hint = "it may be signed: remove it first, or use --force"
            raise BuildError(error.message, file=str(path), hint=hint) from error
        return None  # of another format, damaged, or no bundle: nothing that would be missed


def unsigned(bundle: Bundle, check: Check, trust: Trust) -> Iterator[Finding]:
    """Yield a finding for all that was not signed, given a sound check and the keys.

    What a process looks at when it needs it is looked at here once and for all, and what it never
    does: the launcher, the line in front, minisign's comment.
    """
    try:
        found = open_signed(absolute(bundle.path), [trust])
    except BundleSignatureError as error:
        told = error.message if error.found is None else error.cause.removeprefix(f"{error.file}: ")
        yield Finding(where="signature", what=told)
        return
    if found is None or found.identity != bundle.identity:
        yield Finding(where="file", what="it was replaced meanwhile")
        return
    yield from _contents(found, check)
    yield from _comment(found, trust)
    with Path(bundle.path).open("rb") as file:
        line = file.read(found.container.base).decode(errors="replace").rstrip("\n")
    if line != bundle.manifest.get(PREFIX, ""):
        yield Finding(where="the line in front", what="not the one that was signed")


def _contents(archive: SignedArchive, check: Check) -> Iterator[Finding]:
    try:
        for number, blob in check.blobs.items():
            if archive.digest(number) != blob.digest:
                yield Finding(where=f"blob {number}", what="not what was signed")
        for number, digest in _others(archive, check):
            if archive.digest(number) != digest:
                yield Finding(where=f"listing or member {number}", what="not what was signed")
    except BundleSignatureError as error:
        yield Finding(where="signature", what=error.message)


def _others(archive: SignedArchive, check: Check) -> Iterator[tuple[int, bytes]]:
    """Yield the digests of what is no blob: listings, and a zip's launcher."""
    container = archive.container
    if isinstance(container, SqliteContainer):  # its launcher's digest is in the manifest
        before = archive.statement.digests[2]
        for number, row in container.database.rows("listings"):
            if isinstance(row[-1], bytes):
                yield before + number, hashlib.sha256(row[-1]).digest()
        return
    members = container.archive.members
    for number, name in enumerate(container.names(), 1):
        if number not in check.blobs:
            yield number, hashlib.sha256(container.archive.read(members[name])).digest()


def _comment(archive: SignedArchive, trust: Trust) -> Iterator[Finding]:
    statement = archive.statement
    key = trust.key(statement, archive.path)
    signature = statement.signature
    message = signature.value + statement.comment.encode()
    if not is_signature(key.value, message, signature.comment_value):
        yield Finding(where="signature", what="that of minisign's comment is none")
