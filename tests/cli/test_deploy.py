"""`bundle deploy` and `bundle rollback`, as they are used from a shell."""

import json
import resource
import shutil
from pathlib import Path

import pytest

from litebundle.inspect.bundle import Bundle
from tests.cli.command import bundle, good, refusal
from tests.rules.places import Library
from tests.signing import signed, trust_file


@pytest.fixture
def files(library: Library, tmp_path: Path) -> list[Path]:
    """Return three versions of a bundle."""
    trees = ({"app.py": f"VERSION = {number}\n"} for number in (1, 2, 3))
    places = [library.place(tree, "sqlite").entry for tree in trees]
    return [Path(shutil.copy(p, tmp_path / f"{n}.bundle")) for n, p in enumerate(places, 1)]


def test_deploy_and_roll_back(files: list[Path], tmp_path: Path) -> None:
    """Each tells in a line what is in place now; the list shows what is kept."""
    builds = [Bundle(path).identity[:12] for path in files]
    target = tmp_path / "app.bundle"
    assert [good(bundle("deploy", f, target, "--keep=2", cwd=tmp_path)).stdout for f in files] == [
        f"{target}: build {builds[0]}; kept: 0 older\n",
        f"{target}: build {builds[1]}, before {builds[0]}; kept: 1 older\n",
        f"{target}: build {builds[2]}, before {builds[1]}; kept: 2 older\n",
    ]
    again = good(bundle("deploy", files[2], "app.bundle", cwd=tmp_path)).stdout
    assert again == f"{target}: build {builds[2]} already; kept: 2 older\n"
    back = good(bundle("rollback", "app.bundle", cwd=tmp_path)).stdout
    assert back == f"{target}: build {builds[1]}, before {builds[2]}; kept: 1 older, 1 newer\n"
    size = files[0].stat().st_size
    assert good(bundle("rollback", "app.bundle", "--list", cwd=tmp_path)).stdout == (
        f"version\t1\t{builds[0]}\t{size}\t\n"
        f"version\t2\t{builds[1]}\t{size}\tin place\n"
        f"version\t3\t{builds[2]}\t{size}\t\n"
    )
    listed = json.loads(bundle("rollback", target, "--list", "--json", cwd=tmp_path).stdout)
    assert [(each["build"], each["current"]) for each in listed] == [
        (builds[0], False),
        (builds[1], True),
        (builds[2], False),
    ]
    done = json.loads(bundle("rollback", target, "--forward", "--json", cwd=tmp_path).stdout)
    assert done == {
        "target": str(target),
        "build": builds[2],
        "before": builds[1],
        "changed": True,
        "older": 2,
        "newer": 0,
    }
    assert target.read_bytes() == files[2].read_bytes()


@pytest.mark.parametrize(
    ("arguments", "status", "cause"),
    [
        (["deploy", "1.bundle"], 2, "Missing argument 'TARGET'"),
        (["deploy", "1.bundle", "app", "--keep", "-1"], 2, "-1 is not in the range"),
        (["deploy", "nowhere", "app"], 1, "nowhere: cannot open the bundle"),
        (["deploy", "1.bundle", "."], 1, "is a directory"),
        (["deploy", "1.bundle", "/"], 1, "/: is a directory"),
        (["deploy", "1.bundle", "none/app"], 1, "does not exist"),
        (["deploy", "1.bundle", "/dev/null"], 1, "is no regular file"),
        (["deploy", "1.bundle", "1.bundle"], 1, "is the new bundle itself"),
        (["rollback", "app"], 1, "app: no bundle is deployed there"),
        (["rollback", "app", "--list"], 1, "app: no bundle is deployed there"),
        (["rollback", "1.bundle"], 1, "1.bundle: no older version is kept"),
        (["rollback", "app", "--list", "--forward"], 2, "--list changes nothing"),
    ],
)
def test_what_cannot_be_is_told(
    files: list[Path], tmp_path: Path, arguments: list[str], status: int, cause: str
) -> None:
    """In one message; what stood there stands there."""
    assert cause in refusal(bundle(*arguments, cwd=tmp_path), status)
    for path in files:
        assert len(list(Bundle(path).files())) == 1
    assert not (tmp_path / "app").exists()


def test_a_full_disk_is_told(files: list[Path], tmp_path: Path) -> None:
    """Here a limit on the size of files; the target stays, and nothing is left of the new one."""
    target = tmp_path / "app.bundle"
    good(bundle("deploy", files[0], target, cwd=tmp_path))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        done = bundle("deploy", files[1], target, cwd=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert f"{target}: cannot be written: File too large" in refusal(done)
    assert target.read_bytes() == files[0].read_bytes()
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.fault(51)
def test_where_a_key_is_configured_it_decides(files: list[Path], tmp_path: Path) -> None:
    """Whichever way: by the environment, or by an option of both commands."""
    tmp_path.chmod(0o700)
    trust = trust_file(tmp_path / "trust", "app demo 6")
    env = {"LITEBUNDLE_TRUST": str(trust)}
    old = signed(files[0], tmp_path / "old")
    new = signed(files[1], tmp_path / "new", version=6)
    deploy = ("deploy", "--key", "trust")
    for done in (
        bundle("deploy", files[0], "app", cwd=tmp_path, env=env),
        bundle(*deploy, files[0], "app", cwd=tmp_path),
        bundle(*deploy, files[0], "app", "--force", cwd=tmp_path),
    ):
        assert "not put in place: not signed, and a key is configured" in refusal(done)
    assert not (tmp_path / "app").exists()
    good(bundle("deploy", old, "app", cwd=tmp_path))
    good(bundle(*deploy, new, "app", cwd=tmp_path))
    for done in (
        bundle("rollback", "app", cwd=tmp_path, env=env),
        bundle("rollback", "--key", "trust", "app", "--force", cwd=tmp_path),
    ):
        assert f"an older version of demo than {trust} takes" in refusal(done)
    assert (tmp_path / "app").read_bytes() == new.read_bytes()
    good(bundle("rollback", "app", cwd=tmp_path))
    done = bundle("deploy", "--key", "missing", new, "app", cwd=tmp_path)
    assert "missing: the trust file says nothing" in refusal(done)


@pytest.mark.fault(51)
def test_a_signed_file_is_replaced_by_what_follows(files: list[Path], tmp_path: Path) -> None:
    """Or by force; so it is with deploying, going back and patching."""
    tmp_path.chmod(0o700)
    good(bundle("deploy", files[0], "app", cwd=tmp_path))
    good(bundle("deploy", signed(files[1], tmp_path / "new"), "app", cwd=tmp_path))
    good(bundle("diff", "--patch", files[0], files[2], "-o", "patch", cwd=tmp_path))
    for command in (
        ("deploy", files[2], "app"),
        ("rollback", "app"),
        ("patch", files[0], "patch", "-o", "app"),
    ):
        done = bundle(*command, cwd=tmp_path)
        assert "app: a signed bundle would be replaced by one that is not" in refusal(done)
        assert "--force" in done.stderr
        good(bundle(*command, "--force", cwd=tmp_path))
        good(bundle("deploy", "new", "app", cwd=tmp_path))
