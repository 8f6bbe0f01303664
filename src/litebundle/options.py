"""How a bundle is to be built."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from litebundle.collect.inputs import Inputs
from litebundle.write.compression import Kind as Compress
from litebundle.write.launcher import Launch

Progress = Callable[[int, int, str], None]
"""Called with files done, files in all, and the path at hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a bundle is built.

    `optimize` are the levels of `-O` to store code for, `sources` whether `.py` files are kept,
    `strict` whether a file that does not compile fails the build, `overlay` whether the earlier of
    two contradicting sources wins; `jobs` compiler processes, by default one a usable processor;
    `cache` whether results of earlier builds are used and kept in the user's cache directory;
    `inputs` what else goes in, and what does not; `place` how much of a package is put on disk
    ("code", "data", "all" by its dotted name), which else the analyser decides, None for nothing;
    `force` replaces a signed output by one that is not;
    `launch` how it starts as a program, None if it is only imported from; `compress` what is
    compressed and how; `trace` a program of the bundle, run once to find out what it reads first:
    that is written to `trace_file`, or read from there without a program.
    """

    container: Literal["sqlite", "zip"] = "sqlite"
    optimize: tuple[int, ...] = (0,)
    sources: bool = True
    strict: bool = False
    overlay: bool = False
    jobs: int | None = None
    cache: bool = False
    inputs: Inputs = field(default_factory=Inputs)
    place: Mapping[str, str] | None = field(default_factory=dict)
    force: bool = False
    launch: Launch | None = None
    compress: Compress = "auto"
    trace: str | None = None
    trace_file: Path | None = None
