"""An import that gets no memory: MemoryError comes out, and the next import works."""

import faulthandler
import importlib
import os
import sys
from collections import Counter
from pathlib import Path

import pytest

import litebundle
from litebundle.builder import Options, build
from tools.faults.children import in_children

_testcapi = pytest.importorskip("_testcapi", reason="this Python has no _testcapi")
_MODULES = ("top", "pkg.sub")
_ALLOCATIONS = range(1, 160)
_KINDS = {
    0: "worked",
    10: "MemoryError",
    11: "RuntimeError",  # "can't allocate lock"
    12: "SystemError",
    13: "another error",
    20: "the next import failed",
}


def _child(number: int) -> int:
    """Import with the n-th allocation refused, and then again; return what came of both."""
    status = 0
    for name in _MODULES:
        sys.modules.pop(name, None)
    _testcapi.set_nomemory(number, number + 1)
    try:
        for name in _MODULES:
            importlib.import_module(name)
    except Exception as error:  # noqa: BLE001  # which one is the question
        kinds = (MemoryError, RuntimeError, SystemError, type(error))
        status = 10 + kinds.index(next(kind for kind in kinds if isinstance(error, kind)))
    finally:
        _testcapi.remove_mem_hooks()
    again = [name == importlib.import_module(name).VALUE for name in _MODULES]
    return status if all(again) else 20


def _outcomes(entry: str) -> dict[str, int]:
    """Return how many imports from the entry ended how, each in a child: Python itself may die."""
    faulthandler.disable()
    litebundle.install()
    sys.path.insert(0, entry)
    for name in _MODULES:
        importlib.import_module(name)
    found: Counter[str] = Counter()
    for number in _ALLOCATIONS:
        child = os.fork()
        if not child:
            status = 20
            try:
                status = _child(number)
            finally:
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        found[_KINDS.get(status, f"killed by {-status}")] += 1
    return dict(found)


@pytest.mark.fault(19)
def test_without_memory_an_import_raises_and_can_be_repeated(
    small: Path, kind: str, tmp_path: Path
) -> None:
    """Whichever allocation fails, all ends as from a directory, where Python survives it itself."""
    bundle = tmp_path / "app.bundle"
    options = Options(container=kind, jobs=1, place={"pkg": "code"})  # type: ignore[arg-type]
    build([small], bundle, options)
    found, expected = in_children([lambda: _outcomes(str(bundle)), lambda: _outcomes(str(small))])
    assert found["MemoryError"] > 20
    assert "the next import failed" not in found
    assert found.keys() <= expected.keys() | {"worked"}
    died = [
        sum(count for how, count in outcomes.items() if how.startswith("killed"))
        for outcomes in (found, expected)
    ]
    assert died[0] <= died[1]
