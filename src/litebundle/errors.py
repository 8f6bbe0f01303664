"""What can go wrong, as one family of exceptions with fields.

None of them is an ImportError: an ``except ImportError`` fallback would hide a broken deployment.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any


class BundleError(Exception):
    """Root of the family; `str()` is composed from the fields.

    `message` says what happened; `file`, `module` and `offset` (bytes) where; `expected` and
    `found` why; `build` is the bundle's identity; `hint` is one thing to do about it.
    """

    def __init__(  # noqa: PLR0913  # the fields
        self,
        message: str,
        *,
        file: str | None = None,
        module: str | None = None,
        offset: int | None = None,
        expected: object = None,
        found: object = None,
        build: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.module = module
        self.offset = offset
        self.expected = expected
        self.found = found
        self.build = build
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.cause}\nhint: {self.hint}" if self.hint else self.cause

    @property
    def cause(self) -> str:
        """Everything but the hint, on one line."""
        text = self.message if self.file is None else f"{self.file}: {self.message}"
        details = [
            f"{label} {value}"
            for label, value in (
                ("module", self.module),
                ("at byte", self.offset),
                ("expected", self.expected),
                ("found", self.found),
                ("build", self.build),
            )
            if value is not None
        ]
        return f"{text} ({', '.join(details)})" if details else text

    def __reduce__(self) -> "tuple[Any, ...]":
        # Errors travel between processes (multiprocessing); the default forgets keyword arguments.
        return (_rebuild, (type(self), self.message, self.__dict__))


def _rebuild(kind: type[BundleError], message: str, fields: "dict[str, Any]") -> BundleError:
    error = kind.__new__(kind)
    Exception.__init__(error, message)
    error.__dict__.update(fields)
    return error


class BundleCorrupt(BundleError):
    """The bytes are not those that were built."""


class BundleVersionError(BundleError):
    """The bundle is of a format, or its code for a Python, that this process cannot use."""


class BundleSignatureError(BundleError):
    """A key is configured, and the bundle is not what the key's owner signed for this place."""


class BundleIOError(BundleError, OSError):
    """The operating system refused to open or read the bundle; `errno` tells why."""

    def __init__(self, message: str, *, errno: int | None, **fields: "Any") -> None:
        super().__init__(message, **fields)
        self.errno = errno
        self.filename = fields.get("file")


class BuildError(BundleError):
    """A bundle was not built or cannot be worked on; `problems` lists every fault of the input."""

    def __init__(self, message: str, *, problems: "Iterable[str]" = (), **fields: "Any") -> None:
        super().__init__(message, **fields)
        self.problems = tuple(problems)
