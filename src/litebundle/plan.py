"""Which trees a bundle has, whom each is for, and which code goes with it."""

import re
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from litebundle.collect.inputs import Gathered
from litebundle.collect.overlay import equal, merged
from litebundle.collect.tree import Entry, Kind, Tree
from litebundle.compile.target import Target as Compiler
from litebundle.errors import BuildError
from litebundle.format.manifest import ANY, Target, Variant

_NATIVE = re.compile(r"\.(so|dll|dylib|pyd)(\.|$)")


@dataclass(slots=True, kw_only=True)
class PlannedRoot:
    """A tree, the version of the first Python it is for, and the variants it has code of."""

    tree: Tree
    version: tuple[int, ...]
    columns: list[int]


@dataclass(kw_only=True)
class Plan:
    """What is to be built: `compilers` has the numbers of its variants for each interpreter.

    `trees` are those of the targets without a standard library, which the sources alone made.
    """

    variants: list[Variant] = field(default_factory=list)
    compilers: dict[str, list[int]] = field(default_factory=dict)
    roots: list[PlannedRoot] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    trees: list[Tree] = field(default_factory=list)

    @cached_property
    def entries(self) -> list[Entry]:
        """The files of all roots, each once, in the order of their paths; of a finished plan."""
        found = {key(entry): entry for root in self.roots for entry in root.tree.entries}
        return [found[each] for each in sorted(found)]

    def sources(self, python: str) -> list[Entry]:
        """Return what the interpreter is to compile, in the order of the paths."""
        wanted = set(self.compilers[python])
        roots = [root for root in self.roots if not wanted.isdisjoint(root.columns)]
        found = {key(e): e for root in roots for e in root.tree.entries if e.kind is Kind.SOURCE}
        return [found[each] for each in sorted(found)]


def key(entry: Entry) -> tuple[str, str]:
    """Return what tells a file from those that other targets have at its path."""
    return entry.path, entry.location


def planned(found: Sequence[Gathered], compilers: Mapping[str, Compiler], *, overlay: bool) -> Plan:
    """Return the plan for what was gathered for each target, equal trees made one.

    `compilers` are the interpreters by their paths. Raises BuildError for what contradicts itself.
    """
    plan = Plan()
    for python, compiler in compilers.items():
        plan.compilers[python] = [_variant(plan, compiler, level) for level in compiler.optimize]
    plan.trees = [merged(each.layers, overlay=overlay) for each in found]
    for each in found:  # before those without: a loader takes the first that fits
        if each.library is not None:
            tree = merged([*each.layers, each.library.layer], overlay=overlay)
            _add(plan, each, compilers[each.python], each.library.release, tree)
    for each, tree in zip(found, plan.trees, strict=True):
        _add(plan, each, compilers[each.python], ANY, tree)
    return plan


def require_one_tree(plan: Plan) -> None:
    """Raise BuildError if the targets have different trees, which a zip has no room for."""
    if len(plan.roots) > 1:
        raise BuildError(
            f"a zip holds one tree, and what it is to hold for its targets makes {len(plan.roots)}",
            problems=[f"{target} has tree {target.root + 1}" for target in plan.targets],
            hint="build a zip for each target and without --stdlib, or use --format sqlite",
        )


def _variant(plan: Plan, compiler: Compiler, level: int) -> int:
    """Return the number of a kind of code."""
    variant = Variant(compiler.implementation, compiler.cache_tag, compiler.magic, level)
    texts = [known.text for known in plan.variants]
    if variant.text not in texts:  # 3.13.0 and 3.13.1 have one
        plan.variants.append(variant)
    return [known.text for known in plan.variants].index(variant.text)


def _add(plan: Plan, found: Gathered, compiler: Compiler, release: str, tree: Tree) -> None:
    """Add a target, unless one before it is the same."""
    python = compiler.cache_tag + compiler.abiflags
    platform = found.platform or (_own_platform() if _is_native(tree) else ANY)
    known = [(target.python, target.release, target.platform) for target in plan.targets]
    if (python, release, platform) in known:
        return
    number = next((n for n, root in enumerate(plan.roots) if _same(root.tree, tree)), None)
    if number is None:
        number = len(plan.roots)
        version = tuple(map(int, compiler.version.split(".")))
        plan.roots.append(PlannedRoot(tree=tree, version=version, columns=[]))
    root = plan.roots[number]
    root.columns = sorted({*root.columns, *plan.compilers[found.python]})
    plan.targets.append(Target(python, release, platform, number))


def _same(one: Tree, other: Tree) -> bool:
    """Tell whether two trees cannot be told apart once they are in a bundle."""
    if one.directories != other.directories or _outlines(one) != _outlines(other):
        return False
    pairs = zip(one.entries, other.entries, strict=True)
    return all(a.location == b.location or equal(a, b) for a, b in pairs)


def _outlines(tree: Tree) -> list[tuple[str, int, int]]:
    return [(entry.path, entry.mode, entry.size) for entry in tree.entries]


def _is_native(tree: Tree) -> bool:
    return any(entry.kind is Kind.EXTENSION or _NATIVE.search(entry.path) for entry in tree.entries)


def _own_platform() -> str:
    """Return this machine's tag, without what the library of another one would have to be."""
    return re.sub(r"[^0-9A-Za-z_]", "_", sysconfig.get_platform())


def said(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield the entries of the manifest that tell of the plan."""
    yield from ((f"variant.{n}", variant.text) for n, variant in enumerate(plan.variants))
    yield from ((f"target.{n}", target.text) for n, target in enumerate(plan.targets))
