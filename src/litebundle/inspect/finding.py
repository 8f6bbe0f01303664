"""What there is to say of a bundle: where, what, and what was expected in its place."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is wrong, or worth a note.

    `where` is the thing in question, as "file pkg/data.txt", "table files" or "launcher"; of `what`
    is said, `expected` and `found` are the two values that differ, None where there are none.
    """

    where: str
    what: str
    expected: str | int | None = None
    found: str | int | None = None

    def __str__(self) -> str:
        values = (("expected", self.expected), ("found", self.found))
        details = ", ".join(f"{label} {value}" for label, value in values if value is not None)
        return f"{self.where}: {self.what}" + (f" ({details})" if details else "")
