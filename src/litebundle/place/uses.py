"""What a source does with paths made from its own location, and with its resources."""

import ast
import enum
from collections.abc import Iterator
from dataclasses import dataclass

from litebundle.place import functions
from litebundle.place.location import Location
from litebundle.place.syntax import Syntax
from litebundle.place.trace import Trace


class Act(enum.Enum):
    """What happens to a path."""

    LIST = "lists"
    READ = "opens"
    RUN = "runs"
    NAME = "names"
    """It is kept in a variable; what is done with that is a use of its own."""
    PASS = "passes on"  # noqa: S105  # no password
    """It goes where it cannot be followed."""
    SERVE = "reads"
    """As a resource, which is found in the bundle: no file is needed."""


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a location: in which source and line, and the name of who gets it ("open")."""

    act: Act
    location: Location
    path: str
    line: int
    by: str


_ACTS = (
    (Act.LIST, functions.LISTING),
    (Act.READ, functions.READING),
    (Act.RUN, functions.RUNNING),
    (None, functions.IDLE),
)
_NAMES_OF_SELF = ("__package__", "__name__", "__spec__")


class Uses:
    """The uses in one source."""

    def __init__(self, syntax: Syntax, trace: Trace) -> None:
        self._syntax = syntax
        self._trace = trace

    def __iter__(self) -> Iterator[Use]:
        seen: set[ast.AST] = set()
        for node in self._syntax.nodes:
            if isinstance(node, ast.Call):
                yield from self._resource(node)
            if not isinstance(node, ast.Name | ast.Attribute | ast.Call):
                continue
            if isinstance(getattr(node, "ctx", None), ast.Store) or not self._trace.locations(node):
                continue
            whole = self._whole(node)
            if whole not in seen:
                seen.add(whole)
                yield from self._consumed(whole)

    def _whole(self, node: ast.AST) -> ast.AST:
        """Return the largest expression around it that still is a path."""
        while (above := self._above(node)) is not None:
            node = above
        return node

    def _above(self, node: ast.AST) -> ast.AST | None:
        """Return the next larger expression that is a path made of this one."""
        around = [self._syntax.parents.get(node)]
        for _ in range(2):
            around.append(self._syntax.parents.get(around[-1]) if around[-1] else None)
        first, second, third = around
        found: ast.AST | None = None
        if self._trace.locations(first):
            found = first
        elif isinstance(first, ast.FormattedValue):
            found = second
        elif isinstance(first, ast.Attribute) and first.value is node:  # .resolve(), .parents[0]
            method = isinstance(second, ast.Call) and second.func is first
            if isinstance(second, ast.Subscript) or (method and self._trace.locations(second)):
                found = second
            elif method and isinstance(third, ast.Subscript):  # .rpartition("/")[0]
                found = third
        elif isinstance(first, ast.Call) and isinstance(second, ast.Subscript):
            found = second if node in first.args else None  # os.path.split(...)[0]
        return found if self._trace.locations(found) else None

    def _consumed(self, node: ast.AST) -> Iterator[Use]:
        act, by, pattern = self._context(node)
        if act is None:
            return
        for location in self._trace.locations(node):
            found: Location | None = location
            if pattern is not None:
                found = Location(
                    location.path, location.origin, exact=False, made=location.made, tail=pattern
                )
            if found:
                yield Use(act, found, self._syntax.path, getattr(node, "lineno", 0), by)

    def _context(  # noqa: PLR0911  # a case each
        self, node: ast.AST
    ) -> tuple[Act | None, str, str | None]:
        """Return what the expression around a path does: act, name, and pattern of names."""
        above = self._syntax.parents.get(node)
        if isinstance(above, ast.keyword) and above.arg == "cwd":
            return Act.PASS, "a process as its directory", None
        if isinstance(above, ast.keyword | ast.Starred):
            above = self._syntax.parents.get(above)
        match above:
            case ast.Call(func=func) if func is not node:
                return self._call(above)
            case ast.Attribute(attr=attr):
                call = self._syntax.parents.get(above)
                if isinstance(call, ast.Call) and call.func is above:
                    return self._method(call, attr)
                return None, attr, None
            case ast.Assign(targets=targets) | ast.AugAssign(target=targets):
                kept = all(
                    isinstance(t, ast.Name | ast.Attribute | ast.Tuple | ast.List)
                    for t in (targets if isinstance(targets, list) else [targets])
                )
                return (Act.NAME, "", None) if kept else (Act.PASS, "a container", None)
            case ast.AnnAssign():
                return Act.NAME, "", None
            case ast.Return() | ast.Yield() | ast.YieldFrom():
                return Act.PASS, "the caller", None
            case ast.Dict() | ast.DictComp() | ast.Lambda() | ast.arguments():
                return Act.PASS, "a container", None
        # Compared, formatted into a message, assigned to a name, iterated over, ...
        return None, "", None

    def _call(self, call: ast.Call) -> tuple[Act | None, str, str | None]:
        name = self._syntax.qualified(call.func) or ""
        for act, names in _ACTS:
            if name in names:
                return act, name, None
        method = getattr(call.func, "attr", "")
        if method == "get_data":  # a loader's
            return Act.SERVE, method, None
        if method in functions.IDLE_METHODS:
            return None, method, None
        if self._syntax.called(call):
            return None, name, None  # followed into it
        return Act.PASS, name or method or "another function", None

    def _method(self, call: ast.Call, name: str) -> tuple[Act | None, str, str | None]:
        pattern = self._syntax.text(call.args[0]) if call.args else None
        if name in functions.LISTING_METHODS:
            return Act.LIST, name, (pattern and pattern.rpartition("*")[2]) or None
        if name in functions.READING_METHODS:
            return Act.READ, name, None
        if name in functions.IDLE_METHODS:
            return None, name, None
        return Act.PASS, name, None

    def _resource(self, call: ast.Call) -> Iterator[Use]:
        """Yield what a call reads through importlib.resources, pkgutil or pkg_resources."""
        name = self._syntax.qualified(call.func) or ""
        function = name.rpartition(".")[2]
        node = call.args[0] if call.args else None
        if name.startswith(functions.RESOURCES) and function in functions.AS_FILES:
            act = Act.READ
            if function == "as_file":
                node = self._anchored(node)
        elif name == "pkgutil.get_data" or (
            name.startswith(functions.RESOURCES) and function in functions.ANCHORED
        ):
            act = Act.SERVE
        else:
            return
        for location in self._anchor(node):
            yield Use(act, location, self._syntax.path, call.lineno, name)

    def _anchored(self, node: ast.expr | None) -> ast.expr | None:
        """Return whose `files` a resource is one of, None if that cannot be told."""
        values = self._syntax.values(node) if isinstance(node, ast.Name) else [node]
        for value in values:
            for inner in ast.walk(value) if value else ():
                if isinstance(inner, ast.Call) and inner.args:
                    name = self._syntax.qualified(inner.func) or ""
                    if name.startswith(functions.RESOURCES) and name.endswith(".files"):
                        return inner.args[0]
        return None

    def _anchor(self, node: ast.expr | None) -> Iterator[Location]:
        base: ast.expr | None = node
        while isinstance(base, ast.Attribute | ast.Call | ast.Subscript):
            base = base.func if isinstance(base, ast.Call) else base.value
        own = isinstance(base, ast.Name) and base.id in _NAMES_OF_SELF
        text = self._syntax.text(node) if node else None
        if node is None or own:
            found = self._trace.locations(ast.Name("__path__", ast.Load()))
        else:
            name = text or self._syntax.qualified(node)
            found = self._trace.directory(name) if name else frozenset()
        yield from found
