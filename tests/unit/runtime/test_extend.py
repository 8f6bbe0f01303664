"""Standard modules are extended when they come, and show nothing of how."""

import importlib.util
import pickle
import sys
import zipfile
from collections.abc import Iterator
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any
from zipimport import zipimporter

import pytest

from litebundle.runtime.extend import extend_present, find_extended

_LINES = "def updatecache(filename, module_globals=None):\n    return ['standard']\n"


@pytest.fixture(autouse=True)
def own_module(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a test have a `linecache` of its own."""
    monkeypatch.delitem(sys.modules, "linecache")
    yield
    sys.modules.pop("linecache", None)


def _load(spec: ModuleSpec | None) -> ModuleType:
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _home(function: Any) -> str:
    return str(function.__module__)


def test_other_modules_are_left_alone() -> None:
    """Only those of the table are looked for at all."""
    assert find_extended("json", None) is None
    assert find_extended("spawn", None) is None


@pytest.mark.parametrize("packed", [False, True])
def test_a_loader_of_any_kind_is_given_back(tmp_path: Path, *, packed: bool) -> None:
    """The module is extended once executed, and its spec and loader are the standard ones."""
    place = tmp_path / "place"
    if packed:
        with zipfile.ZipFile(place, "w") as archive:
            archive.writestr("linecache.py", _LINES)
    else:
        place.mkdir()
        (place / "linecache.py").write_text(_LINES)
    module: Any = _load(find_extended("linecache", [str(place)]))
    assert _home(module.updatecache) == "litebundle.runtime.lines"
    assert module.updatecache("no such file") == ["standard"]
    assert type(module.__loader__) is (zipimporter if packed else SourceFileLoader)
    assert module.__spec__ == PathFinder.find_spec("linecache", [str(place)])


def test_what_is_extended_stays_so_once(tmp_path: Path) -> None:
    """Extending again changes nothing, and a reload extends again."""
    (tmp_path / "linecache.py").write_text(_LINES)
    module: Any = _load(find_extended("linecache", [str(tmp_path)]))
    first = module.updatecache
    extend_present()
    assert module.updatecache is first
    _load(find_extended("linecache", [str(tmp_path)]))
    assert _home(sys.modules["linecache"].updatecache) == "litebundle.runtime.lines"


def test_another_module_of_that_name_is_none_of_ours(tmp_path: Path) -> None:
    """An app's own `linecache`, which has nothing to extend, is imported as it is."""
    (tmp_path / "linecache.py").write_text("VALUE = 1\n")
    module: Any = _load(find_extended("linecache", [str(tmp_path)]))
    assert [name for name in vars(module) if not name.startswith("__")] == ["VALUE"]


def test_one_of_another_shape_is_left_as_it_is(tmp_path: Path) -> None:
    """A future module whose parts are not what they were is imported all the same."""
    (tmp_path / "linecache.py").write_text("updatecache = {}\n")
    module: Any = _load(find_extended("linecache", [str(tmp_path)]))
    assert module.updatecache == {}


def test_the_spec_is_usable_before(tmp_path: Path) -> None:
    """Before the module is loaded, its spec answers, pickles and loads lazily like the standard."""
    (tmp_path / "linecache.py").write_text(_LINES)
    spec: Any = find_extended("linecache", [str(tmp_path)])
    assert spec.loader.get_source("linecache") == _LINES
    assert spec.loader.is_package("linecache") is False
    standard = PathFinder.find_spec("linecache", [str(tmp_path)])
    assert pickle.loads(pickle.dumps(spec)) == standard  # noqa: S301  # our own
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module: Any = _load(spec)
    assert _home(module.updatecache) == "litebundle.runtime.lines"
