"""Sources to a bundle: collect, compile, write, check, put in place."""

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from litebundle.assembly import Assembly, Means, packed
from litebundle.cache.cache import Cache, opened
from litebundle.collect.distributions import unmet
from litebundle.collect.inputs import Gathered, gathered
from litebundle.collect.tree import Layer
from litebundle.compile.compiler import Compiler
from litebundle.compile.target import Target
from litebundle.errors import BuildError
from litebundle.inspect.check import problems
from litebundle.inspect.signature import refuse_unsigning
from litebundle.options import Options, Progress
from litebundle.place.analyser import Analyser
from litebundle.place.decide import check_chosen
from litebundle.plan import Plan, planned, require_one_tree
from litebundle.report import Report, reported
from litebundle.runtime.archive import open_archive
from litebundle.runtime.descriptor import exposed
from litebundle.trace import read_trace, require_trace, traced, write_trace
from litebundle.write.atomic import check_output, replacing
from litebundle.write.launcher import put_in_front
from litebundle.write.readback import Wrote, stands
from litebundle.write.startup import Startup

__all__ = ["Options", "Progress", "build"]

_BACKPORT = "backports/zstd/__init__.py"

_LARGEST = {"sqlite": 1_000_000_000 - 4096, "zip": 0xFFFF_FFFF}
"""Of a file, in bytes: SQLite's limit of a row, and that of a reference's sizes."""


def build(
    sources: Sequence[str | os.PathLike[str]],
    output: Path,
    options: Options = Options(),  # noqa: B008  # frozen
    progress: Progress | None = None,
) -> Report:
    """Build a bundle of sources laid over each other, and put it in place as a whole.

    Sources are directories, projects, wheels and requirements (collect/inputs.py). Raises
    BuildError for input that cannot be had or packed and for what the disk refuses; what stood at
    `output` is then untouched.
    """
    started = time.monotonic()
    output = output.absolute()
    check_output(output)
    if not options.force:
        hint = "build to another file and sign that one, or build with --force"
        refuse_unsigning(output, hint)
    if options.trace is not None and options.trace_file is not None:
        require_trace(options.trace_file)
    with (
        gathered(sources, options.inputs, output=output) as found,
        opened(_places(found), used=options.cache) as cache,
        ExitStack() as stack,
    ):
        compilers = {
            python: stack.enter_context(Compiler(python, options.optimize, options.jobs, cache))
            for python in dict.fromkeys(each.python for each in found)
        }
        targets = {python: compiler.target for python, compiler in compilers.items()}
        plan = planned(found, targets, overlay=options.overlay)
        _refuse_unfit(plan, options.container, options.compress)
        analysers = [Analyser(root.tree, root.version) for root in plan.roots]
        check_chosen(options.place or {}, [analyser.ground for analyser in analysers])
        means = Means(plan, compilers, analysers, cache)
        startup = _startup(means, options)
        with replacing(output, lambda path: _read_back(path, work.wrote)) as aside:
            work = Assembly(means, options, aside, startup, progress)
            content = packed(work, means, options)
            if options.launch is not None:
                put_in_front(options.launch.shebang, aside)
        told = (*_warnings(found, plan, cache), *_zstd_needed(plan, targets, options.compress))
        warnings = dict.fromkeys([*told, *work.unknown()])
    if danger := exposed(str(output)):
        warnings[danger] = None
    return Report(
        output=output,
        container=options.container,
        identity=dict(content.manifest)["identity"],
        size=output.stat().st_size,
        targets=tuple(map(str, plan.targets)),
        counts=dict(Counter(entry.kind.value for entry in plan.entries)),
        modules=len(work.compiled),
        stripped=len(plan.entries) - work.stored,
        placed=tuple(dict.fromkeys(one for units in work.units for one in reported(units))),
        uncompiled=tuple(work.uncompiled),
        skipped=tuple(dict.fromkeys(one for tree in plan.trees for one in tree.skipped)),
        conflicts=tuple(dict.fromkeys(one for tree in plan.trees for one in tree.conflicts)),
        warnings=tuple(warnings),
        seconds=time.monotonic() - started,
    )


def _startup(means: Means, options: Options) -> Startup:
    """Return what start-up reads: as traced now, or before, or nothing that is known."""
    if options.trace is None:
        return Startup() if options.trace_file is None else read_trace(options.trace_file)
    # Never the file itself: where it stands in the file is what is to be found out
    once = replace(options, container="sqlite", compress="none", launch=None, strict=False)

    def pack(path: Path) -> None:
        packed(Assembly(means, once, path, Startup(), None), means, once)

    startup = traced(options.trace, next(iter(means.compilers)), pack)
    if options.trace_file is not None:
        write_trace(options.trace_file, startup)
    return startup


def _places(found: Sequence[Gathered]) -> Iterator[Path]:
    """Yield what tells these sources from others."""
    return (layer.source for each in found for layer in each.layers)


def _warnings(found: Sequence[Gathered], plan: Plan, cache: Cache) -> Iterator[str]:
    if cache.refused is not None:
        yield f"the cache is not used: {cache.refused.file} {cache.refused.message}"
    if not plan.entries:
        yield "there is nothing in it: the sources have no file, or none that was not left out"
    for each, tree in zip(found, plan.trees, strict=True):
        yield from tree.warnings
        yield from map(_unbuilt, filter(_is_unbuilt, each.layers))
        if each.environment is not None:
            yield from unmet(tree, each.environment.markers)


def _zstd_needed(plan: Plan, targets: Mapping[str, Target], compress: str) -> Iterator[str]:
    if compress != "zstd" or any(entry.path == _BACKPORT for entry in plan.entries):
        return
    for version in sorted({target.version for target in targets.values()}):
        if [int(number) for number in version.split(".")[:2]] < [3, 14]:
            yield (
                f"Python {version} undoes zstd with backports.zstd only, which is not in the"
                " bundle: pack it too, or have it there"
            )


def _is_unbuilt(layer: Layer) -> bool:
    return layer.distribution is None and any(e.path == "setup.py" for e in layer.entries)


def _unbuilt(layer: Layer) -> str:
    return (
        f"{layer.source} is packed as it lies, not as its setup.py would install it:"
        " with a pyproject.toml (PEP 518) it is built first"
    )


def _refuse_unfit(plan: Plan, container: str, compress: str) -> None:
    if container == "zip":
        require_one_tree(plan)
        if compress == "zstd":
            raise BuildError(
                "a zip is for any Python, and most cannot undo zstd",
                hint="use --compress zlib, or --format sqlite",
            )
    entries = plan.entries
    limit = _LARGEST[container]
    large = [f"{e.path}: {e.size:,} bytes" for e in entries if e.size > limit]
    if large:
        raise BuildError(
            f"a file in a {container} bundle has at most {limit:,} bytes",
            problems=tuple(large),
            hint="ship the data beside the bundle",
        )
    reserved = [e.path for e in entries if e.path.partition("/")[0] == ".litebundle"]
    if reserved:
        raise BuildError(
            "a source has files where a bundle keeps its index",
            problems=tuple(reserved),
            hint="remove the directory .litebundle from it",
        )


def _read_back(path: Path, wrote: Wrote) -> None:
    archive = open_archive(str(path))
    if archive is not None and stands(archive, wrote):
        return
    # What differs, and where, is for the one to say who looks at files of any origin
    found = ["not a bundle"] if archive is None else [*map(str, problems(archive))]
    raise BuildError(
        "what was written reads back differently",
        problems=found or ["sound, but not what was to be written"],
        hint="check the disk and the memory of this machine",
    )
