"""What makes a bundle a program: in a database the zip behind it, in a zip some of its members."""

import hashlib
import re
from collections.abc import Iterator

from litebundle.errors import BundleError
from litebundle.format import CHECKSUM_SIZE, checksum
from litebundle.inspect.bundle import Bundle
from litebundle.inspect.finding import Finding
from litebundle.runtime.zipfile import Zip
from litebundle.write.launcher import MAIN_MEMBER, RUNTIME, SOURCE

MEMBER = re.compile(
    r"__main__\.pyc?|\.litebundle/(litebundle/__init__\.pyc?|runtime/(source|[0-9a-f]{8}))"
)
"""The names that its members may have: any other could be imported from it, unseen by us."""

_NEEDED = MAIN_MEMBER, ".litebundle/litebundle/__init__.py", SOURCE
_FIRST_LINE = re.compile(rb"#!/usr/bin/env (python3|-S python3( [!-~]+)+)\n")
_FROZEN = re.compile(rb"#!/bin/sh\n#@(\d{12})\n")  # and a script, up to where the number says
_LIBRARY = re.compile(r"encodings/\w+\.pyc?")
"""In the place of `__main__.py`: what a frozen interpreter imports first of its own library."""

_CHUNK = 1 << 20


def first_line(bundle: Bundle) -> Iterator[Finding]:
    """Yield what is wrong with what stands in front of the container."""
    base = bundle.archive.container.base
    found = bundle.archive.descriptor.read(0, min(base, _CHUNK))
    frozen = _FROZEN.match(found)
    if frozen and int(frozen[1]) == base:
        return  # whoever froze it wrote a program of the shell, of which a bundle knows nothing
    if base and not _FIRST_LINE.fullmatch(found):
        text = found[:80].decode("latin-1")
        yield Finding(where="first line", what="not one that is built", found=ascii(text))


def launcher_behind(bundle: Bundle, end: int) -> Iterator[Finding]:
    """Yield what is wrong behind a database that ends there: with the launcher, or with anything.

    The launcher may be gone, as after a VACUUM.
    """
    size, _, digest = bundle.manifest.get("tail", "0").partition(" ")
    there = bundle.size - end
    if there > int(size):
        trailing = there - int(size)
        yield Finding(where="file", what=f"{trailing} bytes stand behind the end of the database")
    elif there and _digest(bundle, end) != digest:
        yield Finding(where="launcher", what="damaged", expected=digest, found=_digest(bundle, end))
    elif there:
        try:
            archive = Zip(bundle.archive.descriptor)
            if archive.base != end:
                yield Finding(
                    where="launcher", what="no zip of that size", expected=end, found=archive.base
                )
            yield from members(archive)
            for name in sorted(archive.members):
                if not (MEMBER.fullmatch(name) or _LIBRARY.fullmatch(name)):
                    yield Finding(where=f"launcher member {name}", what="no part of a launcher")
        except BundleError as error:
            yield Finding(where="launcher", what=error.message)


def members(archive: Zip) -> Iterator[Finding]:
    """Yield what is wrong with the launcher among the members of a zip, if there is one."""
    present = {name for name in archive.members if MEMBER.fullmatch(name)}
    if not any(name.startswith(RUNTIME) for name in present):
        return
    library = any(map(_LIBRARY.fullmatch, archive.members))
    for name in _NEEDED[library:]:
        if name not in present:
            yield Finding(where=f"launcher member {name}", what="missing")
    for name in sorted(present):
        if name.startswith(RUNTIME):
            data = archive.read(archive.members[name])
            said, found = data[:CHECKSUM_SIZE], checksum(data[CHECKSUM_SIZE:])
            if said != found:
                yield Finding(
                    where=f"launcher member {name}",
                    what="checksum mismatch",
                    expected=said.hex(),
                    found=found.hex(),
                )


def program(bundle: Bundle) -> Iterator[Finding]:
    """Yield what the bundle is to start as, if that is not in it."""
    main = bundle.manifest.get("main")
    if main is None:
        return
    stem = main.partition(":")[0]
    if bundle.archive.file(stem) is None and stem not in {m.name for m in bundle.modules()}:
        yield Finding(where="manifest", what="starts as what is not in the bundle", found=main)


def _digest(bundle: Bundle, start: int) -> str:
    digest = hashlib.sha256()
    while data := bundle.archive.descriptor.read(start, _CHUNK):
        digest.update(data)
        start += len(data)
    return digest.hexdigest()
