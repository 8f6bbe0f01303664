"""Disassemble one code object: run as a script by the Python that the code is for.

Unmarshalling bytes made for it can crash an interpreter, so this is a process of its own, with
nothing to lose. Standard input is the code, standard output one line an instruction, without what
a change somewhere else would change: no offsets, lines or addresses, and jumps by their distance.
"""

import dis
import marshal
import sys
from types import CodeType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def disassembled(code: CodeType, indent: str = "") -> "Iterator[str]":
    """Yield the lines of a code object and of those inside it."""
    arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    yield f"{indent}{code.co_qualname}({', '.join(arguments)})"
    indent += "  "
    instructions = list(dis.get_instructions(code))
    numbers = {each.offset: number for number, each in enumerate(instructions)}
    for number, each in enumerate(instructions):
        argument = each.argrepr
        if isinstance(each.argval, (CodeType, frozenset)):
            argument = _shown(each.argval)
        elif each.opcode in dis.hasjrel or each.opcode in dis.hasjabs:
            argument = f"{numbers.get(each.argval, 0) - number:+}"
        yield f"{indent}{each.opname} {argument}".rstrip()
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from disassembled(constant, indent)


def _shown(value: object) -> str:
    """Return a constant as text that is the same in every process."""
    if isinstance(value, frozenset):
        return f"frozenset({sorted(map(_shown, value))})"
    return f"code {value.co_qualname}" if isinstance(value, CodeType) else repr(value)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    for line in disassembled(marshal.loads(sys.stdin.buffer.read())):
        sys.stdout.write(line + "\n")
