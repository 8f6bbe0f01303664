"""Wheels, projects, requirements and locks to layers: whatever is a distribution."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import parse_wheel_filename

from litebundle.collect.environment import Environment, environment
from litebundle.collect.fetch import fetched
from litebundle.collect.locks import Pinned, is_lock, locked
from litebundle.collect.project import build_wheel
from litebundle.collect.requirements import Wanted, hashed, resolve
from litebundle.collect.tree import Layer
from litebundle.collect.wheel import wheel_layer
from litebundle.errors import BuildError

if TYPE_CHECKING:
    from litebundle.collect.inputs import Given, Inputs


def package_layers(
    given: "Given", inputs: "Inputs", work: Path
) -> list[tuple[str | None, Environment, list[Layer]]]:
    """Return for each target its platform as asked for, its environment and its layers.

    There is a layer for each distribution, by name. `work` is a directory for what is built.
    Raises BuildError.
    """
    found = [
        (platform, environment(python, platform))
        for python in inputs.python_version or (None,)
        for platform in inputs.platform or (None,)
    ]
    _require_taken(given.wheels, [each for _, each in found])
    projects = {project.resolve(): build_wheel(project, work) for project in given.projects}
    return [
        (platform, each, _layers(given, inputs, projects, each, work)) for platform, each in found
    ]


def _layers(
    given: "Given",
    inputs: "Inputs",
    projects: dict[Path, Path],
    chosen_for: Environment,
    work: Path,
) -> list[Layer]:
    locks = [path for path in inputs.requirements if is_lock(path)]
    files = [path for path in inputs.requirements if not is_lock(path)]
    pinned = [package for path in locks for package in locked(path, chosen_for)]
    pinned = [package for package in pinned if not _is_one_of(package, projects)]
    wheels = _best(given.wheels, chosen_for)
    specifiers = [*given.requirements]
    if inputs.deps and not locks and not hashed(files):
        specifiers += map(_requirement, projects.values())
    else:  # a lock has what they need, which requirements with hashes are, too
        wheels += projects.values()
    if specifiers or files:
        wanted = Wanted(specifiers=specifiers, files=files, deps=inputs.deps)
        pinned += resolve(wanted, chosen_for, inputs.resolver)
    wheels += fetched(pinned, chosen_for, work)
    wheels = list(dict.fromkeys(path.absolute() for path in wheels))
    for wheel in wheels:
        chosen_for.require(wheel)
    _require_one_each(wheels)
    layers = [wheel_layer(wheel) for wheel in wheels]
    return sorted(layers, key=lambda layer: (layer.distribution, layer.source.name))


def _best(wheels: Iterable[Path], chosen_for: Environment) -> list[Path]:
    """Return of the wheels of each release the one that an installer would take."""
    found: dict[tuple[str, str], tuple[int, Path]] = {}
    for wheel in wheels:
        name, version, *_ = parse_wheel_filename(wheel.name)
        rank = chosen_for.rank(wheel)
        known = found.get((name, str(version)))
        if rank is not None and (known is None or rank < known[0]):
            found[name, str(version)] = rank, wheel
    return [wheel for _, wheel in found.values()]


def _require_taken(wheels: Sequence[Path], environments: Sequence[Environment]) -> None:
    """Raise BuildError if a wheel is for none of the environments, or one has none of a kind."""
    if len(environments) == 1:
        for wheel in wheels:
            environments[0].require(wheel)
        return
    for wheel in wheels:
        if all(each.rank(wheel) is None for each in environments):
            raise BuildError(
                f"is for none of {', '.join(map(str, environments))}",
                file=str(wheel),
                hint="leave it out, or choose its target with --python-version and --platform",
            )
    names = {path: parse_wheel_filename(path.name)[0] for path in wheels}
    problems = [
        f"{name} for {each}"
        for each in environments
        for name in sorted(
            {*names.values()} - {names[path] for path in wheels if each.rank(path) is not None}
        )
    ]
    if problems:
        raise BuildError(
            "not every target has its wheel",
            problems=[f"there is none of {problem}" for problem in problems],
            hint="name a wheel for each, or build for fewer targets",
        )


def _is_one_of(package: Pinned, projects: Iterable[Path]) -> bool:
    return package.path is not None and package.path.resolve() in projects


def _requirement(wheel: Path) -> str:
    name, *_ = parse_wheel_filename(wheel.name)
    return f"{name} @ {wheel.absolute().as_uri()}"


def _require_one_each(wheels: Iterable[Path]) -> None:
    versions = defaultdict(set)
    for wheel in wheels:
        name, version, *_ = parse_wheel_filename(wheel.name)
        versions[name].add(str(version))
    problems = [
        f"{name}: {' and '.join(sorted(found))}"
        for name, found in sorted(versions.items())
        if len(found) > 1
    ]
    if problems:
        raise BuildError(
            "the sources bring several versions of a distribution",
            problems=problems,
            hint="leave all but one out, or resolve everything together",
        )
