"""`bundle list`: the modules and files of a bundle."""

import click

from litebundle.cli.output import (
    Table,
    bundle_argument,
    json_option,
    print_json,
    print_tables,
    target_option,
)
from litebundle.inspect.bundle import Bundle, File, Module


@click.command("list", short_help="List the modules and files of a bundle.")
@bundle_argument
@click.option("--modules", is_flag=True, help="List the modules only.")
@click.option("--files", is_flag=True, help="List the files only.")
@target_option
@json_option
def command(file: str, *, modules: bool, files: bool, target: str | None, as_json: bool) -> None:
    """List what can be imported from the bundle FILE, and the files in it.

    That is what this Python would find, unless another target is named.

    Sizes are in bytes; that of a module is its code's. Where the output is no terminal, a line
    begins with "module" or "file" and its fields are separated by tabs.
    """
    bundle = Bundle(file) if target is None else Bundle(file).seen_by(target)
    both = modules == files
    found_modules = list(bundle.modules()) if modules or both else None
    found_files = list(bundle.files()) if files or both else None
    if as_json:
        print_json(_as_json(bundle, found_modules, found_files))
        return
    tables = []
    if found_modules is not None:
        tables.append(_module_table(bundle, found_modules))
    if found_files is not None:
        tables.append(_file_table(found_files))
    print_tables(tables)


def _module_table(bundle: Bundle, modules: list[Module]) -> Table:
    return Table(
        tag="module",
        columns=("module", "kind", "code", "for"),
        rows=[
            (
                module.name,
                module.kind,
                max(_sizes(module), default=0),
                ", ".join(_for(bundle, module)),
            )
            for module in modules
        ],
    )


def _file_table(files: list[File]) -> Table:
    return Table(
        tag="file",
        columns=("file", "mode", "size"),
        rows=[(file.path, f"{file.mode:o}", file.size) for file in files],
    )


def _as_json(
    bundle: Bundle, modules: list[Module] | None, files: list[File] | None
) -> dict[str, object]:
    found: dict[str, object] = {"bundle": bundle.path, "identity": bundle.identity}
    if modules is not None:
        found["modules"] = [
            {
                "name": module.name,
                "kind": module.kind,
                "path": module.path,
                "code": dict(zip(_for(bundle, module), _sizes(module), strict=True)),
            }
            for module in modules
        ]
    if files is not None:
        found["files"] = [
            {
                "path": file.path,
                "kind": file.kind.value,
                "mode": f"{file.mode:o}",
                "size": file.size,
            }
            for file in files
        ]
    return found


def _sizes(module: Module) -> list[int]:
    return [size for size in module.code if size is not None]


def _for(bundle: Bundle, module: Module) -> list[str]:
    return [
        str(variant)
        for variant, size in zip(bundle.variants, module.code, strict=True)
        if size is not None
    ]
