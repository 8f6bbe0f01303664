"""CPython's own test cases, run over bundles: what they write as directory or zip is packed first.

The cases stay as they are. Zips become bundles when they are closed; directories below the test's
own are served from bundles of their content, at their own paths, once the import system asks.
"""

import importlib
import os
import sys
import tempfile
import types
import unittest
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

import litebundle
from litebundle import builder
from litebundle.runtime import mount
from litebundle.runtime.archive import open_archive

Selection = Mapping[str, Mapping[str, Mapping[str, str]]]
"""Module to class to the methods that are left out, each with the reason."""

_WRITE_ZIPS = ("test.support.script_helper", "test.test_importlib.resources.zip")


class Packer:
    """Build bundles of what a case writes below `base`; `count` says how many.

    `cache` has the code of the few modules that the cases write hundreds of times.
    """

    def __init__(self, folder: Path, container: str, cache: Path) -> None:
        self.base = folder / "work"
        self.base.mkdir()
        self.container = container
        self.count = 0
        self._cache = cache
        self._store = folder / "store"
        self._store.mkdir()
        # So that later ones need no import: some happen amid imports that a test has broken.
        self._build(self.base, folder / "first.bundle")

    def pack(self, source: Path, target: Path | None = None) -> Path:
        """Build the bundle of a directory, by default at a path of its own; return the path."""
        self.count += 1
        built = self._store / f"{self.count}.bundle"
        self._build(source, built)
        return built if target is None else built.replace(target)

    def _build(self, source: Path, output: Path) -> None:
        options: Any = {"container": self.container, "jobs": 1, "cache": True}
        with pytest.MonkeyPatch.context() as patch:  # not for what the case places
            patch.setenv("LITEBUNDLE_CACHE", str(self._cache))
            builder.build([source], output, builder.Options(**options))

    def convert(self, archive: Path, target: Path) -> None:
        """Build the bundle of a zip's content, at another path or at the zip's own."""
        folder = self._store / f"members{self.count}"
        folder.mkdir()
        with zipfile.ZipFile(archive) as file:
            file.extractall(folder)
            comment, start = file.comment, min((i.header_offset for i in file.filelist), default=0)
        built = self.pack(folder)
        if self.container == "zip":
            with zipfile.ZipFile(built, "a") as file:
                file.comment = comment
        target.write_bytes(archive.read_bytes()[:start] + built.read_bytes())

    def zipfile_module(self) -> types.ModuleType:
        """Return the zipfile module with a ZipFile that leaves bundles behind."""
        packer = self

        class ZipFile(zipfile.ZipFile):
            def close(self) -> None:
                written = self.fp is not None and self.mode != "r"
                super().close()
                if written:
                    path = Path(os.fsdecode(str(self.filename)))
                    packer.convert(path, path)

        module = types.ModuleType("zipfile")
        module.__dict__.update(vars(zipfile), ZipFile=ZipFile)
        return module


class Directories:
    """A path hook for directories, and a meta path entry that hears of `invalidate_caches`."""

    def __init__(self, packer: Packer) -> None:
        self._packer = packer
        self._packed: dict[str, Path] = {}

    def hook(self, entry: Any) -> Any:
        """Return the finder of a bundle for a directory below the base, under that directory."""
        path = os.path.abspath(entry)  # noqa: PTH100  # as it is spelt, links included
        if not Path(path).is_relative_to(self._packer.base) or not Path(path).is_dir():
            raise ImportError(path)
        if not any(Path(path).is_relative_to(packed) for packed in self._packed):
            self._packed[path] = self._packer.pack(Path(path))
            archive = open_archive(str(self._packed[path]))
            assert archive is not None
            mount.alias(path, mount.Mount(path, archive))
        return litebundle.path_hook(path)

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Find nothing: it is the path hook that does."""

    def invalidate_caches(self) -> None:
        """Build the bundles again, before their finders look."""
        for path, bundle in self._packed.items():
            if Path(path).is_dir():
                self._packer.pack(Path(path), bundle)

    def forget(self) -> None:
        """Have the paths served by nobody again."""
        for path in self._packed:
            mount._mounts.pop(path, None)


def cases(selection: Selection) -> Iterator[tuple[str, str, str]]:
    """Yield (module, class, method) of the selected cases that the running Python has."""
    for name, classes in selection.items():
        module = load(name)
        for class_name, left_out in classes.items():
            case = getattr(module, class_name, None)
            if case is None:  # another Python's
                continue
            for method in unittest.defaultTestLoader.getTestCaseNames(case):
                if method not in left_out:
                    yield name, class_name, method


def load(name: str) -> types.ModuleType | None:
    """Import a module of CPython's `test` package, None if this Python has none of the name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if not f"{name}.".startswith(f"{error.name}."):
                raise
        except unittest.SkipTest:
            pass
    return None


@contextmanager
def packing(packer: Packer, name: str, patch: pytest.MonkeyPatch) -> Iterator[Directories]:
    """Have what the cases of a module, and their helpers, write in the base be packed."""
    patch.chdir(packer.base)
    patch.setattr(tempfile, "tempdir", str(packer.base))
    helpers = [module for module in map(load, _WRITE_ZIPS) if module is not None]
    module = sys.modules[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.reload(module)  # some go on using absolute paths from their import on
    zipping = packer.zipfile_module()
    patch.setitem(sys.modules, "zipfile", zipping)
    for each in (module, *helpers):
        if hasattr(each, "zipfile"):
            patch.setattr(each, "zipfile", zipping)
        if hasattr(each, "ZipFile"):
            patch.setattr(each, "ZipFile", zipping.__dict__["ZipFile"])
    litebundle.install()
    directories = Directories(packer)
    sys.path_hooks.insert(0, directories.hook)
    sys.meta_path.insert(0, directories)
    before = set(sys.modules)
    try:
        yield directories
    finally:
        directories.forget()
        for imported in set(sys.modules) - before:
            found = sys.modules[imported]
            places = [repr(found), *map(str, getattr(found, "__path__", ()))]
            if any(str(packer.base) in place for place in places):
                del sys.modules[imported]


def run(name: str, class_name: str, method: str) -> Sequence[str]:
    """Run one case with the fixtures of its class and module; return what went wrong.

    Raises pytest's Skipped if the case skips itself.
    """
    result = unittest.TestResult()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the cases check the warnings they are about
        unittest.TestSuite([getattr(sys.modules[name], class_name)(method)]).run(result)
    if result.skipped:
        pytest.skip(result.skipped[0][1])
    assert result.testsRun == 1
    return [trace for _, trace in (*result.errors, *result.failures)]
