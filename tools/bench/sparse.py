"""Build a bundle whose database is mostly a hole: `python sparse.py SOURCE OUTPUT BYTES`.

All that a reader touches stands behind the hole, which takes no room on most file systems. Needs
litebundle.
"""

import sys
from pathlib import Path

from litebundle import assembly, builder
from litebundle.write.compression import Compression
from litebundle.write.sqlite import SqliteWriter


def grow(path: Path, size: int) -> None:
    """Give a database pages that nothing refers to, up to a size in bytes.

    As if another connection had done it: the change counter tells those who cached the first page.
    """
    with path.open("r+b") as file:
        header = file.read(100)
        page = int.from_bytes(header[16:18])
        page = 65536 if page == 1 else page
        counter = (int.from_bytes(header[24:28]) + 1).to_bytes(4)
        file.seek(24)
        file.write(counter + (size // page).to_bytes(4))
        file.seek(92)
        file.write(counter)
        file.truncate(size // page * page)


def build(source: Path, output: Path, size: int) -> None:
    """Build a bundle of a source behind `size` bytes of nothing."""

    class Writer(SqliteWriter):
        def __init__(self, path: Path, compression: Compression, expected: int) -> None:
            super().__init__(path, compression, expected)
            self._next_transaction()
            self._connection.execute("COMMIT")
            grow(path, size)
            self._connection.execute("BEGIN")

    assembly.SqliteWriter = Writer  # type: ignore[attr-defined]  # what it writes with
    builder.build([source], output, builder.Options(jobs=1))


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
