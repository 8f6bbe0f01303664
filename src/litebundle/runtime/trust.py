"""Whose bundles a process takes: the trust files that are configured, and what they say.

TRUST.md says where they are and what stands in them. Each of them has to agree with a bundle, so
that one more can only forbid more.
"""

import sys

from ..errors import BundleSignatureError
from ..format.signature import PublicKey, is_app, key_name, parse_key, parse_version
from .descriptor import absolute, stamp_of

try:
    import posix as _os
except ImportError:  # Windows
    import nt as _os  # type: ignore[no-redef]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..format.signature import Statement

_LARGEST = 1 << 20  # bytes of a trust file
_WRITABLE, _STICKY = 0o022, 0o1000  # for group and others; only for the owners of what is inside
_KIND, _DIRECTORY = 0o170000, 0o040000

_loaded: dict[str, "Trust"] = {}
_served: dict[str, tuple[str, int]] = {}  # app and version of what was opened, by its path


class Rule:
    """A key may sign the app `name`, from version `oldest` on, for one `path` or for any ("")."""

    __slots__ = ("name", "oldest", "path")

    def __init__(self, name: str, oldest: int, path: str) -> None:
        self.name = name
        self.oldest = oldest
        self.path = path

    def is_for(self, file: str) -> bool:
        """Tell whether a file is the one at the rule's path, by whatever path it was opened."""
        if not self.path or self.path == file:
            return bool(self.path)
        here, there = stamp_of(self.path), stamp_of(file)
        return here is not None and there is not None and here[:2] == there[:2]


class Trust:
    """What one trust file says; raises BundleSignatureError if it says something else.

    `keys` are by their identifiers, `rules` those of each; `record` is the directory of the highest
    versions seen, or ""; `strict` tells that nobody else may be able to replace a bundle.
    """

    __slots__ = ("keys", "path", "record", "rules", "strict")

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.keys: dict[bytes, PublicKey] = {}
        self.rules: dict[bytes, list[Rule]] = {}
        self.record = ""
        self.strict = False
        key = None
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip() and not line.startswith(("#", "untrusted comment:")):
                try:
                    key = self._take(line.strip(), key)
                except ValueError as error:
                    raise _broken(path, f"line {number}: {error}") from error
        if not self.keys:
            raise _broken(path, "no key in it")

    def __repr__(self) -> str:
        return f"<Trust of {self.path!r}>"

    def _take(self, line: str, key: PublicKey | None) -> PublicKey | None:
        """Take what a line says; return the key that following lines are about."""
        word, _, rest = line.partition(" ")
        if word == "app":
            if key is None:
                raise ValueError("an app before any key")
            self.rules[key.identifier].append(_parse_rule(rest))
        elif word == "record":
            self.record = _absolute(rest)
        elif word == "strict":
            if rest:
                raise ValueError("something stands behind 'strict'")
            self.strict = True
        elif not line.startswith("RW"):  # as all public keys of minisign do
            raise ValueError(f"no such word: {word!r}")
        else:
            key = parse_key(line)
            if self.keys.setdefault(key.identifier, key) is not key:
                raise ValueError(f"key {key_name(key.identifier)} a second time")
            self.rules[key.identifier] = []
        return key

    def names(self, path: str) -> bool:
        """Tell whether an application is expected at a path."""
        return any(rule.is_for(path) for rules in self.rules.values() for rule in rules)

    def key(self, statement: "Statement", file: str) -> PublicKey:
        """Return the key that a bundle says it is signed with, if it is one of these."""
        key = self.keys.get(statement.signature.identifier)
        if key is None:
            raise BundleSignatureError(
                "signed with an unknown key",
                file=file,
                expected=" or ".join(map(key_name, self.keys)),
                found=key_name(statement.signature.identifier),
                hint=f"{self.path} names the keys that are trusted",
            )
        return key

    def admit(self, statement: "Statement", file: str) -> None:
        """Raise BundleSignatureError unless what a key of these has signed may be at a path."""
        rules = self.rules[statement.signature.identifier]
        named = [rule for every in self.rules.values() for rule in every if rule.is_for(file)]
        if named or rules:  # a path that is named is for what is named with it alone
            here = [rule for rule in rules if (rule in named if named else not rule.path)]
            oldest = [rule.oldest for rule in here if rule.name == statement.app]
            if not oldest:
                raise BundleSignatureError(
                    "signed as another application than may be here",
                    file=file,
                    expected=" or ".join(dict.fromkeys(r.name for r in named or rules)),
                    found=statement.app,
                    hint=f"{self.path} names the applications, and their paths",
                )
            _require_version(statement, max(oldest), file, self.path)
        if self.record:
            _require_version(statement, self._recorded(statement.app), file, self.record)

    def remember(self, statement: "Statement") -> None:
        """Record a version, where that is asked for: from now on it is the oldest."""
        if not self.record or self._recorded(statement.app) == statement.version:
            return
        path = f"{self.record}/{statement.app}"
        aside = f"{path}.{_os.getpid()}.tmp"
        try:
            flags = _os.O_WRONLY | _os.O_CREAT | _os.O_TRUNC | getattr(_os, "O_NOFOLLOW", 0)
            fd = _os.open(aside, flags, 0o644)
            try:
                _os.write(fd, f"{statement.version}\n".encode())
                _os.fsync(fd)
            finally:
                _os.close(fd)
            _os.replace(aside, path)  # whole, as everything is that others read
        except OSError as error:
            raise _unrecorded(path, error) from error

    def _recorded(self, app: str) -> int:
        path = f"{self.record}/{app}"
        try:
            return parse_version(_content(path).decode().strip())
        except FileNotFoundError:
            return 0
        except (OSError, ValueError) as error:
            raise _unrecorded(path, error) from error


def admit(trusts: "list[Trust]", statement: "Statement", file: str) -> None:
    """Raise BundleSignatureError unless all agree; `file` is the path of what was opened.

    Nor does one path serve another application, or an older version, than it did before.
    """
    app, version = _served.get(file, (statement.app, 0))
    if app != statement.app:
        raise BundleSignatureError(
            "another application has taken its place", file=file, expected=app, found=statement.app
        )
    _require_version(statement, version, file, "this process")
    for trust in trusts:
        trust.admit(statement, file)
    _served[file] = statement.app, statement.version


def remember(trusts: "list[Trust]", statement: "Statement") -> None:
    """Record what was admitted by all, where that is asked for."""
    for trust in trusts:
        trust.remember(statement)


def load(path: str, *, system: bool = False) -> Trust:
    """Return what a trust file says, read once in a process.

    A `system` one has to be root's, and nobody else's to write. Raises BundleSignatureError.
    """
    trust = _loaded.get(path)
    if trust is None:
        trust = _loaded[path] = Trust(path, _read(path, system=system))
    return trust


def require_safe(path: str, *, system: bool = False, user: int | None = None) -> None:
    """Raise BundleSignatureError if others could replace the file at a path, or write into it.

    Others than root and the `user`, by default this process'. That is what the policy `strict` asks
    of bundles. A `system` file has to be root's.
    """
    if sys.platform == "win32":  # whose permissions are other ones
        return
    from os.path import realpath  # there wherever a program is

    owners = {0} if system else {0, _os.geteuid() if user is None else user}
    for end in (path, realpath(path)):  # and of a symbolic link itself
        place = end
        while place:
            try:
                status = _os.stat(place)
            except OSError as error:
                raise BundleSignatureError(
                    f"cannot tell whose it is: {error.strerror}", file=place
                ) from error
            # In a sticky directory nobody can replace what is another's.
            exempt = status.st_mode & _STICKY and status.st_mode & _KIND == _DIRECTORY
            if status.st_uid not in owners or (status.st_mode & _WRITABLE and not exempt):
                raise BundleSignatureError(
                    "can be replaced by other users",
                    file=path,
                    expected=f"uid {' or '.join(map(str, sorted(owners)))}, and chmod go-w",
                    found=f"{place} of uid {status.st_uid}, mode {status.st_mode & 0o7777:o}",
                    hint="see to the owners and modes of the file and the directories above it",
                )
            place = place.rpartition("/")[0]


def _read(path: str, *, system: bool) -> str:
    try:
        if not path or absolute(path) != path:  # where else it is named it was made one
            from .mount import TRUST_VARIABLE

            raise BundleSignatureError(
                f"{TRUST_VARIABLE} says nothing that could be trusted: no absolute path",
                found=repr(path),
                hint="name trust files in it by their absolute paths, or unset it",
            )
        if system:
            require_safe(path, system=True)
        return _content(path).decode()
    except OSError as error:
        raise _broken(path, f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise _broken(path, "not UTF-8, or no path") from error


def _content(path: str) -> bytes:
    fd = _os.open(path, _os.O_RDONLY | getattr(_os, "O_CLOEXEC", 0))
    try:
        return _os.read(fd, _LARGEST)
    finally:
        _os.close(fd)


def _unrecorded(path: str, error: Exception) -> BundleSignatureError:
    return BundleSignatureError(
        f"the highest version seen cannot be recorded: {error}",
        file=path,
        hint="let who runs the program write into that directory; a file of it has a number only",
    )


def _broken(path: str, why: str) -> BundleSignatureError:
    return BundleSignatureError(
        f"the trust file says nothing that could be trusted: {why}",
        file=path,
        hint="put a public key of `bundle keygen` or minisign into it",
    )


def _parse_rule(text: str) -> Rule:
    name, _, rest = text.partition(" ")
    oldest, _, path = rest.partition(" ")
    if not is_app(name):
        raise ValueError(f"no name of an application: {name!r}")
    return Rule(name, parse_version(oldest or "0"), _absolute(path) if path else "")


def _absolute(path: str) -> str:
    if not path or absolute(path) != path:
        raise ValueError(f"no absolute path: {path!r}")
    return path


def _require_version(statement: "Statement", oldest: int, file: str, why: str) -> None:
    if statement.version < oldest:
        raise BundleSignatureError(
            f"an older version of {statement.app} than {why} takes",
            file=file,
            expected=f"{oldest} or later",
            found=statement.version,
            hint="deploy a newer one; to go back, sign the old content with a new version",
        )
