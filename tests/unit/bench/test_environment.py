"""The work directory of the benchmarks: what is made there is made anew when its key changes."""

from pathlib import Path

from tools.bench.environment import Environment


def test_a_link_to_a_directory_is_made_anew(tmp_path: Path) -> None:
    """The link goes, and what it leads to stays."""
    environment = Environment(tmp_path / "work")
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").touch()
    for key in ("before", "after"):
        path = environment.made("link", key, lambda out: out.symlink_to(kept))
        assert path.readlink() == kept
    assert (kept / "file").exists()
