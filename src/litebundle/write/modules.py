"""Entries to directories: which module names a directory has, and what stands behind each."""

from collections.abc import Mapping

from litebundle.collect.tree import Kind, Tree
from litebundle.format import listing, names
from litebundle.write.content import Blob, Directory, Module

_FLAGS = {
    Kind.SOURCE: (listing.SOURCE, listing.PACKAGE),
    Kind.BYTECODE: (listing.BYTECODE, listing.BYTECODE_PACKAGE),
    Kind.EXTENSION: (listing.EXTENSION, listing.EXTENSION_PACKAGE),
}
"""Of a kind of file: its bit as `name.py`, and that of the package whose `__init__` it is."""


def directories(tree: Tree, variants: int) -> dict[str, Directory]:
    """Return the directories of the tree by path, with all module names but no code yet."""
    found = {path: Directory(path=path, variants=variants) for path in ("", *tree.directories)}
    for path in tree.directories:
        parent, _, name = path.rpartition("/")
        found[parent].directories.add(name)
        if "." not in name:  # no import ever asks for another (the last dotted component counts)
            found[parent].module(name).flags |= listing.DIRECTORY
    for entry in tree.entries:
        if entry.kind not in _FLAGS:
            continue
        directory, _, filename = entry.path.rpartition("/")
        named = names.module_name(filename)
        assert named is not None  # noqa: S101  # the kind says so
        as_module, as_package = _FLAGS[entry.kind]
        found[directory].module(named[0]).flags |= as_module
        if named[0] == "__init__" and directory:
            parent, _, name = directory.rpartition("/")
            if "." not in name:
                found[parent].module(name).flags |= as_package
    return found


def add_code(found: dict[str, Directory], path: str, blobs: Mapping[int, Blob]) -> None:
    """Enter the code of the source at a path, by column, wherever it is looked up.

    A package's is entered in its parent directory, where `find_spec` needs it, and also under
    `__init__` in its own, which can be imported as a module of that name.
    """
    directory, _, filename = path.rpartition("/")
    name = filename.removesuffix(".py")
    module: Module = found[directory].module(name)
    if not module.flags & listing.PACKAGE:  # F4: the package hides the module of its name
        _enter(module, blobs)
    if name == "__init__" and directory:
        parent, _, name = directory.rpartition("/")
        if "." not in name:
            _enter(found[parent].module(name), blobs)


def _enter(module: Module, blobs: Mapping[int, Blob]) -> None:
    for column, blob in blobs.items():
        module.codes[column] = blob
