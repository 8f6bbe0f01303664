"""Put a bundle in place of another, and go back: at any moment TARGET is the old one or the new."""

import filecmp
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from litebundle.deploy.admission import all_trusts, require_admitted
from litebundle.deploy.history import History
from litebundle.errors import BuildError, BundleCorrupt, BundleError
from litebundle.inspect.bundle import Bundle
from litebundle.inspect.signature import refuse_unsigning, require_following, standing_at
from litebundle.runtime.trust import Trust
from litebundle.write.atomic import check_output, let_run, link, locked, replacing


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """What is in place now: the beginning of its identity, and of the one that it replaced.

    `before` is None if nothing was there, `changed` false if it was this file already; `older` and
    `newer` are how many versions there are to go back and forward to.
    """

    target: str
    build: str
    before: str | None
    changed: bool
    older: int
    newer: int


def deploy(
    new: Path, target: Path, keep: int, *, key: Trust | None = None, force: bool = False
) -> Deployed:
    """Verify a bundle and put it at `target`, keeping as many of the previous ones there.

    The configured keys, and `key`, have to admit it there. A signed bundle is replaced by one that
    is not signed, older or another application only by `force`. Raises BundleError if it may not
    be there, BuildError if it cannot be put there; nothing is changed then. Running processes keep
    the file that they opened.
    """
    trusts = all_trusts(key)
    _require_replaceable(new, target.absolute())
    history = History(target.absolute())
    with _changing(history):
        before = history.build()
        changed = before is None or not filecmp.cmp(new, history.target, shallow=False)
        if changed:

            def adopt(aside: Path) -> None:
                _require_copied(aside, new, history.target)
                require_admitted(aside, history.target, trusts, new)
                if not force:
                    _require_following(aside, history.target)
                history.keep_current()
                history.forget_newer()
                history.add(aside)

            with replacing(history.target, adopt) as aside:
                shutil.copyfile(new, aside)
                _set_mode(aside, new, history.target)
        else:
            require_admitted(history.target, history.target, trusts, new)
            history.keep_current()
        history.prune(keep)
        return _deployed(history, before, changed=changed)


def roll_back(
    target: Path, *, forward: bool = False, key: Trust | None = None, force: bool = False
) -> Deployed:
    """Put the version before the one at `target` in place again, or the one after it.

    It may be of an older version, but the keys have to admit it as they do for `deploy`. Raises
    BundleError if there is none, or it may not be there; nothing is changed then.
    """
    trusts = all_trusts(key)
    history = deployed_at(target)
    with _changing(history):
        version = history.beside(forward=forward)
        if version is None:
            raise BuildError(
                f"no {'newer' if forward else 'older'} version is kept",
                file=str(target),
                hint="`bundle rollback --list` shows which ones are",
            )
        before = history.build()

        def adopt(aside: Path) -> None:
            require_admitted(aside, history.target, trusts, version.path)
            if not force:
                _require_signed(aside, history.target)
            history.keep_current()

        link(version.path, history.target, adopt)
        return _deployed(history, before, changed=True)


def deployed_at(target: Path) -> History:
    """Return the versions of what is at `target`; raises BuildError if no file is."""
    if not target.is_file() or target.is_symlink():
        raise BuildError("no bundle is deployed there", file=str(target), hint="name the file")
    return History(target.absolute())


@contextmanager
def _changing(history: History) -> Iterator[None]:
    """Let one process at a time change what stands at the target and what is kept of it."""
    try:
        with locked(history.target.parent):
            yield
    except OSError as error:
        if isinstance(error, BundleError):
            raise
        raise BuildError(
            f"cannot be changed: {error.strerror or error}",
            file=error.filename or str(history.target),
            hint="check the free space and the permissions there",
        ) from error


def _require_replaceable(new: Path, target: Path) -> None:
    if target.is_symlink():
        raise BuildError(
            "is a symbolic link",
            file=str(target),
            hint=f"name what it leads to: {target.resolve()}",
        )
    check_output(target)
    if new.exists() and not new.is_file():
        raise BuildError("is no file", file=str(new), hint="name a bundle")
    Bundle(new)  # tells what is none
    if not target.exists():
        return
    if target.samefile(new):
        raise BuildError("is the new bundle itself", file=str(target), hint="name another target")
    try:
        Bundle(target)
    except BundleCorrupt:
        pass  # to be replaced all the sooner
    except BundleError as error:
        raise BuildError(
            f"only a bundle is replaced: {error.message}",
            file=str(target),
            hint="remove it first, or name another target",
        ) from error


def _require_copied(aside: Path, new: Path, target: Path) -> None:
    if _digest(aside) != _digest(new):
        raise BuildError(
            "what was written reads back differently",
            file=str(target),
            hint="check the disk, and that nothing else writes to the new bundle",
        )


def _require_following(aside: Path, target: Path) -> None:
    """Refuse what a signed bundle would hardly be replaced by on purpose, as signing does."""
    said = standing_at(aside)
    if said is None:
        _require_signed(aside, target)
    else:
        hint = "deploy a later version, go back by `bundle rollback`, or deploy with --force"
        require_following(target, said.app, said.version, hint)


def _require_signed(aside: Path, target: Path) -> None:
    if standing_at(aside) is None:
        refuse_unsigning(target, "put one there that is signed, or use --force")


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _set_mode(aside: Path, new: Path, target: Path) -> None:
    """Give the new file the owner and the permissions of the old one; it is run if it can be."""
    if target.exists():
        old = target.stat()
        mode = stat.S_IMODE(old.st_mode) & 0o666
        _set_owner(aside, old)
    else:
        # As for any new file: what the bundle's allow, less the umask, which made this one
        mode = stat.S_IMODE(new.stat().st_mode) & stat.S_IMODE(aside.stat().st_mode)
    aside.chmod(mode)
    let_run(aside)


def _set_owner(aside: Path, old: os.stat_result) -> None:
    # Only root can give a file away; others to a group of theirs, at most.
    for owner in (old.st_uid, -1):
        try:
            os.chown(aside, owner, old.st_gid)
        except (OSError, AttributeError):  # Windows has no owners of this kind
            continue
        return


def _deployed(history: History, before: str | None, *, changed: bool) -> Deployed:
    current = history.current()
    versions = history.versions()
    number = current.number if current else 0
    return Deployed(
        target=str(history.target),
        build=Bundle(history.target).identity[:12],
        before=before,
        changed=changed,
        older=sum(version.number < number for version in versions),
        newer=sum(version.number > number for version in versions),
    )
