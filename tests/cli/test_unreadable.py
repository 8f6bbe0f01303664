"""Files that the user may not read: each command tells the system's reason, as work that failed."""

import shutil
import sys
from pathlib import Path

import pytest

from litebundle.write.keys import write_keys
from tests.cli.command import bundle, good, python, refusal
from tests.rules.places import Library
from tests.signing import KEY

# Root may read everything by two capabilities: without them it may read what its modes say.
_AS_A_USER = """\
import ctypes, os, sys
for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    if os.geteuid() == 0 and ctypes.CDLL(None).prctl(24, capability, 0, 0, 0):  # PR_CAPBSET_DROP
        sys.exit(99)
os.execv(sys.executable, [sys.executable, "-m", "litebundle", *sys.argv[1:]])
"""


@pytest.fixture(scope="module")
def prepared(library: Library, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with two bundles, keys, text and a deployed bundle; not to be changed."""
    home = tmp_path_factory.mktemp("prepared")
    entry = Path(library.place({"app.py": "print('run')\n"}, "sqlite").entry)
    (home / "app.bundle").write_bytes(entry.read_bytes())
    (home / "shut").write_bytes(entry.read_bytes())
    write_keys(home / "team", KEY, None)
    (home / "src").mkdir()
    write_keys(home / "own", KEY, None)
    bundle("diff", "app.bundle", "shut", "--patch", "-o", "same", cwd=home)
    good(bundle("deploy", "app.bundle", "target", cwd=home))
    return home


@pytest.fixture
def home(prepared: Path, tmp_path: Path) -> Path:
    """Return a directory with a bundle, and with a bundle, a key and text that nobody may read."""
    shutil.copytree(prepared, tmp_path, symlinks=True, dirs_exist_ok=True)
    tmp_path.chmod(0o700)
    for name in ("shut", "team.key", "team.pub"):
        (tmp_path / name).chmod(0)
    return tmp_path


@pytest.mark.fault(20)
@pytest.mark.skipif(sys.platform != "linux", reason="where root is made of capabilities")
@pytest.mark.parametrize(
    "command",
    [
        "info shut",
        "list shut",
        "verify shut",
        "cat shut app",
        "explain shut",
        "run shut -m app",
        "place shut --to placed",
        "link shut links",
        "freeze shut -o frozen",
        "deploy shut target",
        "diff shut app.bundle",
        "diff app.bundle shut",
        "diff app.bundle shut --patch -o patch",
        "patch shut shut -o new",
        "sign shut --key team.key --app demo",
        "sign app.bundle --key team.key --app demo",
        "sign app.bundle --key own.key --app demo -o shut",
        "patch app.bundle same -o shut",
        "deploy app.bundle shut",
        "build src -o shut --no-cache",
        "verify app.bundle --key team.pub",
        "deploy app.bundle other --key team.pub",
        "rollback target --key team.pub",
        "run --trust team.pub app.bundle -m app",
        "build -r shut -o new",
    ],
)
def test_what_cannot_be_read_is_told(home: Path, command: str) -> None:
    """It is no wrong usage: the words are right, and the file is there."""
    before = sorted(home.iterdir())
    done = python("-c", _AS_A_USER, *command.split(), cwd=home)
    if done.returncode == 99:
        pytest.skip("root's capabilities cannot be dropped here")
    cause = refusal(done)
    assert "Permission denied" in cause
    assert "shut" in cause or "team." in cause
    assert done.stdout == ""
    assert sorted(home.iterdir()) == before
