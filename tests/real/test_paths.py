"""Bundles at paths that SQLite itself could not open (fault 43)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import litebundle
from litebundle.builder import Options, build

PATHS = {
    "spaces and signs": b"a b?#%41&'\"",
    "unicode": "caf\u00e9 \u6f22\u5b57".encode(),
    "not utf-8": b"caf\xe9",
    "700 bytes": b"/".join([b"x" * 100] * 7),
}
PROBE = "import sys, litebundle; litebundle.install(); sys.path.insert(0, sys.argv[1]); import one"


@pytest.mark.fault(43)
@pytest.mark.parametrize("packing", ["sqlite", "zip"])
@pytest.mark.parametrize("name", PATHS)
def test_any_path_the_system_takes_will_do(packing: str, name: str, tmp_path: Path) -> None:
    """It is built, read back and imported from there; nothing else is left beside it."""
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "one.py").write_text("print(__file__)\n")
    directory = tmp_path / os.fsdecode(PATHS[name])
    directory.mkdir(parents=True)
    output = directory / "app.bundle"
    build([tree], output, Options(container="zip" if packing == "zip" else "sqlite"))
    assert [path.name for path in directory.iterdir()] == ["app.bundle"]
    source = str(Path(litebundle.__file__).parents[1])
    found = subprocess.run(
        [sys.executable, "-c", PROBE, output],
        env={"PYTHONPATH": source, "PYTHONIOENCODING": "utf-8:surrogateescape"},
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert found.stdout.rstrip(b"\n") == os.fsencode(output) + b"/one.py"
