"""Trees of files, and the places they are imported from: directory, our containers, stock zip."""

import contextlib
import hashlib
import importlib
import io
import os
import shutil
import sqlite3
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipimport import zipimporter

DIRECTORY = "directory"
OURS = ("sqlite", "zip")
SQLITEIMPORT = "sqliteimport"
CONTAINERS = (DIRECTORY, *OURS, "zipimport", SQLITEIMPORT)

Tree = Mapping[str, str | bytes | None]
"""Relative path to content; None is a directory with nothing in it."""


_kept: list[object] = []


@dataclass(frozen=True)
class Place:
    """Where one tree stands, in one container; `entry` is what belongs on `sys.path`."""

    container: str
    entry: str

    @property
    def ours(self) -> bool:
        """Tell whether it takes our path hook to import from here."""
        return self.container in OURS

    def at(self, *parts: str) -> str:
        """Return the location of something in the tree."""
        return os.path.join(self.entry, *parts)  # noqa: PTH118 - entries may not be valid UTF-8

    def prepare(self) -> None:
        """Install what importing from here takes."""
        if self.ours:
            import litebundle

            litebundle.install()
        elif self.container == SQLITEIMPORT:
            importlib.import_module(SQLITEIMPORT).load(self.entry)
            _kept.append(sys.meta_path[-1])  # closes no connection; pytest would blame a test

    def hook(self, entry: Any) -> Any:
        """Call the path hook that serves this container's entries."""
        if self.ours:
            import litebundle

            return litebundle.path_hook(entry)
        return zipimporter(entry) if self.container == "zipimport" else sys.path_hooks[-1](entry)

    def copy_to(self, target: Path) -> "Place":
        """Put the same container at `target`, replacing by one rename what stands there."""
        fresh = target.with_name(target.name + ".new")
        if self.container == DIRECTORY:
            shutil.copytree(self.entry, fresh)
            shutil.rmtree(target, ignore_errors=True)
        else:
            shutil.copyfile(self.entry, fresh)
        fresh.replace(target)
        return Place(self.container, str(target))


class Library:
    """Build each tree once per container and options, and remember what ran over it.

    With `join` the code of every second tree is joined: rules are the same wherever it comes from.
    """

    def __init__(self, base: Path, *, join: bool = False) -> None:
        self.base = base
        self._join = join
        self.names: set[str] = set()
        self.outcomes: dict[tuple[object, ...], Any] = {}

    def source(self, tree: Tree) -> Place:
        """Return the tree as the plain directory all the other containers are built from."""
        root = self.base / _digest(tree) / "source"
        if not root.exists():
            write_tree(tree, root)
        self.names.update(path.partition("/")[0].partition(".")[0] for path in tree)
        # Forgotten after each test, but not what the test run itself stands on
        self.names.difference_update(sys.stdlib_module_names, {"__main__"})
        return Place(DIRECTORY, str(root))

    def place(self, tree: Tree, container: str, **options: Any) -> Place:
        """Return the tree in `container`; `options` are the builder's."""
        source = Path(self.source(tree).entry)
        label = "-".join([container, *(f"{name}={options[name]}" for name in sorted(options))])
        target = source.with_name(f"{label}.app")
        if not target.exists():
            if self._join and container in OURS and int(source.parent.name, 16) % 2:
                options = {"trace_file": _trace(source), **options}
            _pack(source, target, container, options)
        return Place(container, str(target))


def write_tree(tree: Tree, root: Path) -> None:
    """Write the files of `tree` under `root`."""
    root.mkdir(parents=True)
    for name, content in tree.items():
        path = root / name
        if content is None:
            path.mkdir(parents=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def _pack(source: Path, target: Path, container: str, options: dict[str, Any]) -> None:
    if container == DIRECTORY:
        # Another copy than the oracle's: a comparison that depended on the location would fail.
        shutil.copytree(source, target)
    elif container == "zipimport":
        with zipfile.ZipFile(target, "w") as archive:
            for path in sorted(source.rglob("*")):
                archive.write(path, path.relative_to(source))
    elif container == SQLITEIMPORT:
        _pack_sqliteimport(source, target)
    else:
        from litebundle import builder

        choices: dict[str, Any] = {"container": container, "jobs": 1, **options}
        builder.build([source], target, builder.Options(**choices))


def _trace(source: Path) -> Path:
    """Write a trace that names every module, as far as a line can; return its path."""
    names = [path.relative_to(source).as_posix() for path in sorted(source.rglob("*.py"))]
    file = source.with_name("trace")
    file.write_text("".join(f"{name}\n" for name in names if name.isprintable()), "utf-8")
    return file


def _pack_sqliteimport(source: Path, target: Path) -> None:
    accessor, bundler = (
        importlib.import_module(f"{SQLITEIMPORT}.{name}") for name in ("accessor", "bundler")
    )
    with contextlib.closing(sqlite3.connect(target)) as connection, connection:
        stored = accessor.Accessor(connection)
        stored.initialize_database()
        with contextlib.redirect_stdout(io.StringIO()):
            bundler.bundle(source, stored)


def _digest(tree: Tree) -> str:
    listing = sorted((name, repr(content)) for name, content in tree.items())
    return hashlib.sha256(repr(listing).encode("utf-8", "surrogatepass")).hexdigest()[:16]
