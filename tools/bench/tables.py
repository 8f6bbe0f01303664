"""The tables there are, in the order of BENCHMARKS.md. A new one is a line here."""

from tools.bench import (
    building,
    compressed,
    disks,
    imports,
    launching,
    lookups,
    memory,
    scale,
    size,
    syscalls,
)
from tools.bench.frame import Table

TABLES: tuple[Table, ...] = (
    imports.TABLE,
    imports.WHOLE,
    lookups.TABLE,
    syscalls.TABLE,
    memory.TABLE,
    launching.TABLE,
    disks.COLD,
    disks.LATENCY,
    compressed.TABLE,
    size.TABLE,
    building.TABLE,
    scale.TABLE,
)
