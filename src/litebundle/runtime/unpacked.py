"""The interpreter of a program in one file: unpacked by a shell script, put in place by itself.

It lies among the placed files, under its key and with a marker like theirs, so that `bundle cache`
knows it. The script has unpacked it aside; it looks at itself, and renames its directory. A process
that was killed leaves one aside, which a later first start removes.
"""

import os
import sys

from ..format import checksum
from .marker import NAME, open_marker
from .placing import Turn, discard, is_key, remove

_ABANDONED = 3600
"""How old a directory aside is, in seconds, whose process is taken for dead."""


def settle(work: str, expected: str) -> None:
    """Rename the directory in which this interpreter was unpacked to its key, if it is whole.

    `expected` is what `digest` returns. Raises SystemExit if it is not.
    """
    cache, name = os.path.split(work)
    target = os.path.join(cache, name.partition(".")[0])
    with Turn(cache):
        _remove_abandoned(cache)
        if os.path.lexists(target):
            if digest(target) == expected:
                remove(work)
                return
            discard(target)
        if digest(work) != expected:
            sys.exit(1)
        files = _files(work)
        _sync(work)
        marker = open_marker(work, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        if marker is not None:
            release = sys.version.partition(" ")[0]
            sizes = [os.path.getsize(os.path.join(work, path)) for path in files]
            marker.write(0, sizes, f"python-{release}")
        os.rename(work, target)


def digest(home: str) -> str:
    """Return a checksum over the names and contents of all files, in hexadecimal digits."""
    sums = []
    for path in _files(home):
        with open(os.path.join(home, path), "rb") as file:
            sums.append(checksum(os.fsencode(path)) + checksum(file.read()))
    return checksum(b"".join(sums)).hex()


def _files(home: str) -> list[str]:
    found = []
    for directory, _, names in os.walk(home):
        inside = os.path.relpath(directory, home)
        found += [os.path.normpath(os.path.join(inside, name)) for name in names]
    return sorted(path for path in found if path != NAME)


def _sync(home: str) -> None:
    """Have the disk take the files: unlike other placed ones they are not looked at again."""
    for directory, _, names in os.walk(home):
        for path in (directory, *(os.path.join(directory, name) for name in names)):
            fd = os.open(path, os.O_RDONLY)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)


def _remove_abandoned(cache: str) -> None:
    from time import time

    for name in os.listdir(cache):
        key, _, rest = name.partition(".")
        path = os.path.join(cache, name)
        if is_key(key) and "-" not in key and rest and "." not in rest:
            try:
                old = time() - os.lstat(path).st_ctime > _ABANDONED
            except OSError:
                continue
            if old:
                remove(path)
