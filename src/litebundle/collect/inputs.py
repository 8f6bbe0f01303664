"""Everything that a bundle can be made of, sorted by what it is and gathered into layers."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from litebundle.collect.directory import walked
from litebundle.collect.project import is_project
from litebundle.collect.selection import Selection, selected
from litebundle.collect.tree import Layer

if TYPE_CHECKING:
    from litebundle.collect.environment import Environment
    from litebundle.collect.stdlib import Library


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What goes into a bundle beside the sources, and for whom packages are chosen.

    `requirements` are files: requirements.txt, pylock.toml or uv.lock. `deps` is whether what is
    required brings what it requires; `resolver` uv or pip, by default the first that is here.
    The bundle is for each `python_version` ("3.12", or the path of an interpreter) on each
    `platform` (a tag, "win_amd64"), by default the running ones. `stdlib` is how much it has of
    the standard library: what is "used", or "all".
    """

    requirements: tuple[Path, ...] = ()
    deps: bool = True
    resolver: Literal["uv", "pip"] | None = None
    python_version: tuple[str, ...] = ()
    platform: tuple[str, ...] = ()
    stdlib: Literal["used", "all"] | None = None
    selection: Selection = field(default_factory=Selection)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What is for one target: the layers, the first on top, and the interpreter that compiles them.

    `platform` is the tag that was asked for; `environment` is None if there was no wheel to choose;
    `library` is the layer below them all, for the interpreter's own release only.
    """

    layers: list[Layer]
    python: str
    platform: str | None = None
    environment: "Environment | None" = None
    library: "Library | None" = None


@dataclass(frozen=True, slots=True)
class Given:
    """The sources of a command line by what they are, in their order."""

    directories: list[Path] = field(default_factory=list)
    wheels: list[Path] = field(default_factory=list)
    projects: list[Path] = field(default_factory=list)
    requirements: list[str] = field(default_factory=list)


@contextlib.contextmanager
def gathered(
    sources: Sequence[str | os.PathLike[str]], inputs: Inputs, *, output: Path
) -> Iterator[list[Gathered]]:
    """Yield what there is to pack for each target; what was built for it is removed afterwards.

    A source is a directory as it would stand on `sys.path`; a project; a wheel; or, if nothing of
    that name is there, a requirement that says more than a name. Directories lie on top in their
    order, packages below them by name. `output` is left out where it lies inside a directory.
    Raises BuildError for what cannot be had or packed.
    """
    given = _sorted(sources)
    layers = walked(given.directories, exclude=output)
    asked_for = (given.wheels, given.projects, given.requirements, inputs.requirements)
    if not any((*asked_for, inputs.python_version, inputs.platform)):
        alone = Gathered(layers=selected(layers, inputs.selection), python=sys.executable)
        yield [_with_library(alone, inputs)]
        return
    from litebundle.collect.packages import package_layers  # some 200 modules

    with tempfile.TemporaryDirectory(prefix="litebundle-") as work:
        yield [
            _with_library(
                Gathered(
                    layers=selected([*layers, *packages], inputs.selection),
                    python=environment.python,
                    platform=platform,
                    environment=environment,
                ),
                inputs,
            )
            for platform, environment, packages in package_layers(given, inputs, Path(work))
        ]


def _with_library(target: Gathered, inputs: Inputs) -> Gathered:
    if inputs.stdlib is None:
        return target
    from litebundle.collect.stdlib import library

    return replace(target, library=library(target.python, target.layers, inputs.stdlib))


def is_source(text: str) -> bool:
    """Tell whether that names something to pack: what is there, a wheel, or a requirement."""
    return Path(text).exists() or text.endswith(".whl") or "/" in text or _is_requirement(text)


def _sorted(sources: Sequence[str | os.PathLike[str]]) -> Given:
    given = Given()
    for source in sources:
        path = Path(source)
        if path.is_dir():
            (given.projects if is_project(path) else given.directories).append(path)
        elif path.suffix == ".whl":
            given.wheels.append(path)
        elif not path.exists() and _is_requirement(os.fspath(source)):
            given.requirements.append(os.fspath(source))
        else:
            given.directories.append(path)  # which it is not: it will be refused with the others
    return given


def _is_requirement(text: str) -> bool:
    """Tell whether the text asks for a package, and not by a mere name.

    A name alone is more likely a directory that is not there; and whoever owns that name on the
    index is not who was meant.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return False
    return bool(requirement.specifier or requirement.url or requirement.extras)
