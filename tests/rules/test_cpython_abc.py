"""CPython's own lists of what a finder and a loader are tested for, filled in for every container.

`test.test_importlib.abc` names the tests; a class that leaves one out cannot be instantiated. The
`test` package comes with CPython, and is left out of some distributions' packages.
"""

import importlib
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from pkgutil import get_importer
from types import ModuleType
from typing import Any

import pytest

from tests.rules.places import Place, Tree

abc = pytest.importorskip(
    "test.test_importlib.abc", reason="this Python comes without its test package"
)
FinderTests: Any = abc.FinderTests
LoaderTests: Any = abc.LoaderTests

TREE: Tree = {
    "top_level.py": "attr = 'top_level'\n",
    "over/__init__.py": "attr = 'over.__init__'\n",
    "over.py": "attr = 'over'\n",
    "pkg/__init__.py": "attr = 'pkg.__init__'\n",
    "pkg/sub.py": "attr = 'pkg.sub'\n",
    "pkg/inner/__init__.py": "attr = 'pkg.inner.__init__'\n",
    "fickle.py": (
        "runs = globals().get('runs', 0) + 1\nif runs > 1:\n    raise ValueError('again')\n"
    ),
}


class TestFinder(FinderTests):  # type: ignore[misc]  # typeshed has no `test`
    """A path entry finder, by CPython's list."""

    @pytest.fixture(autouse=True)
    def _at(self, place: Place) -> None:
        self.place = place

    def find(self, name: str, *inside: str) -> Any:
        """Return the loader that the finder of one directory gives for a module, or None."""
        finder: Any = get_importer(self.place.at(*inside) if inside else self.place.entry)
        spec: ModuleSpec | None = finder.find_spec(name)
        return spec and spec.loader

    def test_module(self) -> None:
        """A top-level module is found, with a loader for it."""
        assert self.find("top_level").get_filename("top_level") == self.place.at("top_level.py")

    def test_package(self) -> None:
        """A package is found by its `__init__`."""
        assert self.find("pkg").get_filename("pkg") == self.place.at("pkg", "__init__.py")

    def test_module_in_package(self) -> None:
        """A submodule is found by the finder of the package's directory."""
        loader = self.find("pkg.sub", "pkg")
        assert loader.get_filename("pkg.sub") == self.place.at("pkg", "sub.py")

    def test_package_in_package(self) -> None:
        """A subpackage is found by the finder of the package's directory."""
        loader = self.find("pkg.inner", "pkg")
        assert loader.is_package("pkg.inner") is True

    def test_package_over_module(self) -> None:
        """A package wins over a module of its name."""
        assert "__init__" in self.find("over").get_filename("over")

    def test_failure(self) -> None:
        """What is not there is not found."""
        assert self.find("sdfsadsadf") is None


class TestLoader(LoaderTests):  # type: ignore[misc]  # typeshed has no `test`
    """A module's loader, by CPython's list."""

    @pytest.fixture(autouse=True)
    def _at(self, place: Place) -> None:
        self.place = place

    def load(self, name: str, *inside: str) -> ModuleType:
        """Load a module by its loader alone: through `load_module`, as long as Python has it."""
        finder: Any = get_importer(self.place.at(*inside) if inside else self.place.entry)
        spec = finder.find_spec(name)
        if hasattr(importlib.machinery.SourceFileLoader, "load_module"):
            with pytest.warns(DeprecationWarning, match="exec_module"):
                module = spec.loader.load_module(name)
        else:
            sys.modules[name] = module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        assert isinstance(module, ModuleType)
        return module

    def check(self, module: ModuleType, name: str, inside: str, path: list[str] | None) -> None:
        """Assert the attributes that CPython's list says to verify."""
        assert sys.modules[name] is module
        assert module.__name__ == name
        assert module.__file__ == self.place.at(*inside.split("/"))
        assert module.__package__ == (name if path else name.rpartition(".")[0])
        assert getattr(module, "__path__", None) == path
        assert module.__loader__ is not None
        assert module.__spec__ is not None
        assert module.__loader__ == module.__spec__.loader
        assert module.attr == inside.removesuffix(".py").replace("/", ".")

    def test_module(self) -> None:
        """A module loads, is in `sys.modules` and has its attributes."""
        self.check(self.load("top_level"), "top_level", "top_level.py", None)

    def test_package(self) -> None:
        """A package loads, with its `__path__`."""
        self.check(self.load("pkg"), "pkg", "pkg/__init__.py", [self.place.at("pkg")])

    def test_lacking_parent(self) -> None:
        """A submodule loads without its parent having been imported."""
        self.check(self.load("pkg.sub", "pkg"), "pkg.sub", "pkg/sub.py", None)
        assert "pkg" not in sys.modules

    def test_state_after_failure(self) -> None:
        """A module whose reload fails keeps its place and its attributes."""
        module = importlib.import_module("fickle")
        vars(module)["kept"] = "kept"
        before = {key: value for key, value in vars(module).items() if key.startswith("__")}
        with pytest.raises(ValueError, match="again"):
            importlib.reload(module)
        assert sys.modules["fickle"] is module
        after = {key: value for key, value in vars(module).items() if key.startswith("__")}
        assert after == before
        assert (module.kept, module.runs) == ("kept", 2)

    def test_unloadable(self) -> None:
        """A loader asked for a module that it cannot load raises ImportError."""
        finder: Any = get_importer(self.place.entry)
        loader = finder.find_spec("top_level").loader
        for method in (loader.get_code, loader.get_filename):
            with pytest.raises(ImportError) as caught:
                method("unloadable")
            assert caught.value.name == "unloadable"
        assert "unloadable" not in sys.modules
