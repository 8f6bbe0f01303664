"""What the levels of packages are, and why: of all that bundles are made of, and of bundles."""

import functools
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES
from pathlib import Path
from typing import TYPE_CHECKING

from litebundle.collect.directory import walked
from litebundle.collect.inputs import Inputs, gathered, is_source
from litebundle.collect.overlay import merged
from litebundle.collect.selection import Selection, selected
from litebundle.collect.tree import Entry, Layer, Packed, Tree
from litebundle.errors import BuildError
from litebundle.inspect.bundle import Bundle
from litebundle.place.analyser import Analyser
from litebundle.place.decide import Decision, check_chosen, decided
from litebundle.place.level import Level
from litebundle.runtime.archive import open_archive

if TYPE_CHECKING:
    from litebundle.collect.environment import Environment

_SUFFIXES = (*SOURCE_SUFFIXES, *EXTENSION_SUFFIXES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked about: `inputs` and `place` are as for a build."""

    inputs: Inputs = field(default_factory=Inputs)
    place: Mapping[str, str] = field(default_factory=dict)
    overlay: bool = False


def explain(what: Sequence[str], question: Question = Question()) -> list[Decision]:  # frozen
    """Return the decisions about packages, sorted by name.

    `what` are sources as for a build, one bundle, or one package's directory; and names of the
    packages that are meant, without which it is all of them. Names alone are of packages that this
    Python has. Raises BuildError for what is not there.
    """
    sources = [one for one in what if is_source(one)]
    names = [one for one in what if one not in sources]
    bundle = _bundle(sources)
    package = Path(sources[0]) if len(what) == len(sources) == 1 else None
    if package and Path(package, "__init__.py").is_file():
        package = package.absolute()
        found = _judged(_only({package.name: package.parent}), question)
    elif bundle is not None:
        found = _recorded(bundle, _judged(_unpacked(bundle), question))
    elif sources or question.inputs.requirements:
        with gathered(sources, question.inputs, output=Path(os.devnull)) as given:
            first = given[0]  # of several targets
            tree = merged(first.layers, overlay=question.overlay)
            found = _judged(tree, question, first.environment)
    else:
        found = _judged(_installed(names), question)
    missing = [name for name in names if name not in found]
    files = [name for name in missing if not name.replace("-", "_").isidentifier()]
    if files:
        raise BuildError(
            f"{files[0]}: there is no such file, and no package of such a name",
            hint="name what `bundle build` takes, a bundle, or a package",
        )
    if missing:
        raise BuildError(
            f"no package {', '.join(missing)} in {', '.join(sources) or 'this Python'}",
            hint="name a topmost package, by what it is imported as; or NAME==VERSION to get one",
        )
    return [found[name] for name in sorted(names or found)]


def _judged(
    tree: Tree, question: Question, environment: "Environment | None" = None
) -> dict[str, Decision]:
    version = environment.markers["python_version"].split(".") if environment else sys.version_info
    analyser = Analyser(tree, tuple(map(int, version[:2])))
    check_chosen(question.place, [analyser.ground])
    analyser.see_all()
    decisions = decided(analyser.evidence(thorough=True), question.place).values()
    return {decision.package: decision for decision in decisions}


def _bundle(sources: Sequence[str]) -> Bundle | None:
    """Return the bundle that is asked about; raises BuildError if there is anything beside it."""
    bundles = [
        source
        for source in sources
        if Path(source).is_file() and not source.endswith(".whl") and open_archive(source)
    ]
    if bundles and len(sources) > 1:
        raise BuildError(
            f"{bundles[0]} is a bundle, and is explained by itself",
            hint="name the bundle, and if you like the packages in it",
        )
    return Bundle(bundles[0]) if bundles else None


def _unpacked(bundle: Bundle) -> Tree:
    def entries() -> Iterator[Entry]:
        for file in bundle.files():
            yield Entry(
                path=file.path,
                location=str(Path(bundle.path, file.path)),
                mode=file.mode,
                size=file.size,
                kind=file.kind,
                archived=functools.partial(_packed, bundle, file.path),
            )

    layer = Layer(source=Path(bundle.path), entries=tuple(entries()), directories=())
    return merged([layer], overlay=False)


def _packed(bundle: Bundle, path: str) -> Packed:
    return Packed(bundle.read(path))


def _recorded(bundle: Bundle, seen: Mapping[str, Decision]) -> dict[str, Decision]:
    """Return the decisions that the bundle was built with, which may be other than its code's."""
    levels = bundle.levels()
    found = {}
    for package, decision in seen.items():
        level = Level(levels.get(package, Level.CODE))
        if level is not decision.level:
            reasons = ("so it was built", *decision.reasons)
            found[package] = replace(decision, level=level, by="bundle", reasons=reasons)
        else:
            found[package] = decision
    return found


def _installed(names: Sequence[str]) -> Tree:
    """Return the packages of those names that this Python would import."""
    homes = [Path(entry or ".") for entry in sys.path]
    found = (next((home for home in homes if _patterns(home, name)), None) for name in names)
    return _only({name: home for name, home in zip(names, found, strict=True) if home})


def _only(packages: Mapping[str, Path]) -> Tree:
    """Return nothing but the packages, each from the directory that it is in."""
    layers: list[Layer] = []
    for name, home in packages.items():
        layers += selected(walked([home]), Selection(only=_patterns(home, name)))
    return merged(layers, overlay=True)


def _patterns(home: Path, name: str) -> tuple[str, ...]:
    """Return what stands for a module in a directory: a directory, files, or nothing."""
    path = name.replace(".", "/")
    package = [path] if Path(home, path).is_dir() else []
    files = [f"{path}{suffix}" for suffix in _SUFFIXES if Path(home, path + suffix).is_file()]
    return (*package, *files)
