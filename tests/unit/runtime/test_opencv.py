"""A package that imports an extension module of its own name, as OpenCV's does."""

import subprocess
import sys
from pathlib import Path

import pytest

import litebundle
from litebundle.builder import Options, build

# The steps of its `bootstrap`, with a module in the place of the extension.
_PACKAGE = """
import importlib, os, sys
HOME = os.path.dirname(os.path.abspath(__file__))
own = hasattr(sys, "OpenCV_REPLACE_SYS_PATH_0") or sys.path[0] == os.path.dirname(HOME)
if hasattr(sys, "OpenCV_LOADER"):
    raise ImportError("recursion is detected")
sys.OpenCV_LOADER = True
saved = list(sys.path)
sys.path.insert(0 if own else 1, HOME)
package = sys.modules.pop("cv2")
native = importlib.import_module("cv2")
sys.modules["cv2"] = package
sys.path = saved
del sys.OpenCV_LOADER
"""
_PROBE = "import sys, cv2; print(cv2.native.X, hasattr(sys, 'OpenCV_REPLACE_SYS_PATH_0'))"


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("packed", [True, False])
def test_it_finds_its_own_module(tmp_path: Path, *, packed: bool, first: bool) -> None:
    """From a bundle as from a directory, wherever on `sys.path` that is; and nothing stays."""
    package = tmp_path / "site" / "cv2"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(_PACKAGE)
    (package / "cv2.py").write_text("X = 1\n")
    entry = tmp_path / "site"
    if packed:
        entry = tmp_path / "app.bundle"
        build([tmp_path / "site"], entry, Options(place={"cv2": "data"}))
    code = "import litebundle, sys; litebundle.install()\n"
    code += f"sys.path.insert({int(not first)}, {str(entry)!r})\n{_PROBE}"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={
            "PYTHONPATH": str(Path(litebundle.__file__).parents[1]),
            "LITEBUNDLE_CACHE": str(tmp_path / "cache"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("1 False\n", "")
