"""Directories for the tests."""

from collections.abc import Mapping
from pathlib import Path


def make(top: Path, files: Mapping[str, str]) -> Path:
    """Create files with their contents; a path that ends with a slash is a directory."""
    for path, content in files.items():
        if path.endswith("/"):
            (top / path).mkdir(parents=True)
        else:
            (top / path).parent.mkdir(parents=True, exist_ok=True)
            (top / path).write_text(content)
    return top
