"""Paths that code makes out of its own location, as far as they are known before it runs."""

from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Location:
    """A path on disk that corresponds to `path` in the bundle ("" is the top).

    `origin` is the source file whose own location it was made from. Not `exact`: somewhere below
    `path`, with a name that ends with `tail` as far as is known. `made`: composed of more than a
    module's own `__file__` and the directories it lies in.
    """

    path: str
    origin: str
    exact: bool = True
    made: bool = False
    tail: str = ""

    def parent(self) -> "Location | None":
        """Return the directory; None above the top of the bundle."""
        if not self.exact:
            return replace(self, tail="")  # below `path` still, or `path` itself
        return replace(self, path=self.path.rpartition("/")[0]) if self.path else None

    def join(self, text: str | None) -> "Location | None":
        """Return the path with a component added, None as text for an unknown one."""
        if text is None:
            return replace(self, exact=False, made=True, tail="")
        if text.startswith("/"):
            return None  # an absolute path replaces it
        if not self.exact:
            return replace(self, made=True, tail=text)
        parts = self.path.split("/") if self.path else []
        for part in text.replace("\\", "/").split("/"):
            if "*" in part or "?" in part:  # a pattern of glob
                tail = text.rpartition("*")[2].rpartition("?")[2]
                return replace(self, path="/".join(parts), exact=False, made=True, tail=tail)
            if part == ".." and not parts:
                return None
            if part == "..":
                parts.pop()
            elif part not in ("", "."):
                parts.append(part)
        return replace(self, path="/".join(parts), made=self.made or bool(text.strip("./")))

    def append(self, text: str | None) -> "Location | None":
        """Return the path with text added to its last component, as `+` and f-strings do."""
        if text is None:
            if not self.exact:
                return replace(self, tail="")
            return replace(self, path=self.path.rpartition("/")[0], exact=False, made=True)
        if text.startswith("/"):
            return self.join(text.lstrip("/"))
        if not self.exact:
            return replace(self, tail=self.tail + text)
        first, slash, rest = text.partition("/")
        appended = replace(self, path=self.path + first, made=True)
        return appended.join(rest) if slash else appended

    def without_suffix(self) -> "Location":
        """Return the path up to the last dot of its name."""
        directory, slash, name = self.path.rpartition("/")
        return replace(self, path=directory + slash + (name.rpartition(".")[0] or name), tail="")

    def spell(self, parts: Iterable[str | None]) -> "Location | None":
        """Return the path with pieces of text added one after the other, None for unknown ones."""
        found: Location | None = self
        separated = False
        for part in parts:
            if found is None or part == "":
                continue
            found = found.join(part) if separated and part != "/" else found.append(part)
            separated = part is not None and part.endswith("/")
        return found
