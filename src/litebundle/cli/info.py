"""`bundle info`: which bundle this is, and what is in it, in sum."""

import sys
from collections import Counter
from collections.abc import Iterator

import click

from litebundle.cli.output import (
    bundle_argument,
    counted,
    in_bytes,
    json_option,
    print_json,
    print_pairs,
)
from litebundle.format.manifest import ANY, JOINED, STARTUP, Target, startup
from litebundle.format.signature import DIGESTS, SIGNATURE, key_name
from litebundle.inspect.bundle import Bundle, File, Module
from litebundle.inspect.signature import statement_of

_TOLD_OTHERWISE = ("root.", "target.", "variant.", STARTUP, f"{JOINED}.", DIGESTS, SIGNATURE)
"""Addresses, and what is said in other words."""


@click.command("info", short_help="Tell what a bundle is and for which Pythons.")
@bundle_argument
@json_option
def command(file: str, *, as_json: bool) -> None:
    """Tell which build the bundle FILE is, what it holds, and for which Pythons.

    "This Python" is the one that runs the command.
    """
    bundle = Bundle(file)
    modules, files = list(bundle.modules()), list(bundle.files())
    if as_json:
        print_json(_as_json(bundle, modules, files))
    else:
        print_pairs(_pairs(bundle, modules, files))


def _as_json(bundle: Bundle, modules: list[Module], files: list[File]) -> dict[str, object]:
    return {
        "bundle": bundle.path,
        "size": bundle.size,
        "container": bundle.container,
        "page_size": bundle.page_size,
        "identity": bundle.identity,
        "manifest": bundle.manifest,
        "signature": _signature(bundle),
        "targets": [
            {
                "name": str(target),
                "python": target.python,
                "release": None if target.release == ANY else target.release,
                "platform": target.platform,
                "root": target.root,
                "fits": target is bundle.target,
            }
            for target in bundle.targets
        ],
        "variants": [
            {
                "implementation": variant.implementation,
                "cache_tag": variant.cache_tag,
                "magic": variant.magic.hex(),
                "optimize": variant.optimize,
                "code": _code_size(modules, number),
                "fits": variant is bundle.fitting,
            }
            for number, variant in enumerate(bundle.variants)
        ],
        "modules": Counter(module.kind for module in modules),
        "files": Counter(file.kind.value for file in files),
        "file_bytes": sum(file.size for file in files),
        "distributions": [
            {"name": found.name, "version": found.version, "path": found.path}
            for found in bundle.distributions()
        ],
    }


def _pairs(bundle: Bundle, modules: list[Module], files: list[File]) -> Iterator[tuple[str, str]]:
    pages = f", pages of {bundle.page_size:,} bytes" if bundle.page_size else ""
    yield "bundle", bundle.path
    yield "size", in_bytes(bundle.size)
    yield "container", bundle.container + pages
    for key, value in bundle.manifest.items():
        # Addresses, and what is said below
        if not key.startswith(_TOLD_OTHERWISE):
            yield key, value
    if runs := startup(bundle.manifest):
        yield "start-up", f"{in_bytes(sum(size for _, size, _ in runs))} read ahead"
    for number, variant in zip(bundle.columns, bundle.variants, strict=True):
        if streams := bundle.joined(number):
            many = "" if len(streams) == 1 else "s"
            yield "start-up", f"code for {variant} joined in {len(streams)} stream{many}"
    if signature := _signature(bundle):
        yield "signed by", f"{signature['key']}, unless it was altered: `bundle verify --key` tells"
    for target in bundle.targets:
        yield "target", _described(bundle, target)
    for number, variant in enumerate(bundle.variants):
        yield "code for", f"{variant}: {in_bytes(_code_size(modules, number))}"
    yield "this Python", _fit(bundle)
    yield "modules", counted(Counter(module.kind for module in modules))
    size = in_bytes(sum(file.size for file in files))
    yield "files", f"{counted(Counter(file.kind.value for file in files))}, {size} together"
    for found in bundle.distributions():
        yield "distribution", f"{found.name} {found.version}"


def _signature(bundle: Bundle) -> dict[str, object] | None:
    """Return what the bundle says of its signature, which nobody has checked."""
    statement = statement_of(bundle)
    if statement is None:
        return None
    key = key_name(statement.signature.identifier)
    return {"key": key, "app": statement.app, "version": statement.version}


def _described(bundle: Bundle, target: Target) -> str:
    """Tell whom a target is, and what is for it."""
    seen = bundle.at(target.root)
    release = "" if target.release == ANY else ", with its standard library"
    return f"{target}: {len(list(seen.files())):,} files{release}"


def _fit(bundle: Bundle) -> str:
    if bundle.fitting is not None:
        return f"uses the code for {bundle.fitting}"
    level = f" -O{sys.flags.optimize}" if sys.flags.optimize else ""
    return f"{sys.implementation.cache_tag}{level}, which compiles what sources there are"


def _code_size(modules: list[Module], variant: int) -> int:
    return sum(module.code[variant] or 0 for module in modules)
