"""An unpacked interpreter comes to its place whole, or not at all."""

from pathlib import Path

import pytest

from litebundle.runtime import unpacked
from litebundle.runtime.marker import NAME, hold
from tests.rules.places import write_tree

_KEY = "0" * 64


def aside(cache: Path, name: str, text: str = "text") -> str:
    """Write an interpreter aside; return its directory."""
    write_tree({"bin/python": text, "lib/x.so": "x"}, cache / f"{_KEY}.{name}")
    return str(cache / f"{_KEY}.{name}")


def test_what_is_whole_gets_its_name(tmp_path: Path) -> None:
    """With a marker; the second one that comes goes away."""
    expected = unpacked.digest(aside(tmp_path, "first"))
    for name in ("first", "second"):
        work = str(tmp_path / f"{_KEY}.{name}") if name == "first" else aside(tmp_path, name)
        unpacked.settle(work, expected)
        assert [path.name for path in tmp_path.iterdir()] == [_KEY]
    assert unpacked.digest(str(tmp_path / _KEY)) == expected
    assert (tmp_path / _KEY / NAME).read_text().startswith("0 2 5 python-3.")
    held = hold(str(tmp_path / _KEY))
    assert held is not None
    assert hold(str(tmp_path)) is None


def test_what_is_not_whole_is_refused(tmp_path: Path) -> None:
    """What stands there already, and is not whole, is replaced by what is."""
    expected = unpacked.digest(aside(tmp_path, "good"))
    with pytest.raises(SystemExit):
        unpacked.settle(aside(tmp_path, "bad", "texT"), expected)
    assert not (tmp_path / _KEY).exists()
    write_tree({"bin/python": "cut"}, tmp_path / _KEY)
    unpacked.settle(str(tmp_path / f"{_KEY}.good"), expected)
    assert unpacked.digest(str(tmp_path / _KEY)) == expected


def test_what_was_left_aside_goes_when_it_is_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not what is being unpacked now, nor what is not ours."""
    expected = unpacked.digest(aside(tmp_path, "first"))
    aside(tmp_path, "killed")
    (tmp_path / "other.dir").mkdir()
    unpacked.settle(str(tmp_path / f"{_KEY}.first"), expected)
    assert {path.name for path in tmp_path.iterdir()} == {_KEY, f"{_KEY}.killed", "other.dir"}
    monkeypatch.setattr(unpacked, "_ABANDONED", -1)
    with pytest.raises(SystemExit):  # its own is as old
        unpacked.settle(aside(tmp_path, "late"), "another")
    assert {path.name for path in tmp_path.iterdir()} <= {_KEY, "other.dir"}
