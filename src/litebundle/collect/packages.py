"""Wheels, projects, requirements and locks to layers: whatever is a distribution."""

from collections import defaultdict
from collections.abc import Iterable
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


def package_layers(given: "Given", inputs: "Inputs", work: Path) -> tuple[list[Layer], Environment]:
    """Return a layer for each distribution, by name, and the environment they were chosen for.

    `work` is a directory for what is built. Raises BuildError.
    """
    chosen_for = environment(inputs.python_version, inputs.platform)
    for wheel in given.wheels:
        chosen_for.require(wheel)
    projects = {project.resolve(): build_wheel(project, work) for project in given.projects}
    locks = [path for path in inputs.requirements if is_lock(path)]
    files = [path for path in inputs.requirements if not is_lock(path)]
    pinned = [package for path in locks for package in locked(path, chosen_for)]
    pinned = [package for package in pinned if not _is_one_of(package, projects)]
    wheels = [*given.wheels]
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
    return sorted(layers, key=lambda layer: (layer.distribution, layer.source.name)), chosen_for


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
