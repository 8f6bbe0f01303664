"""What keeps single modules of CPython's tests from meeting bundles, taken out of their way.

Fixtures that name files of the `test` package, or build a FileFinder by hand, are given the same
files in bundles, and expectations of the type of a finder or loader the types of ours.
"""

import copy
import importlib
import importlib.machinery
import importlib.resources
import importlib.util
import os
import random
import shutil
import sys
import types
import unittest
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import litebundle
from litebundle.runtime.finder import BundleFinder
from tests.rules.cpython import Directories, Packer


@dataclass(frozen=True)
class Run:
    """One case's module, what packs for it, and what takes back the changes to it."""

    module: Any
    packer: Packer
    directories: Directories
    patch: pytest.MonkeyPatch


Adapt = Callable[[Run], None]


def finder_types(run: Run) -> None:
    """Expect our finder where a case expects the one of directories."""
    run.patch.setattr(importlib.machinery, "FileFinder", BundleFinder)


def run_namespaces(run: Run) -> None:
    """Compare all of a spec but the type of its loader, as the cases do for zips."""
    finder_types(run)
    standard = run.module.CodeExecutionMixin.assertNamespaceMatches

    def compare(self: Any, found: dict[str, Any], expected: dict[str, Any]) -> None:
        if expected["__spec__"] is not None:
            spec = copy.copy(expected["__spec__"])
            spec.loader = None
            expected = {**expected, "__spec__": spec}
        standard(self, found, expected)

    run.patch.setattr(run.module.CodeExecutionMixin, "assertNamespaceMatches", compare)


def namespace_trees(run: Run) -> None:
    """Copy the trees of the `test` package to where they are packed."""
    root = run.packer.base / "trees"
    shutil.copytree(run.module.NamespacePackageTest.root, root)
    for archive in root.glob("*.zip"):
        run.packer.convert(archive, archive)
    run.patch.setattr(run.module.NamespacePackageTest, "root", str(root))


def stored_zips(run: Run) -> None:
    """Give the resource tests of 3.11 and 3.12 bundles of the zips in the `test` package."""
    util = sys.modules["test.test_importlib.resources.util"]
    for holder in (util, run.module):
        for each in vars(holder).values():
            data = getattr(each, "ZIP_MODULE", None)
            if isinstance(data, types.ModuleType):
                folder = run.packer.base / data.__name__
                if not folder.exists():
                    folder.mkdir()
                    source = Path(str(data.__file__)).with_name("ziptestdata.zip")
                    run.packer.convert(source, folder / source.name)
                there = types.SimpleNamespace(__file__=str(folder / "__init__.py"))
                run.patch.setattr(each, "ZIP_MODULE", there)


def stored_wheels(run: Run) -> None:
    """Put bundles of the example wheel and eggs on the path."""

    def fixture_on_path(self: Any, filename: str) -> None:
        source = importlib.resources.files(self.root).joinpath(filename)
        with importlib.resources.as_file(source) as archive:
            run.packer.convert(archive, run.packer.base / filename)
        sys.path.insert(0, str(run.packer.base / filename))
        self.resources.callback(sys.path.pop, 0)

    run.patch.setattr(run.module.fixtures.ZipFixtures, "_fixture_on_path", fixture_on_path)


class Sites:
    """What the metadata tests write into directories, packed beside them whenever they have."""

    def __init__(self, run: Run) -> None:
        self.packer = run.packer
        self.build_files = run.module.fixtures.build_files
        self.written: set[Path] = set()
        self.setting_up = False

    @contextmanager
    def on_path(self, folder: Any) -> Iterator[None]:
        """Put the bundle of a directory on the path, instead of the directory."""
        sys.path.insert(0, f"{folder}.bundle")
        try:
            yield
        finally:
            sys.path.remove(f"{folder}.bundle")

    def build(self, files: Any, prefix: Any, **options: Any) -> None:
        """Write files, and pack them unless there are more to come."""
        self.build_files(files, prefix, **options)
        site = Path(prefix).relative_to(self.packer.base).parts[0]  # or a directory in it
        self.written.add(self.packer.base / site)
        if not self.setting_up:
            self.publish()

    def publish(self) -> None:
        """Pack what was written."""
        for site in self.written:
            self.packer.pack(site, Path(f"{site}.bundle"))
        self.written.clear()
        importlib.invalidate_caches()

    def postponed(self, set_up: Callable[[Any], None]) -> Callable[[Any], None]:
        """Return a `setUp` that packs once, when all fixtures of a case are written."""

        def setUp(case: Any) -> None:  # unittest's name
            self.setting_up = True
            set_up(case)
            self.setting_up = False
            self.publish()

        return setUp


def built_sites(run: Run) -> None:
    """Pack what the metadata tests write into a directory on the path."""
    fixtures, sites = run.module.fixtures, Sites(run)
    for case in vars(run.module).values():
        if isinstance(case, type) and issubclass(case, unittest.TestCase):
            run.patch.setattr(case, "setUp", sites.postponed(case.setUp))
    run.patch.setattr(fixtures.OnSysPath, "add_sys_path", staticmethod(sites.on_path))
    run.patch.setattr(fixtures, "build_files", sites.build)
    stored_wheels(run)


def made_finders(run: Run) -> None:
    """Let the hook make the finder of a case's directory."""
    run.patch.setattr(
        run.module.FinderTests, "get_finder", lambda _, root: run.directories.hook(root)
    )


def made_loaders(run: Run) -> None:
    """Let the hook's finder make the loader of a case's file."""

    def loader(name: str, path: str) -> Any:
        if not Path(path).exists():
            return importlib.machinery.SourceFileLoader(name, path)
        package = Path(path).name == "__init__.py"
        spec = run.directories.hook(Path(path).parents[1 if package else 0]).find_spec(name)
        return spec.loader

    machinery = types.SimpleNamespace(SourceFileLoader=loader)
    run.patch.setattr(run.module.Source_SimpleTest, "machinery", machinery)


def parallel_modules(run: Run) -> None:
    """Have the modules that many threads import at once come from the path's front."""
    folder = run.packer.base / "parallel"
    folder.mkdir()
    for name in ("random.py", "modulefinder.py"):
        shutil.copy(Path(str(random.__file__)).with_name(name), folder)
    sys.path.insert(0, str(folder))


def circular_imports(run: Run) -> None:
    """Serve the modules that import each other, which the `test` package brings, from a bundle."""
    folder = run.packer.base / "circular"
    shutil.copytree(Path(str(run.module.__file__)).with_name("data"), folder / "data")
    run.patch.setattr(run.module, "__path__", [str(folder)])


def main_files(run: Run) -> None:
    """Install the hook in the interpreters that the cases start, and in none that those start."""
    site = run.packer.base / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import sys\nif '-c' not in sys.orig_argv:\n"
        "    import litebundle\n    litebundle.install()\n"
    )
    source = Path(str(litebundle.__file__)).parents[1]
    helper = sys.modules["test.support.script_helper"]  # passes -E unless it finds a need
    run.patch.setattr(helper, "interpreter_requires_environment", lambda: True)
    run.patch.setenv("PYTHONPATH", os.pathsep.join([str(site), str(source)]))


_RESOURCES = ("contents", "files", "open", "path", "read", "functional", "reader", "resource")

ADAPTATIONS: Mapping[str, Adapt] = {
    "test.test_pkgutil": finder_types,
    "test.test_runpy": run_namespaces,
    "test.test_importlib.test_namespace_pkgs": namespace_trees,
    "test.test_importlib.test_threaded_import": parallel_modules,
    "test.test_importlib.source.test_finder": made_finders,
    "test.test_importlib.source.test_file_loader": made_loaders,
    "test.test_importlib.test_zip": stored_wheels,
    "test.test_importlib.metadata.test_zip": stored_wheels,
    **dict.fromkeys(
        [
            "test.test_importlib.test_main",
            "test.test_importlib.test_metadata_api",
            "test.test_importlib.metadata.test_main",
            "test.test_importlib.metadata.test_api",
        ],
        built_sites,
    ),
    **{f"test.test_importlib.test_{name}": stored_zips for name in _RESOURCES},
    **{f"test.test_importlib.resources.test_{name}": stored_zips for name in _RESOURCES},
    "test.test_import": circular_imports,
    "test.test_multiprocessing_main_handling": main_files,
    "test.test_zipimport_support": main_files,
}
