"""What stands for the package `litebundle` inside a bundle, where zipimport finds it.

It reads the whole runtime at once, in one member of the zip, and serves it from memory: so that the
zip is not read a second time, whatever stands at its path by then, and a start costs one read.
Behind it stands a call (write/launcher.py).
"""

import marshal
import sys
from _frozen_importlib import ModuleSpec, module_from_spec
from _frozen_importlib_external import MAGIC_NUMBER, path_sep
from _imp import _fix_co_filename, source_hash  # type: ignore[attr-defined]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, ModuleType

_KEY = 0x6C697465_62756E64  # format.CHECKSUM_KEY, from which nothing can be imported yet


class TailFinder:
    """Find and load the runtime's modules: `contents` are code or sources by their paths.

    `home` is the directory in the zip that they would stand in.
    """

    def __init__(self, home: str, contents: "dict[str, bytes]", *, compiled: bool) -> None:
        self._home = home
        self._contents = contents
        self._compiled = compiled

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._home!r})"

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> ModuleSpec | None:
        """Return the spec of a module of the runtime, None for all others."""
        stem = fullname.replace(".", "/")
        for end in ("/__init__.py", ".py"):
            if stem + end in self._contents:
                package = end != ".py"
                location = self._home + path_sep + stem.replace("/", path_sep)
                origin = location + end.replace("/", path_sep)
                spec = ModuleSpec(fullname, self, origin=origin, is_package=package)  # type: ignore[arg-type]
                spec.has_location = True
                if package:
                    spec.submodule_search_locations = [location]
                return spec
        return None

    def create_module(self, spec: ModuleSpec) -> None:
        """Have the import system create the module."""

    def exec_module(self, module: "ModuleType") -> None:
        """Execute the module's code."""
        exec(self.get_code(module.__name__), module.__dict__)

    def get_code(self, fullname: str) -> "CodeType":
        """Return the code of a module of the runtime; raises ImportError for another one."""
        spec = self.find_spec(fullname)
        if spec is None or spec.origin is None:
            raise ImportError(f"no module {fullname!r} of litebundle", name=fullname)
        inside = spec.origin[len(self._home) + 1 :].replace(path_sep, "/")
        data = self._contents[inside]
        if not self._compiled:
            return compile(data, spec.origin, "exec", dont_inherit=True)
        code: CodeType = marshal.loads(data)
        _fix_co_filename(code, spec.origin)
        return code


def boot(name: str) -> None:
    """Put the runtime in the place of the module that zipimport is making of this text.

    Raises SystemExit if the runtime is damaged.
    """
    spec = sys.modules[name].__spec__
    assert spec is not None  # noqa: S101  # zipimport's
    home = spec.origin.rsplit(path_sep, 2)[0]  # type: ignore[union-attr]
    member = f"{home}{path_sep}runtime{path_sep}"
    get_data = spec.loader.get_data  # type: ignore[union-attr]
    try:
        data, compiled = get_data(member + MAGIC_NUMBER.hex()), True
    except OSError:  # built for other Pythons
        data, compiled = get_data(member + "source"), False
    content = memoryview(data)[8:]
    if source_hash(_KEY, content) != data[:8]:
        sys.stderr.write(f"error: {home}: the launcher is damaged\nhint: copy the file again\n")
        sys.exit(1)
    finder = TailFinder(home, marshal.loads(content), compiled=compiled)
    sys.meta_path.insert(0, finder)
    sys.path_importer_cache.pop(home, None)
    found = finder.find_spec(name)
    assert found is not None  # noqa: S101  # it is what was built
    sys.modules[name] = module = module_from_spec(found)
    finder.exec_module(module)
