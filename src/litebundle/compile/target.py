"""Which Python the code is compiled for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An interpreter and the optimization levels its code is compiled with.

    `magic` are the four bytes that its pyc files begin with (PEP 552); `version` has three
    numbers: "3.13.0"; `abiflags` are "t" of a free-threaded one, else mostly nothing.
    """

    implementation: str
    version: str
    cache_tag: str
    abiflags: str
    magic: bytes
    optimize: tuple[int, ...]
