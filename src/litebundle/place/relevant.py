"""Which parts of a source can have to do with its own location: most of it cannot, by its words.

Parsing is cheap, looking at every node is not. Words are looked for in the text of statements; what
they are found in is then read as syntax.
"""

import ast
from collections.abc import Callable, Iterable, Iterator

Chunk = tuple[ast.AST, ast.AST]
"""A statement of a module or class, and what it stands in."""

WORDS = (
    b"__file__",
    b"__path__",
    b"__spec__",
    b"__loader__",
    b"getfile",
    b"getsourcefile",
    b"getabsfile",
    b"find_spec",
    b"get_data",
    b"resource",
)
HOLDING = (ast.ClassDef, ast.If, ast.Try, ast.With, ast.ExceptHandler, ast.For)
"""Statements whose own statements are looked at one by one."""

Functions = ast.FunctionDef | ast.AsyncFunctionDef


def nodes(top: ast.AST) -> Iterator[ast.AST]:
    """Yield what `ast.walk` does but for leaves, in another order and half the time."""
    pending = [top]
    while pending:
        node = pending.pop()
        yield node
        pending += children(node)


def children(node: ast.AST) -> list[ast.AST]:
    """Return the children of a node that may have some themselves, and names."""
    found = []
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, list):
            found += [item for item in value if isinstance(item, ast.AST) and item._fields]
        elif isinstance(value, ast.AST) and value._fields and not isinstance(value, ast.Constant):
            found.append(value)
    return found


def statements(tree: ast.AST, live: Callable[[ast.AST], Iterable[ast.AST]]) -> Iterator[Chunk]:
    """Yield the statements of a module and of its classes, from the top down.

    `live` yields the children of a node that can ever run.
    """
    for node in live(tree):
        yield node, tree
        if isinstance(node, HOLDING):
            yield from statements(node, live)


def relevant(chunks: list[Chunk], source: bytes, words: Iterable[bytes]) -> list[Chunk]:
    """Return the statements that matter, in their order: those with one of the words, and more.

    `words` are what the source calls what it imports of such things.
    """
    lines = source.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    texts = [_text(lines, node) for node, _ in chunks]
    taken = [_is_context(node) for node, _ in chunks]
    hit = [False] * len(chunks)
    words = {*WORDS, *words}
    fresh = words
    while fresh:
        added: set[bytes] = set()
        for number, (node, _) in enumerate(chunks):
            if not hit[number] and any(word in texts[number] for word in fresh):
                hit[number] = taken[number] = True
                added |= set(_offered(node, texts[number]))
        fresh = added - words
        words |= fresh
    _take_called(chunks, taken)
    return [chunk for chunk, take in zip(chunks, taken, strict=True) if take]


def _text(lines: list[bytes], node: ast.AST) -> bytes:
    """Return the lines of a statement; of one that holds others, those of what it loops over."""
    if isinstance(node, ast.For):
        node = node.iter
    elif isinstance(node, ast.With):
        node = node.items[0].context_expr
    if isinstance(node, HOLDING) or not isinstance(node, ast.stmt | ast.expr):
        return b""
    return b"\n".join(lines[node.lineno - 1 : node.end_lineno])


def _is_context(node: ast.AST) -> bool:
    """Tell whether it gives others their meaning: an import, a constant, what holds them."""
    constant = isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    holding = isinstance(node, HOLDING)
    return constant or holding or isinstance(node, ast.Import | ast.ImportFrom)


def _offered(node: ast.AST, text: bytes) -> Iterator[bytes]:
    """Yield what other statements call the things that this one makes."""
    targets: list[ast.AST] = []
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield node.name.encode()
        case ast.Assign():
            targets += node.targets
        case ast.AnnAssign() | ast.For():
            targets.append(node.target)
        case ast.With():
            targets += [item.optional_vars for item in node.items if item.optional_vars]
    for target in targets:
        yield from (n.id.encode() for n in ast.walk(target) if isinstance(n, ast.Name))
    if b"self." in text or b"cls." in text:
        for inner in nodes(node):
            if isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store):
                yield b"." + inner.attr.encode()


def _take_called(chunks: list[Chunk], taken: list[bool]) -> None:
    """Take the functions too that are given something by what is taken."""
    functions = {
        node.name: number for number, (node, _) in enumerate(chunks) if isinstance(node, Functions)
    }
    pending = [number for number, take in enumerate(taken) if take]
    while pending:
        node = chunks[pending.pop()][0]
        if not isinstance(node, Functions | ast.Assign | ast.Expr | ast.Return):
            continue
        for inner in nodes(node):
            if isinstance(inner, ast.Call) and (inner.args or inner.keywords):
                name = getattr(inner.func, "id", None) or getattr(inner.func, "attr", None)
                number = functions.get(str(name))
                if number is not None and not taken[number]:
                    taken[number] = True
                    pending.append(number)
