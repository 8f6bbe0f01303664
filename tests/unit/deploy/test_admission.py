"""Deploying, going back and patching where bundles are signed: what may stand at the target."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from litebundle.deploy.history import History
from litebundle.deploy.patch import apply_patch, make_patch
from litebundle.deploy.replace import deploy, roll_back
from litebundle.errors import BuildError, BundleError, BundleSignatureError
from litebundle.inspect.bundle import Bundle
from litebundle.runtime import mount
from litebundle.runtime import trust as trusting
from litebundle.runtime.signed import open_trusted
from litebundle.runtime.trust import Trust, load
from tests.rules.places import Library
from tests.signing import OTHER, signed, trust_file
from tests.unit.inspect.forge import change_manifest

pytestmark = pytest.mark.fault(51)


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget what was loaded, served and configured."""
    monkeypatch.delenv(mount.TRUST_VARIABLE, raising=False)
    monkeypatch.setattr(mount, "_trusted", None)
    yield
    trusting._loaded.clear()
    trusting._served.clear()


@pytest.fixture
def plain(library: Library, packing: str) -> list[Path]:
    """Return three versions of a bundle, not signed; not to be changed."""
    trees = ({"app.py": f"V = {number}\n" * 200} for number in range(3))
    return [Path(library.place(tree, packing).entry) for tree in trees]


@pytest.fixture
def made(plain: list[Path], tmp_path: Path) -> list[Path]:
    """Return them signed as demo 5, 6 and 7."""
    (tmp_path / "made").mkdir()
    return [
        signed(path, tmp_path / "made" / f"{version}.bundle", version=version)
        for version, path in enumerate(plain, 5)
    ]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Return where to deploy to: a directory with nothing in it."""
    (tmp_path / "srv").mkdir(mode=0o700)
    return tmp_path / "srv" / "app.bundle"


def _refused(work: Callable[[], object], target: Path) -> BundleError:
    """Return the refusal of work, having seen that nothing was changed around the target."""
    before = {p: p.lstat() for p in target.parent.rglob("*")}
    with pytest.raises(BundleError) as caught:
        work()
    after = {p: p.lstat() for p in target.parent.rglob("*")}
    assert after.keys() == before.keys()
    assert all(after[p].st_ino == before[p].st_ino for p in after)
    return caught.value


@pytest.fixture
def database(library: Library, tmp_path: Path) -> Path:
    """Return a signed database, to be altered: what is checked does not depend on the container."""
    (tmp_path / "altered").mkdir()
    plain = Path(library.place({"app.py": "V = 9\n"}, "sqlite").entry)
    return signed(plain, tmp_path / "altered" / "app.bundle", version=8)


@pytest.mark.parametrize("first", ["nothing", "by hand", "deployed"])
def test_with_a_key_nothing_else_is_put_in_place(  # noqa: PLR0917  # fixtures
    plain: list[Path], made: list[Path], database: Path, target: Path, tmp_path: Path, first: str
) -> None:
    """Not what is unsigned, altered, somebody else's, another application or too old."""
    key = Trust("the keys", trust_file(tmp_path / "trust", "app demo 6").read_text())
    if first == "by hand":
        shutil.copy(made[1], target)
    elif first == "deployed":
        deploy(made[1], target, 3, key=key)
    change_manifest(database, version="9")  # it is sound still
    refused = {
        plain[0]: "not signed, and a key is configured",
        database: "the signature is not one of this manifest",
        signed(plain[0], tmp_path / "made" / "other", key=OTHER): "signed with an unknown key",
        signed(plain[0], tmp_path / "made" / "tool", app="tool", version=9): "another application",
        made[0]: "an older version of demo than the keys takes",
    }
    for path, reason in refused.items():
        for force in (False, True):  # that is not what it is for
            error = _refused(
                lambda: deploy(path, target, 3, key=key, force=force),  # noqa: B023
                target,
            )
            assert isinstance(error, BundleSignatureError)
            assert error.cause.startswith(f"{path}: not put in place: ")
            assert reason in error.cause
    assert deploy(made[2], target, 3, key=key).changed
    assert target.read_bytes() == made[2].read_bytes()


def test_all_of_it_has_to_be_signed(database: Path, target: Path, tmp_path: Path) -> None:
    """Even what no process looks at, as `bundle verify --key` does; it is sound without a key."""
    key = Trust("the key", trust_file(tmp_path / "trust").read_text())
    first, second = Bundle(database).manifest["signature"].split(" ")
    other = ("B" if second[0] == "A" else "A") + second[1:]
    change_manifest(database, signature=f"{first} {other}")
    error = _refused(lambda: deploy(database, target, 3, key=key), target)
    assert isinstance(error, BuildError)
    assert "minisign's comment" in error.problems[0]
    deploy(database, target, 3)


@pytest.mark.parametrize("configured", ["the system's", "the environment's"])
def test_configured_keys_are_asked(  # noqa: PLR0917  # fixtures
    plain: list[Path],
    made: list[Path],
    target: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    configured: str,
) -> None:
    """Each of them; one that was named besides can only forbid more."""
    path = trust_file(tmp_path / "trust", "app demo")
    if configured == "the system's":
        monkeypatch.setattr(mount, "_configured", lambda: iter([str(path)]))
    else:
        monkeypatch.setenv(mount.TRUST_VARIABLE, str(path))
    assert "not signed" in str(_refused(lambda: deploy(plain[0], target, 3), target))
    narrower = Trust("narrower", trust_file(tmp_path / "more", "app demo 7").read_text())
    message = str(_refused(lambda: deploy(made[1], target, 3, key=narrower), target))
    assert "than narrower takes" in message
    wider = Trust("wider", trust_file(tmp_path / "more").read_text())
    tool = signed(plain[0], tmp_path / "made" / "tool", app="tool")
    assert "another app" in str(_refused(lambda: deploy(tool, target, 3, key=wider), target))
    deploy(made[1], target, 3, key=wider)
    path.unlink()
    trusting._loaded.clear()
    message = str(_refused(lambda: deploy(made[2], target, 3), target))
    assert "says nothing that could be trusted" in message


def test_a_path_that_is_named_is_the_targets(
    plain: list[Path], made: list[Path], target: Path, tmp_path: Path
) -> None:
    """Not that of the copy beside it; by whatever name, and before anything is there."""
    (tmp_path / "current").symlink_to(target.parent)
    tool = signed(plain[0], tmp_path / "made" / "tool", app="tool")
    for named in (target, tmp_path / "current" / target.name):
        key = Trust("the key", trust_file(tmp_path / "t", f"app demo 6 {named}").read_text())
        for place in (target, target.parent / ".." / "srv" / target.name):
            for wrong, reason in ((tool, "as another application"), (made[0], "an older version")):
                error = _refused(lambda: deploy(wrong, place, 0, key=key), target)  # noqa: B023
                assert reason in error.cause
            deploy(made[1], place, 0, key=key)
            assert not deploy(made[1], place, 0, key=key).changed
            target.unlink()
        other = target.with_name("other.bundle")
        error = _refused(lambda: deploy(made[1], other, 0, key=key), target)  # noqa: B023
        assert "as another application" in error.cause


def test_what_is_there_already_has_to_be_admitted_too(
    plain: list[Path], target: Path, tmp_path: Path
) -> None:
    """Deploying it again tells, rather than that all is well."""
    deploy(plain[0], target, 3)
    key = Trust("the key", trust_file(tmp_path / "trust").read_text())
    message = str(_refused(lambda: deploy(plain[0], target, 3, key=key), target))
    assert "not signed" in message


@pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX's")
def test_strict_is_seen_to(made: list[Path], target: Path, tmp_path: Path) -> None:
    """Of the target, its directory, and for whoever it belongs to."""
    key = Trust("the key", trust_file(tmp_path / "trust", "strict").read_text())
    target.parent.chmod(0o777)
    error = _refused(lambda: deploy(made[0], target, 3, key=key), target)
    assert "can be replaced by other users" in error.cause
    target.parent.chmod(0o755)
    deploy(made[0], target, 3, key=key)
    target.chmod(0o664)
    error = _refused(lambda: deploy(made[1], target, 3, key=key), target)
    assert "can be replaced by other users" in error.cause
    assert str(error.found).startswith(f"{target} of uid ")
    target.chmod(0o644)
    deploy(made[1], target, 3, key=key)
    History(target).directory.chmod(0o777)  # of no account for the target
    assert roll_back(target, key=key).newer == 1
    if os.geteuid() == 0:
        os.chown(target, 12, 34)
        deploy(made[1], target, 3, key=key)
        assert target.stat().st_uid == 12


def test_a_signed_bundle_is_not_replaced_by_mistake(
    plain: list[Path], made: list[Path], target: Path, tmp_path: Path
) -> None:
    """By an unsigned one, an older one or another application: as by building and signing."""
    shutil.copy(made[1], target)
    tool = signed(plain[0], tmp_path / "made" / "tool", app="tool", version=9)
    for path, reason in (
        (plain[2], "a signed bundle would be replaced by one that is not signed"),
        (made[0], "signed as demo 6, which demo 5 does not follow"),
        (tool, "signed as demo 6, which tool 9 does not follow"),
    ):
        error = _refused(lambda: deploy(path, target, 3), target)  # noqa: B023
        assert isinstance(error, BuildError)
        assert error.cause == f"{target}: {reason}"
        assert "--force" in str(error.hint)
    for path in (made[2], made[0], tool, plain[0], plain[1], made[0]):
        assert deploy(path, target, 0, force=path not in (made[2], plain[1])).changed
    same = signed(plain[1], tmp_path / "made" / "same", version=5)
    assert deploy(same, target, 0).changed


def test_rolling_back_goes_to_an_older_version(
    made: list[Path], target: Path, tmp_path: Path
) -> None:
    """Where processes start with it: with a key and no lower limit, as without any."""
    keys = (None, Trust("the key", trust_file(tmp_path / "trust", "app demo 5").read_text()))
    for key in keys:
        deploy(made[0], target, 3, key=key)
        deploy(made[1], target, 3, key=key)
        roll_back(target, key=key)
        assert target.read_bytes() == made[0].read_bytes()
        roll_back(target, key=key, forward=True)
        assert target.read_bytes() == made[1].read_bytes()
        shutil.rmtree(History(target).directory)
        target.unlink()


def test_what_would_refuse_to_start_does_not_come_back(
    made: list[Path], target: Path, tmp_path: Path
) -> None:
    """Since a later version is recorded, or its release was called back; how to go on is told."""
    (tmp_path / "seen").mkdir()
    recording = trust_file(tmp_path / "recording", f"record {tmp_path / 'seen'}")
    key = load(str(recording))
    for path in made[:2]:
        deploy(path, target, 3, key=key)
        assert list((tmp_path / "seen").iterdir()) == []  # looking is not running
    roll_back(target, key=key)
    roll_back(target, key=key, forward=True)
    assert open_trusted(str(target), [str(recording)]) is not None
    error = _refused(lambda: roll_back(target, key=key), target)
    kept = History(target).versions()[0].path
    assert error.cause == (
        f"{kept}: not put in place: an older version of demo than {tmp_path / 'seen'} takes"
        " (expected 6 or later, found 5)"
    )
    assert "to go back, sign the old content with a new version" in str(error.hint)
    limited = Trust("limited", trust_file(tmp_path / "limited", "app demo 6").read_text())
    message = str(_refused(lambda: roll_back(target, key=limited, force=True), target))
    assert "than limited takes" in message
    # As the hint says
    again = signed(kept, tmp_path / "made" / "again", version=7)
    deploy(again, target, 3, key=key)
    assert Bundle(target).identity == Bundle(made[0]).identity


@pytest.mark.parametrize("kept", ["deployed", "by hand"])
def test_rolling_back_to_an_unsigned_one_is_asked_for(
    plain: list[Path], made: list[Path], target: Path, tmp_path: Path, kept: str
) -> None:
    """Whoever starts it may ask for a signature; and with a key it never comes back."""
    deploy(plain[0], target, 3)
    if kept == "deployed":
        deploy(made[1], target, 3)
    else:
        shutil.copy(made[1], tmp_path / "next")
        (tmp_path / "next").replace(target)
    error = _refused(lambda: roll_back(target), target)
    assert "would be replaced by one that is not signed" in error.cause
    key = Trust("the key", trust_file(tmp_path / "trust").read_text())
    message = str(_refused(lambda: roll_back(target, key=key, force=True), target))
    assert "not signed, and a key is configured" in message
    roll_back(target, force=True)
    assert target.read_bytes() == plain[0].read_bytes()
    roll_back(target, forward=True)
    assert target.read_bytes() == made[1].read_bytes()


def test_a_patch_does_not_unsign(plain: list[Path], made: list[Path], target: Path) -> None:
    """What it makes is signed if what it was made with is; over a signed file it has to be."""
    patch = target.with_name("patch")
    make_patch(plain[0], plain[1], patch)
    shutil.copy(made[2], target)
    error = _refused(lambda: apply_patch(plain[0], patch, target), target)
    assert "would be replaced by one that is not signed" in error.cause
    apply_patch(plain[0], patch, target, force=True)
    assert target.read_bytes() == plain[1].read_bytes()
    make_patch(made[0], made[1], patch)
    shutil.copy(made[2], target)
    apply_patch(made[0], patch, target)
    assert target.read_bytes() == made[1].read_bytes()
