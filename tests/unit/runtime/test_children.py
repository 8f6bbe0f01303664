"""What multiprocessing hands to fresh interpreters installs the hook there."""

import pickle
import subprocess
import sys
from pathlib import PurePosixPath
from types import ModuleType
from typing import Any

import pytest

import litebundle
from litebundle.runtime.children import HandedPath, extend
from litebundle.runtime.finder import path_hook

ENTRIES = ["/app.bundle", "", "quote ' \" \\ %d {x}", "\udcff"]


def _run(statements: str) -> str:
    """Run statements in an interpreter that finds litebundle nowhere, and return what it prints."""
    command = [sys.executable, "-I", "-S", "-c", statements]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


_HOOKED = "any(hook.__name__ == 'path_hook' for hook in sys.path_hooks)"


def test_the_expression_is_a_plain_list() -> None:
    """Evaluated elsewhere it installs the hook, and leaves nothing else behind."""
    path = repr(HandedPath(ENTRIES))
    before = f"import sys; before = sys.path[:]; found = {path}"
    kept = "[name for name in globals() if name[0] != '_']"
    printed = f"print(type(found), found == {ENTRIES!r}, sys.path == before, {_HOOKED}, {kept})"
    expected = "<class 'list'> True True True ['sys', 'before', 'found']\n"
    assert _run(f"{before}; {printed}") == expected


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_the_pickle_is_a_plain_list(protocol: int) -> None:
    """It needs nothing but builtins to be loaded, whatever the entries are."""
    data = pickle.dumps(HandedPath([*ENTRIES, PurePosixPath("/x"), b"y"]), protocol)
    before = f"import pickle, sys; before = sys.path[:]; found = pickle.loads({data!r})"
    printed = f"print(type(found), len(found), sys.path == before, {_HOOKED})"
    assert _run(f"{before}; {printed}") == "<class 'list'> 6 True True\n"


def test_only_a_process_with_the_hook_hands_it_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Preparation data are the standard ones wherever the hook is not in place."""
    spawn: Any = ModuleType("spawn")
    spawn.get_preparation_data = lambda name: {"name": name, "sys_path": ["entry"]}
    extend(spawn)
    once = spawn.get_preparation_data
    extend(spawn)
    assert spawn.get_preparation_data is once
    monkeypatch.setattr(sys, "path_hooks", sys.path_hooks[:])
    litebundle.install()
    handed = spawn.get_preparation_data("child")
    assert (handed["name"], list(handed["sys_path"])) == ("child", ["entry"])
    assert type(handed["sys_path"]) is HandedPath
    sys.path_hooks.remove(path_hook)
    assert type(spawn.get_preparation_data("child")["sys_path"]) is list


def test_another_module_of_that_name_is_none_of_ours() -> None:
    """A module without preparation data stays as it is."""
    other = ModuleType("spawn")
    extend(other)
    assert not hasattr(other, "get_preparation_data")
