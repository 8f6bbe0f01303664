"""The tables there are, in the order of BENCHMARKS.md. A new one is a line here."""

from tools.bench import building, imports, lookups, memory, syscalls
from tools.bench.frame import Table

TABLES: tuple[Table, ...] = (
    imports.TABLE,
    lookups.TABLE,
    syscalls.TABLE,
    memory.TABLE,
    building.TABLE,
)
