"""CPython's own test cases, run over bundles: what they write as directory or zip is packed first.

The cases stay as they are. Zips become bundles when they are closed; directories below the test's
own are served from bundles of their content, at their own paths, once the import system asks.
"""

import importlib
import importlib.util
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


class Packer:
    """Build bundles of what a case writes; `count` says how many."""

    def __init__(self, base: Path, container: str) -> None:
        self.base = base / "work"
        self.base.mkdir()
        self._store = base / "store"
        self._store.mkdir()
        self._container = container
        self.count = 0

    def pack(self, source: Path, target: Path | None = None) -> Path:
        """Build the bundle of a directory, by default at a path of its own."""
        self.count += 1
        target = target or self._store / f"{self.count}.bundle"
        options: Any = {"container": self._container, "jobs": 1}
        builder.build([source], target, builder.Options(**options))
        return target

    def convert(self, archive: Path, target: Path) -> None:
        """Build the bundle of a zip's content, at the zip's own path too."""
        folder = self._store / f"members{self.count}"
        with zipfile.ZipFile(archive) as file:
            file.extractall(folder)
        folder.mkdir(exist_ok=True)
        self.pack(folder, target)

    def zipfile_module(self) -> types.ModuleType:
        """Return the zipfile module with a ZipFile that leaves bundles behind."""
        packer = self

        class ZipFile(zipfile.ZipFile):
            def close(self) -> None:
                written = self.fp is not None and self.mode != "r"
                super().close()
                if written:
                    path = Path(str(self.filename))
                    packer.convert(path, path)

        module = types.ModuleType("zipfile")
        module.__dict__.update(vars(zipfile), ZipFile=ZipFile)
        return module


class Directories:
    """A path hook, and a meta path entry that hears of `invalidate_caches`."""

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
        """Build the bundles again, before their finders look; a directory that went empties its."""
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
                if method not in left_out and "*" not in left_out:
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
def packing(
    packer: Packer, module: types.ModuleType, patch: pytest.MonkeyPatch
) -> Iterator[Directories]:
    """Have what is written in the base, by the cases of a module and their helpers, be packed."""
    directories = Directories(packer)
    patch.chdir(packer.base)
    patch.setattr(tempfile, "tempdir", str(packer.base))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.reload(module)  # some keep absolute paths from their import on
    zipping = packer.zipfile_module()
    for each in (module, *filter(None, map(load, _HELPERS))):
        for attribute, value in (("zipfile", zipping), ("ZipFile", zipping.__dict__["ZipFile"])):
            if hasattr(each, attribute):
                patch.setattr(each, attribute, value)
    litebundle.install()
    sys.path_hooks.insert(0, directories.hook)
    sys.meta_path.insert(0, directories)
    try:
        yield directories
    finally:
        directories.forget()


_HELPERS = ("test.support.script_helper", "test.test_importlib.resources.zip")


def run(module: types.ModuleType, class_name: str, method: str) -> Sequence[str]:
    """Run one case with the fixtures of its class and module; return what went wrong.

    Raises pytest's Skipped if the case skips itself.
    """
    result = unittest.TestResult()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the cases check the warnings they are about
        unittest.TestSuite([getattr(module, class_name)(method)]).run(result)
    if result.skipped:
        pytest.skip(result.skipped[0][1])
    assert result.testsRun == 1
    return [trace for _, trace in (*result.errors, *result.failures)]
