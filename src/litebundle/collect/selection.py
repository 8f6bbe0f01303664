"""Which of the files go into the bundle: only some, all but some, all but tests."""

import csv
import io
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from litebundle.collect.testing import test_directories
from litebundle.collect.tree import Layer, Skipped, parents
from litebundle.errors import BuildError


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Patterns of what is left out, and of what alone is kept; `tests`: directories of tests too.

    A pattern is a path in the bundle, of a file or of a directory with all inside it: `*` and `?`
    match within a name, `**` any directories. A bare name is also that of a distribution.
    """

    exclude: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    tests: bool = True


def selected(layers: Sequence[Layer], selection: Selection) -> list[Layer]:
    """Return the layers without what is not wanted.

    They are not laid over each other yet, so that leaving out can end a contradiction. Raises
    BuildError for patterns that nothing fits.
    """
    chosen = list(layers)
    if selection.only:
        fitting = _fitting(chosen, selection.only, "--only")
        chosen = [
            _without(layer, _other_than(fits), "not asked for")
            for layer, fits in zip(chosen, fitting, strict=True)
        ]
    if selection.exclude:
        fitting = _fitting(chosen, selection.exclude, "--exclude")
        chosen = [
            _without(layer, fits.__contains__, "excluded")
            for layer, fits in zip(chosen, fitting, strict=True)
        ]
    if not selection.tests:
        tests = test_directories(chosen)
        chosen = [_without(layer, lambda path: below(path, tests), "tests") for layer in chosen]
    return chosen


def below(path: str, directories: Collection[str]) -> bool:
    """Tell whether the path is one of the directories, or inside one."""
    at = len(path)
    while at > 0:
        if path[:at] in directories:
            return True
        at = path.rfind("/", 0, at)
    return False


def _other_than(paths: Collection[str]) -> Callable[[str], bool]:
    return lambda path: path not in paths


def _fitting(layers: Sequence[Layer], patterns: Sequence[str], option: str) -> list[set[str]]:
    """Return for each layer the paths that fit a pattern, directories among them."""
    fitting: list[set[str]] = [set() for _ in layers]
    idle = []
    for pattern in patterns:
        found = [_fits(layer, pattern) for layer in layers]
        if not any(found):
            idle.append(f"{option} {pattern}")
        fitting = [paths | more for paths, more in zip(fitting, found, strict=True)]
    if idle:
        raise BuildError(
            f"nothing in the sources fits {', '.join(idle)}",
            hint="`bundle list` shows the paths of a bundle made without it",
        )
    return fitting


def _fits(layer: Layer, pattern: str) -> set[str]:
    paths = [*layer.directories, *(entry.path for entry in layer.entries)]
    expression = re.compile(_expression(pattern))
    return {path for path in paths if expression.fullmatch(path)} | _owned(layer, pattern)


def _expression(pattern: str) -> str:
    """Return a regular expression for the pattern, and for all that is inside what it fits."""
    *above, last = pattern.strip("/").split("/")
    parts = ["(?:[^/]+/)*" if name == "**" else f"{_component(name)}/" for name in above]
    return "".join(parts) + (".+" if last == "**" else f"{_component(last)}(?:/.*)?")


def _component(name: str) -> str:
    return re.escape(name).replace(r"\*", "[^/]*").replace(r"\?", "[^/]")


def _owned(layer: Layer, name: str) -> set[str]:
    """Return the paths of the distribution of that name."""
    from packaging.utils import canonicalize_name  # for those who select

    wanted = canonicalize_name(name)
    if layer.distribution is not None:
        everything = {*layer.directories, *(entry.path for entry in layer.entries)}
        return everything if layer.distribution == wanted else set()
    paths: set[str] = set()
    for entry in layer.entries:
        directory, _, filename = entry.path.rpartition("/")
        is_record = filename == "RECORD" and directory.endswith(".dist-info")
        if is_record and canonicalize_name(directory.partition("-")[0]) == wanted:
            rows = csv.reader(io.StringIO(entry.read().decode("utf-8", "replace")))
            paths |= {row[0] for row in rows if row}
    return paths & {entry.path for entry in layer.entries}


def _without(layer: Layer, dropped: Callable[[str], bool], reason: str) -> Layer:
    entries = tuple(entry for entry in layer.entries if not dropped(entry.path))
    full = parents(entry.path for entry in layer.entries)
    kept = parents(entry.path for entry in entries)
    kept |= {path for path in layer.directories if path not in full and not dropped(path)}
    gone = {path for path in layer.directories if path not in kept}
    gone |= {entry.path for entry in layer.entries if dropped(entry.path)}
    # What is inside a directory that is gone needs no mention.
    skipped = [path for path in sorted(gone) if not below(path.rpartition("/")[0], gone)]
    return replace(
        layer,
        entries=entries,
        directories=tuple(path for path in layer.directories if path in kept),
        skipped=(*layer.skipped, *(Skipped(path=path, reason=reason) for path in skipped)),
    )
