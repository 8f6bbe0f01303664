"""From a use of a path to what it takes: the level, and the sentence that says why."""

from dataclasses import dataclass

from litebundle.collect.tree import Kind
from litebundle.place.ground import Ground, is_native, is_test
from litebundle.place.level import Level
from litebundle.place.location import Location
from litebundle.place.uses import Act, Use


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A reason for a level: what was seen at `line` of the file at `path` (0: the file itself).

    `reach` are files outside of the package that have to be on disk beside it.
    """

    level: Level
    path: str
    line: int
    sentence: str
    reach: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.sentence}" if self.line else self.sentence


def judge(use: Use, ground: Ground) -> tuple[str, Finding] | None:
    """Return the unit that a use is about and what follows for it, None if nothing does."""
    unit = ground.unit(use.location.origin)
    if unit is None or use.act is Act.SERVE:
        return None
    meant = _Meant(use, unit, ground)
    level = _level(use, meant)
    if level is None:
        return None
    if level is Level.ALL and is_test(use.path):
        level = Level.DATA  # whoever runs tests out of a bundle can say so
        if not meant.data:
            return None
    finding = Finding(
        level=level,
        path=use.path,
        line=use.line,
        sentence=_sentence(use, meant, level),
        reach=() if is_test(use.path) else _outside(meant.files(level), unit, ground),
    )
    return unit, finding


class _Meant:
    """What stands at a location: `sources` and `data` are paths of files in the bundle."""

    def __init__(self, use: Use, unit: str, ground: Ground) -> None:
        location = use.location
        itself = location.path == location.origin and not location.made
        if use.act is Act.PASS and itself and unit in ground.packages:
            # Who is given `__file__` may well look for what is beside it: in a package, where
            # that belongs to it. Beside a module of its own stands what is anybody's.
            location = Location(location.path.rpartition("/")[0], location.origin)
        self.location = location
        path = location.path
        self.is_file = path in ground.entries and location.exact
        if self.is_file:
            found = [path]
        elif location.exact and location.made:
            found = list(ground.below(path)) if path else []
        else:
            found = ground.own(unit, path)
        found = [one for one in found if one.endswith(location.tail)]
        entries = [ground.entries[one] for one in found]
        named = location.made and not is_test(use.path)  # markers count where they are asked for
        self.sources = [e.path for e in entries if e.kind is Kind.SOURCE]
        self.data = [
            e.path
            for e in entries
            if e.path in ground.data or is_native(e) or (named and _is_file(e.kind))
        ]
        self.is_package = path in ground.packages

    def files(self, level: Level) -> list[str]:
        """Return what a level puts on disk."""
        return self.data + (self.sources if level is Level.ALL else [])


def _outside(paths: list[str], unit: str, ground: Ground) -> tuple[str, ...]:
    return tuple(path for path in paths if ground.unit(path) != unit)


def _is_file(kind: Kind) -> bool:
    return kind not in (Kind.SOURCE, Kind.BYTECODE, Kind.METADATA, Kind.PTH)


def _level(use: Use, meant: _Meant) -> Level | None:
    if meant.sources and _wants_sources(use.act, meant):
        return Level.ALL
    if use.act is Act.NAME and not (meant.location.made and meant.location.exact):
        return None  # as far as it goes: what is made of it later will be seen
    return Level.DATA if meant.data else None


def _wants_sources(act: Act, meant: _Meant) -> bool:
    """Tell whether the sources that stand there have to be files."""
    location = meant.location
    if act is Act.NAME:
        return False
    if meant.is_file:
        # Its name was put together for a file; a module's own name serves many other purposes.
        return location.made or act is not Act.PASS
    if location.tail.endswith(".py"):
        return True
    if act in (Act.LIST, Act.RUN):
        return location.exact or not meant.data
    if location.exact and location.made and not meant.is_package:
        return True  # these sources are no modules, and are got at by their paths only
    # It asks whether the directory exists
    return act is Act.READ and location.exact and not meant.data


def _sentence(use: Use, meant: _Meant, level: Level) -> str:
    path = meant.location.path or "the directory it is in"
    if not meant.location.exact:
        path = (
            f"something named *{meant.location.tail} in {path}"
            if meant.location.tail
            else (f"something in {path}")
        )
    wanted = "sources" if level is Level.ALL and not meant.is_file else ""
    holds = f", which holds {wanted}" if wanted else ""
    if use.act is Act.NAME:
        return f"makes the path of {path}"
    if use.act is Act.PASS:
        return f"makes the path of {path}{holds} and hands it to {use.by}"
    return f"{use.act.value} {path} with {use.by}{holds}"
