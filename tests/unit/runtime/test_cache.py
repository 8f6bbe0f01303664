"""Which directories are looked at for placed files."""

import os
import sys
from pathlib import Path

import pytest

from litebundle.runtime import cache, homeless
from litebundle.runtime.marker import NAME

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="of POSIX systems")

_OWN = f"litebundle-{os.geteuid()}"
_HOME = "Library/Caches" if sys.platform == "darwin" else ".cache"
_LAST = [f"/tmp/{_OWN}", f"/var/tmp/{_OWN}"]  # noqa: S108  # where they are


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"LITEBUNDLE_CACHE": "/chosen", "XDG_CACHE_HOME": "/xdg"}, ["/chosen"]),
        ({"XDG_CACHE_HOME": "/xdg", "HOME": "/me"}, ["/xdg/litebundle/placed", *_LAST]),
        ({"HOME": "/me"}, [f"/me/{_HOME}/litebundle/placed", *_LAST]),
        ({"XDG_CACHE_HOME": "no", "HOME": "/me"}, [f"/me/{_HOME}/litebundle/placed", *_LAST]),
        ({"LITEBUNDLE_CACHE": "", "HOME": "relative"}, _LAST),
        ({"HOME": "relative", "TMPDIR": "/other"}, [f"/other/{_OWN}", *_LAST]),
        ({"HOME": "relative", "TMPDIR": "other"}, _LAST),
        ({"HOME": "relative", "TMPDIR": "/tmp"}, _LAST),  # noqa: S108
    ],
)
def test_candidates_follow_the_environment(
    variables: dict[str, str], expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was chosen stands alone; else the user's cache, then temporary directories, once."""
    for name in ("LITEBUNDLE_CACHE", "XDG_CACHE_HOME", "HOME", "TMPDIR", "TEMP"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache.candidates() == expected


def test_a_relative_choice_is_below_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And stays there when the program goes elsewhere."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LITEBUNDLE_CACHE", "below")
    assert cache.candidates() == [str(tmp_path / "below")]
    monkeypatch.chdir("/")
    assert cache.candidates() == [str(tmp_path / "below")]


def test_a_directory_that_is_not_there_is_made_below_one_that_is(tmp_path: Path) -> None:
    """Nothing is made to find out."""
    tmp_path.chmod(0o777)  # the new one is its maker's alone
    assert cache.refusal(str(tmp_path / "a" / "b")) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("file", "is no directory"), ("open to all", "can be written by other users (mode 777)")],
)
def test_what_is_no_safe_directory_is_refused(tmp_path: Path, kind: str, reason: str) -> None:
    """Its path and the reason are told, and one thing to do."""
    path = tmp_path / "cache"
    if kind == "file":
        path.write_text("")
    else:
        path.mkdir()
        path.chmod(0o777)
    error = cache.refusal(str(path))
    assert error is not None
    assert (error.file, error.message) == (str(path), reason)
    assert error.hint


def test_what_is_placed_already_needs_no_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory that cannot be written will do for what it holds, and for nothing else."""
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    tmp_path.chmod(0o755)
    (tmp_path / "key").mkdir()
    (tmp_path / "key" / NAME).write_text("")
    assert cache.choose([str(tmp_path)], "key", lambda: False) == (str(tmp_path), [])
    chosen, refused = cache.choose([str(tmp_path)], "other", lambda: False)
    assert chosen is None
    assert [error.message for error in refused] == ["cannot be written"]


def test_the_error_for_nowhere_names_every_place() -> None:
    """With its own reason each."""
    one = cache.refusal("/dev/null/one")
    two = cache.refusal("/dev/null/two")
    assert one is not None
    assert two is not None
    error = homeless.nowhere("pkg", [one, two])
    assert error.cause == (
        "the files of pkg can be placed nowhere:"
        " /dev/null: is no directory; /dev/null: is no directory"
    )
    assert error.errno == one.errno
