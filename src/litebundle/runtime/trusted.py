"""Starting a verified bundle, as `python FILE`, where the hook is there before it is.

Its own launcher is code of the file too, and was signed with the rest; but Python would read it by
zipimport, which checks nothing. The runtime at hand does what it does.
"""

from _frozen_importlib import ModuleSpec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

    from .archive import Archive

_START = """\
from {package}.launch import launch
launch({path!r}, inherit={inherit!r})
"""


def launcher_spec(archive: "Archive") -> ModuleSpec:
    """Return the spec of the `__main__` that starts a bundle."""
    return ModuleSpec("__main__", _Launcher(archive), origin=archive.path)  # type: ignore[arg-type]


class _Launcher:
    """What runpy asks for the code of `__main__`."""

    def __init__(self, archive: "Archive") -> None:
        self._archive = archive

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._archive.path!r})"

    def create_module(self, spec: ModuleSpec) -> None:
        """Have the import system create the module."""

    def get_code(self, fullname: str) -> "CodeType":
        """Return code that runs the bundle's program."""
        text = _START.format(
            package=__package__,
            path=self._archive.path,
            inherit="inherit" in self._archive.manifest,
        )
        return compile(text, self._archive.path, "exec", dont_inherit=True)

    def exec_module(self, module: object) -> None:
        """Run the bundle's program in the process of whoever has imported its `__main__`."""
        exec(self.get_code("__main__"), vars(module))
