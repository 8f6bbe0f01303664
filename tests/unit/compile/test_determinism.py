"""The same sources give the same bytes, whoever compiles them, when and where."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

import litebundle

_LIBRARY = Path(os.__file__).parent
_SOURCES = [
    str(path.relative_to(_LIBRARY))
    for pattern in ("[a-d]*.py", "json/*.py", "email/*.py", "asyncio/*.py")
    for path in sorted(_LIBRARY.glob(pattern))
]
"""Some hundred ordinary modules of the standard library."""

_BUILD = """
import hashlib, os, sys
from pathlib import Path
from litebundle.collect.tree import Entry, Kind
from litebundle.compile.pool import Pool
files = [(name, Path(os.__file__).parent / name) for name in sys.argv[2:]]
entries = [
    Entry(path=name, location=str(file), mode=0o644, size=file.stat().st_size, kind=Kind.SOURCE)
    for name, file in files
]
digests = {}
with Pool(jobs=int(sys.argv[1]), optimize=(0, 2)) as pool:
    for compiled in pool.compile(entries):
        assert compiled.error is None
        for level, code in enumerate(compiled.codes):
            digests[compiled.path, level] = hashlib.sha256(code).hexdigest()
for key in sorted(digests):
    print(*key, digests[key])
"""


def _digests(jobs: int, sources: list[str], cwd: Path, **environment: str) -> list[str]:
    source_root = str(Path(litebundle.__file__).parents[1])
    result = subprocess.run(
        [sys.executable, "-c", _BUILD, str(jobs), *sources],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": source_root, **environment},
        check=True,
        capture_output=True,
        text=True,
    )
    return result.stdout.splitlines()


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the digests of the sources compiled in order, by one worker."""
    return _digests(1, _SOURCES, tmp_path_factory.mktemp("reference"))


def test_there_is_something_to_compare(reference: list[str]) -> None:
    """Every source has a code object a level."""
    assert len(reference) == 2 * len(_SOURCES)
    assert len(_SOURCES) > 80


@pytest.mark.fault(53)
@pytest.mark.parametrize(
    ("jobs", "environment"),
    [
        (1, {}),
        (2, {"PYTHONHASHSEED": "1"}),
        (3, {"PYTHONHASHSEED": "random"}),
        (2, {"PYTHONNODEBUGRANGES": "1", "PYTHONWARNINGS": "error"}),
        (2, {"PYTHONOPTIMIZE": "2", "PYTHONUTF8": "0", "LC_ALL": "C", "TZ": "Asia/Tokyo"}),
    ],
)
def test_code_depends_on_the_source_only(
    tmp_path: Path, reference: list[str], jobs: int, environment: dict[str, str]
) -> None:
    """Neither order, workers, hash seed, environment nor current directory leave a trace."""
    shuffled = random.Random(jobs).sample(_SOURCES, len(_SOURCES))  # noqa: S311 - an order, no secret
    assert _digests(jobs, shuffled, tmp_path, **environment) == reference
