"""Which expressions of a source are paths made from a module's own location."""

import ast
from collections.abc import Callable, Iterable

from litebundle.place import functions
from litebundle.place.location import Location
from litebundle.place.syntax import Syntax

Locations = frozenset[Location]
_NONE: Locations = frozenset()
_MOST = 16
"""Locations that are kept of one expression: a bound on the work, not met in practice."""


class Trace:
    """Evaluate expressions of one source to locations.

    `module_file` returns the path of a module's source in the bundle by its dotted name, None if
    there is none; `exported` the locations that a dotted name of another module stands for.
    """

    def __init__(
        self,
        syntax: Syntax,
        module_file: Callable[[str], str | None],
        exported: Callable[[str], Locations],
    ) -> None:
        self._syntax = syntax
        self._module_file = module_file
        self._exported = exported
        self._own = frozenset((Location(syntax.path, syntax.path),))
        self._known: dict[ast.AST, Locations] = {}

    def locations(self, node: ast.AST | None) -> Locations:
        """Return where an expression may point, nothing if it is no such path."""
        if not isinstance(node, ast.expr):
            return _NONE
        if node not in self._known:
            self._known[node] = _NONE  # of a loop: what is added by the others
            found = self._evaluate(node)
            self._known[node] = found if len(found) <= _MOST else _NONE
        return self._known[node]

    def module(self, name: str) -> Locations:
        """Return what a name of the module stands for, to those who import it."""
        values = self._syntax.globals(name)
        functions = self._syntax.functions.get(name, ()) if None in values else ()
        returned = (value for function in functions for value in self._syntax.results(function))
        try:
            return self._each(values) | self._each(returned)
        except RecursionError:  # a table of thousands of terms
            return _NONE

    def exports(self) -> list[str]:
        """Return the names of the module that stand for locations."""
        own = [name for name in self._syntax.global_names() if self.module(name)]
        return own + [name for name, of in self._syntax.imports.items() if self._exported(of)]

    def directory(self, name: str) -> Locations:
        """Return the directory of the resources of a module, by its dotted name."""
        return self._dotted(f"{name}.__path__")

    def _evaluate(self, node: ast.expr) -> Locations:  # noqa: PLR0911, C901  # one for each kind
        match node:
            case ast.Name():
                return self._name(node)
            case ast.Attribute():
                return self._attribute(node)
            case ast.Call():
                return self._call(node)
            case ast.Subscript():
                return self._item(node)
            case ast.BinOp() | ast.JoinedStr():
                return self._text(node)
            case ast.IfExp(body=body, orelse=orelse):
                return self.locations(body) | self.locations(orelse)
            case ast.BoolOp(values=values):
                return self._each(values)
            case ast.List(elts=values) | ast.Tuple(elts=values) | ast.Set(elts=values):
                return self._each(values)
            case ast.NamedExpr(value=value) | ast.Starred(value=value) | ast.Await(value=value):
                return self.locations(value)
            case ast.ListComp(elt=value) | ast.GeneratorExp(elt=value) | ast.SetComp(elt=value):
                return self.locations(value)
        return _NONE

    def _each(self, nodes: Iterable[ast.expr | None]) -> Locations:
        return frozenset(found for node in nodes for found in self.locations(node))

    def _name(self, node: ast.Name) -> Locations:
        if node.id == "__file__":
            return self._own
        if node.id == "__path__":
            return _made(location.parent() for location in self._own)
        if node.id in self._syntax.imports:
            return self._dotted(self._syntax.imports[node.id])
        return self._each(self._syntax.values(node))

    def _dotted(self, name: str) -> Locations:
        module, _, attribute = name.rpartition(".")
        if attribute not in ("__file__", "__path__"):
            return self._exported(name) if module else _NONE
        path = self._module_file(module)
        if path is None:
            return _NONE
        file = Location(path, path)
        return _made([file if attribute == "__file__" else file.parent()])

    def _attribute(self, node: ast.Attribute) -> Locations:
        if node.attr == "parent":
            return _made(location.parent() for location in self.locations(node.value))
        if node.attr in ("__file__", "__path__") and self._is_own(node.value):
            return self._name(ast.Name(node.attr, ast.Load()))
        if node.attr in ("origin", "submodule_search_locations"):
            found = self._spec(node.value)
            if node.attr == "origin":
                return found
            return _made(location.parent() for location in found)
        name = self._syntax.qualified(node)
        if name is not None and (found := self._dotted(name)):
            return found
        return self._each(self._syntax.attribute_values(node))

    def _is_own(self, node: ast.expr) -> bool:
        """Tell whether that is `sys.modules[__name__]`."""
        return (
            isinstance(node, ast.Subscript)
            and self._syntax.qualified(node.value) == "sys.modules"
            and getattr(node.slice, "id", None) == "__name__"
        )

    def _spec(self, node: ast.expr) -> Locations:
        """Return the file of the module whose spec that is."""
        if isinstance(node, ast.Name) and node.id == "__spec__":
            return self._own
        if isinstance(node, ast.Call) and node.args:
            if self._syntax.qualified(node.func) != "importlib.util.find_spec":
                return _NONE
            name = self._syntax.text(node.args[0])
            return self._dotted(f"{name}.__file__") if name else _NONE
        if isinstance(node, ast.Name):
            values = self._syntax.values(node)
            return frozenset(found for value in values if value for found in self._spec(value))
        return _NONE

    def _call(self, node: ast.Call) -> Locations:  # noqa: PLR0911  # one for each function
        name = self._syntax.qualified(node.func)
        if name in functions.JOINING and node.args:
            return self._joined(self.locations(node.args[0]), node.args[1:])
        if name == "os.path.dirname" and node.args:
            return _made(location.parent() for location in self.locations(node.args[0]))
        if name in functions.SAME and node.args:
            return self.locations(node.args[0])
        if name in functions.FILES_OF and node.args:
            return self._file_of(node.args[0])
        if name == "getattr" and len(node.args) > 1:
            attribute = self._syntax.text(node.args[1]) or ""
            if attribute.isidentifier():
                return self.locations(ast.Attribute(node.args[0], attribute, ast.Load()))
        if self._syntax.called(node):
            return self._each(self._syntax.returned(node))
        if name is not None and (found := self._dotted(name)):
            return found
        return self._method(node)

    def _method(self, node: ast.Call) -> Locations:  # noqa: PLR0911  # one for each method
        if not isinstance(node.func, ast.Attribute):
            return _NONE
        method, base = node.func.attr, self.locations(node.func.value)
        if method == "format":
            return self._text(node)
        if not base or method in functions.SAME_METHODS:
            return base
        text = self._syntax.text(node.args[0]) if node.args else None
        if method == "joinpath":
            return self._joined(base, node.args)
        if method == "with_name":
            return _made(above.join(text) for one in base if (above := one.parent()))
        if method == "with_suffix":
            return _made(one.without_suffix().append(text) for one in base)
        if method in ("replace", "removesuffix", "format"):
            return _made(one.append(None) for one in base)
        return _NONE

    def _file_of(self, node: ast.expr) -> Locations:
        """Return where inspect finds the source of an object of this or another module."""
        if isinstance(node, ast.Call):
            return self._own if self._syntax.qualified(node.func) in functions.CALLER else _NONE
        if self._is_own(node) or getattr(node, "id", None) in self._syntax.defined:
            return self._own
        name = self._syntax.qualified(node)
        if name is None:
            return self._own if isinstance(node, ast.Name) and self._frame(node) else _NONE
        return self._dotted(f"{name}.__file__") or self._dotted(
            f"{name.rpartition('.')[0]}.__file__"
        )

    def _frame(self, node: ast.Name) -> bool:
        return any(
            isinstance(value, ast.Call) and self._syntax.qualified(value.func) in functions.CALLER
            for value in self._syntax.values(node)
        )

    def _joined(self, base: Locations, parts: Iterable[ast.expr]) -> Locations:
        found: list[Location | None] = list(base)
        for part in parts:
            text = None if isinstance(part, ast.Starred) else self._syntax.text(part)
            # What begins anew as one of our own paths is found as an argument itself.
            found = [one and self._added(one, part, text) for one in found]
        return _made(found)

    def _added(self, location: Location, part: ast.expr, text: str | None) -> Location | None:
        if text is not None:
            return location.join(text)
        pieces = self._pieces(part)
        if len(pieces) > 1 and isinstance(pieces[-1], str):
            return Location(location.path, location.origin, exact=False, made=True, tail=pieces[-1])
        return location.join(None)

    def _item(self, node: ast.Subscript) -> Locations:
        value, index = node.value, getattr(node.slice, "value", None)
        if isinstance(value, ast.Attribute) and value.attr == "parents" and isinstance(index, int):
            found: list[Location | None] = list(self.locations(value.value))
            for _ in range(index + 1):
                found = [one and one.parent() for one in found]
            return _made(found)
        if isinstance(value, ast.Call) and value.args:
            name = self._syntax.qualified(value.func)
            first = self.locations(value.args[0])
            if name == "os.path.split":
                return _made(one.parent() for one in first) if index == 0 else _NONE
            if name == "os.path.splitext":
                return _made(one.without_suffix() for one in first) if index == 0 else _NONE
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and index == 0:
            base = self.locations(value.func.value)
            if value.func.attr in ("rpartition", "rsplit"):
                return _made(one.parent() for one in base)
        if isinstance(node.slice, ast.Slice):
            return _made(one.append(None) for one in self.locations(value))
        return self.locations(value)

    def _text(self, node: ast.expr) -> Locations:
        """Return the locations that a text begins with, what follows it added."""
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            return self._joined(self.locations(node.left), [node.right])
        pieces = self._pieces(node)
        for number, piece in enumerate(pieces):
            if isinstance(piece, ast.expr):
                rest = [
                    p if isinstance(p, str) else self._syntax.text(p) for p in pieces[number + 1 :]
                ]
                if found := self.locations(piece):
                    return _made(one.spell(rest) for one in found)
            elif piece:
                break  # it is inside of some other text
        return _NONE

    def _pieces(self, node: ast.expr) -> list[str | ast.expr]:
        """Return what a text is put together from, in its order."""
        match node:
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return [*self._pieces(left), *self._pieces(right)]
            case ast.BinOp(left=ast.Constant(value=str(form)), op=ast.Mod(), right=right):
                return _filled(form, "%s", right.elts if isinstance(right, ast.Tuple) else [right])
            case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(form))), args=values):
                return _filled(form, "{}", values)
            case ast.JoinedStr(values=values):
                return [piece for value in values for piece in self._pieces(value)]
            case ast.FormattedValue(value=value):
                return [value]
        text = self._syntax.text(node)
        return [node] if text is None else [text]


def _filled(form: str, mark: str, values: list[ast.expr]) -> list[str | ast.expr]:
    first, *texts = form.split(mark)
    found: list[str | ast.expr] = [first]
    for value, text in zip(values, texts, strict=False):
        found += [value, text]
    return found


def _made(found: Iterable[Location | None]) -> Locations:
    return frozenset(location for location in found if location is not None)
