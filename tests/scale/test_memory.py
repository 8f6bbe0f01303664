"""Memory does not follow the size of what is packed: builds, checks and placing are streamed."""

import subprocess
import sys
from pathlib import Path

import pytest

_SIZE = 300 << 20
_AT_MOST = 160 << 20
"""Bytes resident: Python, SQLite's cache of 64 MiB, some pieces; half of what is packed."""

# Not by getrusage, which counts what the process was before `exec`: a fork of the tests.
_PEAK = """
import re, sys
{statements}
with open("/proc/self/status") as status:
    print(int(re.search(r"VmHWM:\\s+(\\d+) kB", status.read())[1]) * 1024)
"""
_BUILD = """
from pathlib import Path
from litebundle.builder import Options, build
build([sys.argv[1]], Path(sys.argv[2]), Options(container=sys.argv[3], jobs=1))
"""
_VERIFY = """
from litebundle.inspect.check import problems
from litebundle.runtime.archive import open_archive
assert not list(problems(open_archive(sys.argv[1])))
"""
_PLACE = """
import litebundle
litebundle.install()
sys.path.insert(0, sys.argv[1])
import app
assert app.size() == int(sys.argv[2]), app.size()
"""
_MODULE = """
import os
def size():
    return os.stat(os.path.join(os.path.dirname(__file__), "model.bin")).st_size
"""
# Zeros, which take no room in the source. What begins as gzip does is stored as it is.
_HEADS = {"deflated": b"text", "plain": b"\x1f\x8b"}


def _peak(statements: str, *arguments: object, cache: Path) -> int:
    """Run statements in a fresh process; return the most memory that was resident, in bytes."""
    command = [sys.executable, "-c", _PEAK.format(statements=statements), *map(str, arguments)]
    done = subprocess.run(
        command,
        capture_output=True,
        check=False,
        text=True,
        env={"LITEBUNDLE_CACHE": str(cache), "XDG_CACHE_HOME": str(cache)},
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")
@pytest.mark.parametrize(
    ("into", "head"), [("sqlite", "deflated"), ("sqlite", "plain"), ("zip", "deflated")]
)
def test_a_large_file_never_is_in_memory(tmp_path: Path, into: str, head: str) -> None:
    """A data file of 300 MB is packed, checked, verified and placed in half of that memory."""
    (tmp_path / "source" / "app").mkdir(parents=True)
    (tmp_path / "source" / "app" / "__init__.py").write_text(_MODULE)
    with (tmp_path / "source" / "app" / "model.bin").open("wb") as file:
        file.write(_HEADS[head])
        file.truncate(_SIZE)
    bundle = tmp_path / "app.bundle"
    used = {
        "build": _peak(_BUILD, tmp_path / "source", bundle, into, cache=tmp_path / "cache"),
        "verify": _peak(_VERIFY, bundle, cache=tmp_path / "cache"),
        "place": _peak(_PLACE, bundle, _SIZE, cache=tmp_path / "cache"),
    }
    assert {step: size for step, size in used.items() if size > _AT_MOST} == {}
    assert (bundle.stat().st_size > _SIZE) == (head == "plain")
