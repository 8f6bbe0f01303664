"""What trust files say, and to which bundles they agree."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from litebundle.errors import BundleSignatureError
from litebundle.runtime import trust as trusting
from litebundle.runtime.trust import Trust, admit, load, remember
from tests.signing import KEY, OTHER

_KEY, _OTHER = KEY.public.line, OTHER.public.line


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Forget what was loaded and served."""
    yield
    trusting._loaded.clear()
    trusting._served.clear()


def _statement(app: str = "demo", version: int = 5, key: Any = KEY) -> Any:
    signature = SimpleNamespace(identifier=key.identifier)
    return SimpleNamespace(app=app, version=version, signature=signature)


def _admits(text: str, file: str = "/srv/app.bundle", **said: Any) -> bool:
    """Tell whether a trust file agrees to what was signed."""
    trusting._served.clear()
    trust, statement = Trust("the file", text), _statement(**said)
    try:
        trust.key(statement, file)
        admit([trust], statement, file)
    except BundleSignatureError:
        return False
    return True


def test_a_public_key_of_minisign_is_a_trust_file() -> None:
    """It may sign whatever it likes, of any version."""
    text = f"untrusted comment: minisign public key\n{_KEY}\n"
    assert _admits(text)
    assert _admits(text, app="other", version=0)
    assert not _admits(text, key=OTHER)


def test_rules_are_about_the_key_above_them() -> None:
    """What one key may sign, another may not."""
    text = f"# two teams\n{_KEY}\napp demo 3\n\n{_OTHER}\napp guest\n"
    assert _admits(text)
    assert _admits(text, app="guest", version=0, key=OTHER)
    assert not _admits(text, app="guest")
    assert not _admits(text, key=OTHER)
    assert not _admits(text, version=2)
    assert _admits(text, version=3)


def test_a_path_is_for_what_is_named_with_it_alone() -> None:
    """Whatever else the key may sign, and whoever else may sign anything."""
    text = f"{_KEY}\napp demo 3 /srv/app.bundle\napp demo 9 /srv/next.bundle\napp tool\n{_OTHER}\n"
    assert _admits(text)
    assert not _admits(text, app="tool")
    assert not _admits(text, app="demo", key=OTHER)
    assert not _admits(text, file="/srv/next.bundle")
    assert not _admits(text, file="/srv/else.bundle")
    assert _admits(text, file="/srv/else.bundle", app="tool")
    assert _admits(text, file="/srv/else.bundle", key=OTHER)


def test_paths_may_have_spaces() -> None:
    """All behind the version is the path."""
    text = f"{_KEY}\napp demo 3 /srv/my app.bundle"
    assert _admits(text, file="/srv/my app.bundle")
    assert not _admits(text)


def test_a_path_is_a_file_however_it_is_named(tmp_path: Path) -> None:
    """By a link, or on a way about: what may be there may be there alone."""
    place = tmp_path / "app.bundle"
    place.touch()
    (tmp_path / "link").symlink_to(place)
    text = f"{_KEY}\napp demo 3 {place}\napp tool\n"
    for file in (place, tmp_path / "link", f"{tmp_path}/./app.bundle", f"{tmp_path}//app.bundle"):
        assert _admits(text, file=str(file))
        assert not _admits(text, file=str(file), app="tool")
    assert _admits(text, file=str(tmp_path), app="tool")


def test_of_two_rules_the_higher_version_counts() -> None:
    """One line more forbids more."""
    assert not _admits(f"{_KEY}\napp demo 6\napp demo 3\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "app demo\n",
        f"{_KEY}\napp\n",
        f"{_KEY}\napp ../demo\n",
        f"{_KEY}\napp demo three\n",
        f"{_KEY}\napp demo 3 relative.bundle\n",
        f"{_KEY}\nrecord relative\n",
        f"{_KEY}\nrecord\n",
        f"{_KEY}\nstrict please\n",
        f"{_KEY}\nApp demo\n",
        f"{_KEY}\n{_KEY}\n",
        _KEY[:-1] + "\n",
        f"{_KEY} {_KEY}\n",
    ],
)
def test_what_is_not_understood_is_no_trust_file(text: str) -> None:
    """A line that was meant to forbid something is not skipped."""
    with pytest.raises(BundleSignatureError):
        Trust("the file", text)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("ap demo 3", "line 2: no such word: 'ap'"),
        ("-----BEGIN PUBLIC KEY-----", "line 2: no such word: '-----BEGIN'"),
        ("strict please", "line 2: something stands behind 'strict'"),
        ("RWQ", "line 2: no base64"),
        ("RW%$", "line 2: no base64"),
        ("RWQA", "line 2: no public key of minisign"),
    ],
)
def test_what_is_not_understood_is_told(line: str, reason: str) -> None:
    """By the line, and what is wrong with it."""
    with pytest.raises(BundleSignatureError) as caught:
        Trust("the file", f"{_KEY}\n{line}\n")
    assert caught.value.message.endswith(reason)


def test_one_path_serves_no_other_application_and_nothing_older() -> None:
    """In one process, whatever the trust files say."""
    trust = [Trust("the file", f"{_KEY}\n")]
    admit(trust, _statement(), "/srv/app.bundle")
    admit(trust, _statement(), "/srv/app.bundle")
    with pytest.raises(BundleSignatureError, match="another application"):
        admit(trust, _statement(app="other"), "/srv/app.bundle")
    with pytest.raises(BundleSignatureError, match="an older version"):
        admit(trust, _statement(version=4), "/srv/app.bundle")
    admit(trust, _statement(version=4), "/srv/else.bundle")


def test_a_version_is_recorded_once_it_was_admitted(tmp_path: Path) -> None:
    """And then only what is newer."""
    recording = Trust("first", f"{_KEY}\nrecord {tmp_path}\n")
    admit([recording], _statement(), "/srv/app.bundle")
    assert list(tmp_path.iterdir()) == []
    remember([recording], _statement())
    before = (tmp_path / "demo").stat().st_ino
    remember([recording], _statement())
    assert (tmp_path / "demo").stat().st_ino == before
    assert (tmp_path / "demo").read_text() == "5\n"


def test_where_nothing_can_be_recorded_nothing_is_admitted(tmp_path: Path) -> None:
    """A directory that is missing, or that is none."""
    for directory in (tmp_path / "missing", Path("/dev/null")):
        trust = Trust("the file", f"{_KEY}\nrecord {directory}\n")
        with pytest.raises(BundleSignatureError, match="cannot be recorded"):
            remember([trust], _statement())


def test_a_file_is_read_once(tmp_path: Path) -> None:
    """What a process was started with holds until it ends."""
    file = tmp_path / "trust"
    file.write_text(f"{_KEY}\n")
    first = load(str(file))
    file.unlink()
    assert load(str(file)) is first


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """Missing, a directory, not text, or named by a relative path."""
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "missing", tmp_path, tmp_path / "binary", Path("relative")):
        with pytest.raises(BundleSignatureError, match="says nothing that could be trusted"):
            load(str(path))


@pytest.mark.parametrize("path", ["", "relative"])
def test_no_absolute_path_is_the_variables_mistake(path: str) -> None:
    """What is named otherwise was made absolute."""
    with pytest.raises(BundleSignatureError, match=f"LITEBUNDLE_TRUST says .*found '{path}'"):
        load(path)


def test_a_systems_file_is_roots_with_all_above_it(tmp_path: Path) -> None:
    """The rest of the system could replace it else."""
    file = tmp_path / "trust"
    file.write_text(f"{_KEY}\n")
    file.chmod(0o666)
    with pytest.raises(BundleSignatureError, match="can be replaced by other users"):
        load(str(file), system=True)
    if os.geteuid() == 0:
        file.chmod(0o644)
        assert load(str(file), system=True).keys
