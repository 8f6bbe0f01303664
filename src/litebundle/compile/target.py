"""Which Python the code is compiled for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An interpreter and the optimization levels its code is compiled with.

    `magic` are the four bytes that its pyc files begin with (PEP 552); `version` has three
    numbers: "3.13.0"; `abiflags` are "t" of a free-threaded one, else mostly nothing; `build` is
    `sys.version`, which tells two builds of one version apart.
    """

    implementation: str
    version: str
    cache_tag: str
    abiflags: str
    magic: bytes
    build: str
    optimize: tuple[int, ...]

    @classmethod
    def of(cls, identity: object, optimize: tuple[int, ...]) -> "Target | None":
        """Return what an interpreter is that identified itself so (worker.py), None if it is no."""
        match identity:
            case [str(name), str(version), str(tag), str(flags), bytes(magic), str(build)]:
                return cls(
                    implementation=name,
                    version=version,
                    cache_tag=tag,
                    abiflags=flags,
                    magic=magic,
                    build=build,
                    optimize=optimize,
                )
        return None
