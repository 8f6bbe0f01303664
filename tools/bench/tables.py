"""The tables there are, in the order of BENCHMARKS.md. A new one is a line here."""

from tools.bench import building, imports, syscalls
from tools.bench.frame import Table

TABLES: tuple[Table, ...] = (imports.TABLE, syscalls.TABLE, building.TABLE)
