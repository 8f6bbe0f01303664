"""A bundle to a signed one: check, copy, add digests and signature, check again, put in place."""

import hashlib
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from litebundle.errors import BuildError
from litebundle.format.manifest import lines, seal
from litebundle.format.signature import (
    APP,
    DIGESTS,
    PREFIX,
    SIGNATURE,
    VERSION,
    is_app,
    key_name,
    without_signature,
)
from litebundle.inspect.bundle import Bundle
from litebundle.inspect.check import Check, problems
from litebundle.inspect.signature import require_following, unsigned
from litebundle.inspect.verify import verify
from litebundle.runtime.containers import SqliteContainer
from litebundle.runtime.trust import Trust
from litebundle.runtime.zipfile import ZipContainer
from litebundle.write import sqlite, zip  # noqa: A004  # the container's name
from litebundle.write.atomic import check_output, replacing
from litebundle.write.digests import digests_in_order, digests_runs
from litebundle.write.keys import SecretKey
from litebundle.write.launcher import put_in_front

_WRITABLE = 0o022  # for group and others


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What a bundle is signed as: the application, a version that only goes up, and by whom."""

    app: str
    version: int
    key: SecretKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What was signed: `app` and `version` are what a trust file may ask for, `key` its name."""

    output: Path
    app: str
    version: int
    key: str
    identity: str


def sign(path: Path, output: Path, said: Seal, *, force: bool = False) -> Signed:
    """Put a signed copy of a bundle in place; `output` may be the bundle itself.

    Raises BuildError if it is not sound, or the output is signed as something newer and it is not
    to be done by `force`.
    """
    output = output.absolute()
    if not is_app(said.app) or not 0 <= said.version < 10**18:
        raise BuildError(
            f"{said.app} {said.version}: no name and version of an application",
            hint="a name has letters, digits, and ._- inside; a version is a whole number",
        )
    check_output(output)
    _require_private(output.parent)
    if not force:
        hint = "choose a higher --version, another -o, or sign with --force"
        require_following(output, said.app, said.version, hint)
    verdict = verify(path)
    if verdict.problems:
        raise BuildError(
            "not sound, so it is not signed",
            file=str(path),
            problems=map(str, verdict.problems),
            hint="build it again, and `bundle verify` it",
        )
    bundle = Bundle(path)
    with replacing(output, lambda aside: _read_back(aside, said.key)) as aside:
        _write(bundle, aside, said)
    return Signed(
        output=output,
        app=said.app,
        version=said.version,
        key=key_name(said.key.identifier),
        identity=bundle.identity,
    )


def _require_private(directory: Path) -> None:
    """Raise BuildError if others could replace the output before it is where it is going."""
    if os.name == "nt":
        return
    status = directory.stat()
    mode = status.st_mode
    # From a sticky directory, as /tmp is, only its owner and a file's own remove the file
    safe = mode & stat.S_ISVTX and status.st_uid in (0, os.geteuid())
    if mode & _WRITABLE and not safe:
        raise BuildError(
            f"other users can write into the output's directory (mode {mode & 0o7777:o}),"
            " and replace what is signed there",
            file=str(directory),
            hint=f"chmod go-w {directory}, or name a directory of your own with -o",
        )


def _write(bundle: Bundle, aside: Path, said: Seal) -> None:
    container = bundle.archive.container
    check = Check(bundle.archive)
    check.run()
    digests, before = _digests(container, check)
    with Path(bundle.path).open("rb") as file, aside.open("wb") as output:
        prefix = file.read(container.base)
        shutil.copyfileobj(file, output)
    shown = [(PREFIX, prefix.decode().rstrip("\n"))] if prefix else []

    def complete(reference: str) -> list[tuple[str, str]]:
        pairs = [
            *without_signature(bundle.manifest.items()),
            (APP, said.app),
            (VERSION, str(said.version)),
            (DIGESTS, f"{reference} {before}"),
            *shown,
        ]
        signature = said.key.sign(lines(pairs), f"{said.app} {said.version}")
        return seal([*pairs, (SIGNATURE, signature.text)])

    runs = digests_runs(digests)
    if isinstance(container, SqliteContainer):
        size = container.end - container.base
        tail = _cut(aside, size)
        sqlite.add_digests(aside, runs, complete)
        with aside.open("ab") as output:
            output.write(tail)
    else:
        zip.add_digests(aside, runs, complete)
    put_in_front(prefix, aside)
    aside.chmod(Path(bundle.path).stat().st_mode & 0o777)


def _digests(container: SqliteContainer | ZipContainer, check: Check) -> tuple[list[bytes], int]:
    """Return all digests in their order, and how many stand before those of the listings."""
    blobs = {number: blob.digest for number, blob in check.blobs.items()}
    if isinstance(container, SqliteContainer):
        found = digests_in_order(blobs)
        rows = container.database.rows("listings")
        listings = {n: hashlib.sha256(r[-1]).digest() for n, r in rows if isinstance(r[-1], bytes)}
        return [*found, *digests_in_order(listings)], len(found)
    archive = container.archive
    for number, name in enumerate(container.names(), 1):
        if number not in blobs:  # listings, and the launcher
            blobs[number] = hashlib.sha256(archive.read(archive.members[name])).digest()
    return digests_in_order(blobs), 0


def _cut(path: Path, size: int) -> bytes:
    """Cut a file off at a size, and return what stood behind it."""
    with path.open("r+b") as file:
        file.seek(size)
        tail = file.read()
        file.truncate(size)
    return tail


def _read_back(path: Path, key: SecretKey) -> None:
    bundle = Bundle(path)
    found = list(problems(bundle.archive))
    if not found:
        check = Check(bundle.archive)
        check.run()
        found += unsigned(bundle, check, Trust("the key", key.public.line))
    if found:
        raise BuildError(
            "what was written reads back differently",
            problems=map(str, found),
            hint="check the disk and the memory of this machine",
        )
