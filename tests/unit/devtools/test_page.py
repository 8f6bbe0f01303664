"""The tools that write pages, and how all tools start."""

import sys
from pathlib import Path

import pytest

from tools.devtools.page import Page, parser, pythons
from tools.devtools.process import ROOT, DevError
from tools.devtools.start import start


def _page(path: Path) -> Page:
    return Page(path=path, measure=", ".join, renew=_renewed)


def _renewed(text: str) -> str:
    return text[: text.index("lists")] + "new lists"


def test_a_page_is_measured_or_its_lists_are_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With each Python that is named, or with none at all."""
    monkeypatch.setattr("tools.devtools.page.ROOT", tmp_path)
    page = _page(tmp_path / "PAGE.md")
    this = parser("tools/it", "It.").parse_args(["--environment", sys.executable])
    assert page.write(this) == 0
    version = "{}.{}".format(*sys.version_info)
    assert page.path.read_text() == version
    assert pythons(this) == {version: Path(sys.executable)}
    page.path.write_text("figures, old lists")
    assert page.write(parser("tools/it", "It.").parse_args(["--names"])) == 0
    assert page.path.read_text() == "figures, old new lists"


def test_what_is_no_page_of_the_tool_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says so, and how to get one."""
    names = parser("tools/it", "It.").parse_args(["--names"])
    with pytest.raises(DevError, match=r"cannot read PAGE\.md: No such file"):
        _page(tmp_path / "PAGE.md").write(names)
    (tmp_path / "PAGE.md").write_text("a letter")
    with pytest.raises(DevError) as caught:
        _page(tmp_path / "PAGE.md").write(names)
    assert caught.value.tell() == 1
    assert capsys.readouterr().err == (
        "error: PAGE.md was not written by this tool\nhint: run it without --names first\n"
    )
    assert (tmp_path / "PAGE.md").read_text() == "a letter"


@pytest.mark.parametrize("tool", ["bench", "conformance", "faults", "fuzz"])
def test_a_tool_starts_with_a_new_python_only(
    tool: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An older one is told which tool to run again."""
    assert f'start("tools/{tool}")' in (ROOT / "tools" / tool / "__main__.py").read_text()
    monkeypatch.setattr(sys, "argv", ["it", "--help"])
    with pytest.raises(SystemExit) as caught:
        start(f"tools/{tool}")
    assert caught.value.code == 0
    monkeypatch.setattr(sys, "version_info", (3, 10))
    assert start(f"tools/{tool}") == 1
    assert capsys.readouterr().err.endswith(f"python3.13 tools/{tool}\n")
