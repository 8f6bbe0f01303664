"""How much of a package is put on disk when it is imported."""

import enum

from litebundle.collect.tree import Kind


class Level(enum.IntEnum):
    """What is placed; the numbers are those of the format (FORMAT.md, "Listings")."""

    CODE = 0
    """Nothing: the package is served from the bundle, and `__file__` is a path inside it."""
    DATA = 1
    """Its data and native files; `__file__` is beside them, the code comes from the bundle."""
    ALL = 2
    """Its Python sources too, for those who list or execute them as files."""

    @classmethod
    def named(cls, name: str) -> "Level":
        """Return the level of that name; raises ValueError if there is none."""
        if name not in NAMES:
            raise ValueError(f"{name!r} is not a level: {', '.join(NAMES)}")
        return cls(NAMES.index(name))

    def __str__(self) -> str:
        return NAMES[self]


NAMES = ("code", "data", "all")
"""What users call the levels, the lowest first."""


NEVER = {Level.DATA: (Kind.SOURCE, Kind.BYTECODE), Level.ALL: (Kind.BYTECODE,)}
"""What is not placed at a level, whoever asks for the files."""
