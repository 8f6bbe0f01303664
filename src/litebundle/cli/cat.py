"""`bundle cat`: the content of one file of a bundle."""

import difflib
from typing import NoReturn

import click

from litebundle.cli.output import bundle_argument, target_option
from litebundle.errors import BundleError
from litebundle.inspect.bundle import Bundle


@click.command("cat", short_help="Print a file of a bundle, or a module's source.")
@bundle_argument
@click.argument("path")
@target_option
def command(file: str, path: str, target: str | None) -> None:
    """Print a file of the bundle FILE by its PATH there, or a module's source by its dotted name.

    The bytes go to standard output as they are.
    """
    bundle = Bundle(file) if target is None else Bundle(file).seen_by(target)
    if bundle.archive.file(path) is None:
        path = bundle.source_path(path) or _missing(bundle, path)
    click.echo(bundle.read(path), nl=False)


def _missing(bundle: Bundle, path: str) -> NoReturn:
    modules = {module.name: module for module in bundle.modules()}
    if path in modules:
        raise BundleError(
            f"no source of {path}, which is a {modules[path].kind}",
            file=bundle.path,
            hint="build without --no-sources to keep the sources"
            if any(modules[path].code)
            else f"`bundle list {bundle.path} --files` shows what is there",
        )
    names = [file.path for file in bundle.files()] + list(modules)
    near = difflib.get_close_matches(path, names, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else None
    raise BundleError(
        f"no file or module {path!r}",
        file=bundle.path,
        hint=hint or f"`bundle list {bundle.path}` shows what is there",
    )
