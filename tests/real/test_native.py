"""Real packages with native code, as they are installed beside these tests."""

import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import litebundle
from litebundle.builder import Options, build

_APSW = """
import apsw, os
print(apsw.__file__, apsw.__spec__.submodule_search_locations, apsw.apswversion())
import apsw.ext
print([row for row in apsw.Connection(":memory:").execute("select 6 * 7")], apsw.ext.__name__)
"""
_MYPY = """
import mypy, mypy.build, mypy.main, os, sys
print(mypy.__file__, mypy.build.__file__)
top = [name for name in sys.modules if name.endswith("__mypyc")]
print(len(top), [os.path.dirname(sys.modules[name].__file__) for name in sorted(top)])
print(sorted(os.listdir(os.path.join(os.path.dirname(mypy.__file__), "typeshed"))))
print(mypy.main.main is not None)
from mypy import api
print(api.run(["-c", "x: int = 'text'", "--no-incremental", "--cache-dir", os.devnull]))
"""


def _copied(directory: Path, *names: str) -> Path:
    """Copy distributions of this environment, and what they require, to a directory."""
    pending, seen = list(names), set()
    while pending:
        name = canonicalize_name(pending.pop())
        if name in seen:
            continue
        seen.add(name)
        found = metadata.distribution(name)
        required = [Requirement(line) for line in found.requires or ()]
        pending += [r.name for r in required if not r.marker or r.marker.evaluate({"extra": ""})]
        for file in found.files or ():
            source = Path(str(found.locate_file(file)))
            if ".." not in file.parts and "__pycache__" not in file.parts and source.is_file():
                target = directory / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
    return directory


@pytest.mark.parametrize(
    ("name", "packing", "probe"),
    [("apsw", "sqlite", _APSW), ("apsw", "zip", _APSW), ("mypy", "sqlite", _MYPY)],
)
def test_native_packages_work_as_installed(
    name: str, packing: str, probe: str, tmp_path: Path
) -> None:
    """A package whose `__init__` is an extension; mypyc's modules, and data beside them."""
    directory = _copied(tmp_path / "site", name)
    target = tmp_path / "app.bundle"
    build([directory], target, Options(container="zip" if packing == "zip" else "sqlite"))
    start = "import sys; sys.path[:0] = sys.argv[1:]\n"
    hook = "import litebundle; litebundle.install()\n"
    results = []
    for entry, prepare in ((directory, ""), (target, hook)):
        done = subprocess.run(
            [sys.executable, "-S", "-B", "-c", prepare + start + probe, entry],
            env={
                "PYTHONPATH": str(Path(litebundle.__file__).parents[1]),
                "LITEBUNDLE_CACHE": str(tmp_path / "cache"),
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr == ""
        results.append(done.stdout)
    # The bundle's is below the cache.
    root = results[1].partition(f"/{name}/")[0]
    assert root.startswith(str(tmp_path / "cache"))
    assert results[1].replace(root, str(directory)) == results[0]
