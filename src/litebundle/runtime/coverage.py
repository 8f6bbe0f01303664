"""Sources in bundles for reports of the `coverage` package (A2), which reads files and zips."""

from .paths import path_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def extend(python: "Any") -> None:
    """Have `coverage.python` look into bundles where it would look into zips."""
    standard = getattr(python, "get_zip_bytes", None)
    if standard is None or standard.__module__ == __name__:
        return  # another module of that name, or extended already

    def get_zip_bytes(filename: str) -> bytes | None:
        path = path_at(filename)
        if path is None or not path.is_file():
            data: bytes | None = standard(filename)
            return data
        return path.read_bytes()

    python.get_zip_bytes = get_zip_bytes
