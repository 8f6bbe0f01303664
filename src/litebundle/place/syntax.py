"""One source as a syntax tree that can be asked: what encloses a node, what a name stands for."""

import ast
import operator
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

from litebundle.place.relevant import HOLDING, children, nodes, relevant, statements

Function = ast.FunctionDef | ast.AsyncFunctionDef
_HELD = (ast.stmt, ast.ExceptHandler)
FINDERS = ("importlib.resources", "importlib_resources", "pkg_resources", "pkgutil", "inspect.get")
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


class Syntax:
    """The source at `path` in the bundle, as far as it may have to do with where it lies.

    `version` is that of the Python it is for: branches for others are left out. `offers` returns
    the names of paths that something imported brings,  for its own. Raises what `ast.parse` raises.
    """

    def __init__(
        self,
        path: str,
        source: bytes,
        version: tuple[int, ...],
        offers: Callable[[str], Iterable[str]] = lambda name: (),  # noqa: ARG005  # nothing at all
    ) -> None:
        self.path = path
        self.nodes: list[ast.AST] = []
        self.parents: dict[ast.AST, ast.AST] = {}
        self.imports: dict[str, str] = {}
        self.defined: set[str] = set()
        self.functions: dict[str, list[Function]] = defaultdict(list)
        self._results: dict[Function, list[ast.expr]] = {}
        self._version = version
        self._bound: dict[tuple[ast.AST | None, str], list[ast.expr | None]] = defaultdict(list)
        self._attributes: dict[str, list[ast.expr]] = defaultdict(list)
        tree = ast.parse(source)
        chunks = list(statements(tree, self._live))
        for statement, _ in chunks:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                self._import(statement)
            elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self.defined.add(statement.name)
        for statement, above in relevant(chunks, source, self._words(offers)):
            self.parents[statement] = above
            self._walk(statement)
        for node in self.nodes:
            self._bind(node)
        for node in self.nodes:
            if isinstance(node, ast.Call):
                self._bind_arguments(node)

    @property
    def package(self) -> str:
        """The directory that relative imports start from."""
        return self.path.rpartition("/")[0]

    def qualified(self, node: ast.AST) -> str | None:
        """Return the dotted name that an expression spells, imports followed."""
        if isinstance(node, ast.Name):
            if node.id in self.imports:
                return self.imports[node.id]
            return None if self._scope_of(node, node.id) is not _NOWHERE else node.id
        if isinstance(node, ast.Attribute):
            base = self.qualified(node.value)
            return f"{base}.{node.attr}" if base else None
        return None

    def values(self, name: ast.Name) -> list[ast.expr | None]:
        """Return everything that is bound to a name where it is used; None is something unknown."""
        scope = self._scope_of(name, name.id)
        return [] if scope is _NOWHERE else self._bound[scope, name.id]

    def globals(self, name: str) -> list[ast.expr | None]:
        """Return everything that is bound to a name of the module."""
        return self._bound.get((None, name), [])

    def global_names(self) -> list[str]:
        """Return the names that the module binds."""
        return [name for scope, name in self._bound if scope is None]

    def attribute_values(self, node: ast.Attribute) -> list[ast.expr]:
        """Return what is assigned to an attribute of `self`, or to a name in a class."""
        if isinstance(node.value, ast.Name) and (
            node.value.id in ("self", "cls") or self._is_class(node.value)
        ):
            return self._attributes.get(node.attr, [])
        return []

    def returned(self, call: ast.Call) -> list[ast.expr]:
        """Return what a function of this module may return to the call."""
        return [value for function in self.called(call) for value in self.results(function)]

    def results(self, function: Function) -> list[ast.expr]:
        """Return what a function may return."""
        if function not in self._results:
            returns = (node for node in nodes(function) if isinstance(node, ast.Return))
            self._results[function] = [node.value for node in returns if node.value is not None]
        return self._results[function]

    def called(self, call: ast.Call) -> list[Function]:
        """Return the functions of this module that the call may be one of."""
        target = call.func
        if isinstance(target, ast.Name) and target.id not in self.imports:
            return self.functions.get(target.id, [])
        if (
            isinstance(target, ast.Attribute)
            and isinstance(target.value, ast.Name)
            and target.value.id in ("self", "cls")
        ):
            return self.functions.get(target.attr, [])
        return []

    def text(self, node: ast.AST | None) -> str | None:
        """Return the string that an expression is known to be."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.Name):
            values = self.values(node)
            if len(values) == 1 and isinstance(values[0], ast.Constant):
                return self.text(values[0])
        if isinstance(node, ast.Attribute) and self.qualified(node) in ("os.sep", "os.path.sep"):
            return "/"
        if isinstance(node, ast.Attribute) and self.qualified(node) in ("os.pardir", "os.curdir"):
            return ".." if node.attr == "pardir" else "."
        return None

    def _is_class(self, name: ast.Name) -> bool:
        return any(isinstance(value, _Class) for value in self.values(name))

    def _scope_of(self, node: ast.AST, name: str) -> ast.AST | None:
        above: ast.AST | None = self.parents.get(node)
        while above is not None:
            if isinstance(above, _SCOPES) and (above, name) in self._bound:
                return above
            above = self.parents.get(above)
        return None if (None, name) in self._bound else _NOWHERE

    def _scope(self, node: ast.AST) -> ast.AST | None:
        above = self.parents.get(node)
        while above is not None and not isinstance(above, _SCOPES):
            above = self.parents.get(above)
        return above

    def _words(self, offers: Callable[[str], Iterable[str]]) -> Iterator[bytes]:
        """Yield what the source calls paths of others, and functions that find files."""
        for name, target in self.imports.items():
            if target.startswith(FINDERS):
                yield name.encode()
            for offered in offers(target):
                yield (offered or name).encode()

    def _walk(self, top: ast.AST) -> None:
        pending = [top]
        while pending:
            node = pending.pop()
            self.nodes.append(node)
            # What the topmost holds comes by itself
            held = _HELD if node is top and isinstance(node, HOLDING) else ()
            for child in self._live(node):
                if not isinstance(child, held):
                    self.parents[child] = node
                    pending.append(child)

    def _live(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the children of a node, but not of branches that are for other Pythons."""
        if isinstance(node, ast.If) and (holds := self._holds(node.test)) is not None:
            yield from node.body if holds else node.orelse
        elif isinstance(node, ast.Try) and _never_fails(node):
            yield from (*node.body, *node.orelse, *node.finalbody)
        else:
            yield from children(node)

    def _holds(self, test: ast.expr) -> bool | None:
        name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", None)
        if name == "TYPE_CHECKING":
            return False
        match test:
            case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()]):
                # What a module does as a script it seldom does for a program.
                return None if self.path.endswith("__main__.py") else False
            case ast.Compare(
                left=ast.Attribute(value=ast.Name(id="sys"), attr="version_info"),
                ops=[comparison],
                comparators=[ast.Tuple() as other],
            ):
                numbers = [getattr(n, "value", None) for n in other.elts]
                bound = tuple(n for n in numbers if isinstance(n, int))
                compared = _COMPARED.get(type(comparison))
                return None if compared is None else compared(self._version, bound)
        return None

    def _bind(self, node: ast.AST) -> None:  # noqa: C901  # a case for each way to bind
        match node:
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    self._assign(target, value)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._assign(target, value)
            case ast.NamedExpr(target=target, value=value):
                self._assign(target, value)
            case ast.AugAssign(target=target, value=value, op=added):
                if isinstance(target, ast.Name):  # over what the name was before, see `values`
                    self._assign(target, ast.BinOp(left=target, op=added, right=value))
            case (
                ast.For(target=target, iter=values) | ast.comprehension(target=target, iter=values)
            ):
                self._assign(target, values)
            case ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
                self._assign(target, value)
            case ast.Import() | ast.ImportFrom():
                self._import(node)  # those inside of functions
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                self._define(node)
            case ast.ClassDef():
                self._bound[self._scope(node), node.name].append(_Class())

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            scope = self._scope(target)
            self._bound[scope, target.id].append(value)
            if isinstance(scope, ast.ClassDef):
                self._attributes[target.id].append(value)
        elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            self._attributes[target.attr].append(value)
        elif isinstance(target, ast.Tuple | ast.List):
            for number, item in enumerate(target.elts):
                if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts):
                    self._assign(item, value.elts[number])
                else:
                    part = ast.Subscript(value=value, slice=ast.Constant(number), ctx=ast.Load())
                    self._assign(item, part)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                name = alias.asname or alias.name.partition(".")[0]
                self.imports[name] = alias.name if alias.asname else name
                continue
            above = self.package.split("/") if self.package else []
            base = above[: len(above) + 1 - node.level] if node.level else []
            parts = [*base, node.module] if node.module else base
            self.imports[alias.asname or alias.name] = ".".join([*parts, alias.name])

    def _define(self, node: Function | ast.Lambda) -> None:
        arguments = node.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += [extra for extra in (arguments.vararg, arguments.kwarg) if extra]
        for argument in every:
            self._bound[node, argument.arg].append(None)
        if not isinstance(node, ast.Lambda):
            self._bound[self._scope(node), node.name].append(None)
            self.functions[node.name].append(node)

    def _bind_arguments(self, call: ast.Call) -> None:
        """Have the parameters of the module's own functions stand for what they are given."""
        for function in self.called(call):
            names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
            if isinstance(call.func, ast.Attribute):
                names = names[1:]
            for name, value in zip(names, call.args, strict=False):
                self._bound[function, name].append(value)
            for keyword in call.keywords:
                if keyword.arg and (function, keyword.arg) in self._bound:
                    self._bound[function, keyword.arg].append(keyword.value)


class _Class(ast.expr):
    """What a class statement binds its name to."""


_NOWHERE = ast.AST()

_COMPARED: dict[type[ast.cmpop], Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def _never_fails(node: ast.Try) -> bool:
    """Tell whether that imports what every Python has, and what follows is for those without."""
    modules = []
    for statement in node.body:
        if isinstance(statement, ast.Import):
            modules += [alias.name for alias in statement.names]
        elif isinstance(statement, ast.ImportFrom) and not statement.level:
            modules.append(statement.module or "")
        else:
            return False
    if not all(module.partition(".")[0] in sys.stdlib_module_names for module in modules):
        return False
    caught = [getattr(handler.type, "id", None) for handler in node.handlers]
    return all(name in ("ImportError", "ModuleNotFoundError") for name in caught)
