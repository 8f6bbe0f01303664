"""The script that the target interpreter runs: sources in, marshalled code objects out.

It is started by file name, without `site` and with a fixed hash seed. Messages are eight bytes of
length, little-endian, and that much marshal (version 2, which every Python reads):

    None                             -> identity()
    (levels, [(path, source), ...])  -> [((code, ...), None) or ((), error), ...], or text: a fault
                                        of ours, and no answer at all
"""

import io
import marshal
import os
import sys

if __name__ == "__main__":
    # The directory of litebundle: this interpreter may be one that has none.
    sys.path.append(sys.argv[1])

from litebundle.format.canonical import canonical

MARSHAL_VERSION = 2
"""Of the messages; of the code it is canonical()'s affair."""


def main() -> None:
    """Answer requests until standard input ends."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing that compiling prints may get between the answers
    while request := _receive(requests):
        content = marshal.loads(request)
        if content is None:
            data = marshal.dumps(identity(), MARSHAL_VERSION)
            _silence()
        else:
            levels, batch = content
            data = marshal.dumps(_answers(levels, batch), MARSHAL_VERSION)
        answers.write(len(data).to_bytes(8, "little") + data)
        answers.flush()


def _receive(stream: io.BufferedReader) -> bytes:
    """Return a message, or nothing where the stream ends, be it amid one: the builder is gone."""
    size = int.from_bytes(stream.read(8), "little")
    data = stream.read(size)
    return data if len(data) == size else b""


def identity() -> tuple[str, str, str | None, str, bytes, str]:
    """Return implementation, version, cache tag, ABI flags, magic number, and `sys.version`."""
    # importlib.util has it too, for many times the start-up.
    from _frozen_importlib_external import MAGIC_NUMBER

    version = ".".join(map(str, sys.version_info[:3]))
    flags: str = getattr(sys, "abiflags", "")
    own = sys.implementation
    return own.name, version, own.cache_tag, flags, MAGIC_NUMBER, sys.version


def _silence() -> None:
    """Let go of the pipe that takes messages about a failed start: nobody empties it any more."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.close(null)


def _answers(
    levels: tuple[int, ...], batch: list[tuple[str, bytes]]
) -> str | list[tuple[tuple[bytes, ...], str | None]]:
    path = ""
    try:
        answers = []
        for path, source in batch:
            answers.append(compiled(path, source, levels))
    except Exception as error:  # noqa: BLE001 - told to the builder, which fails
        return f"{path}: {type(error).__name__}: {error}"
    return answers


def compiled(
    path: str, source: bytes, levels: tuple[int, ...]
) -> tuple[tuple[bytes, ...], str | None]:
    """Return the code of one file at every level, or why there is none."""
    try:
        dumped = [_dumped(path, source, level) for level in levels]
    except SyntaxError as error:
        where = f" (line {error.lineno})" if error.lineno else ""
        return (), f"{type(error).__name__}: {error.msg}{where}"
    except Exception as error:  # noqa: BLE001 - ValueError, RecursionError, MemoryError, ...
        return (), f"{type(error).__name__}: {error}".removesuffix(": ")
    # Outside: a fault of ours is no reason to take the file for one that does not compile.
    return tuple(map(canonical, dumped)), None


def _dumped(path: str, source: bytes, level: int) -> bytes:
    """Compile as importlib's source_to_code does, naming the file by its path in the bundle."""
    return marshal.dumps(compile(source, path, "exec", dont_inherit=True, optimize=level))


if __name__ == "__main__":
    main()
