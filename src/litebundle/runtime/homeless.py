"""Units whose files no directory can take."""

from ..errors import BundleIOError


class HomelessUnit:
    """A unit whose files no directory can take: its modules are served in the bundle.

    That is enough for extension modules, which are loaded from memory; nobody knows whether for
    their data. A package that is placed for its data alone is refused, rather than fail later.
    """

    __slots__ = ("_native", "_refused", "name", "root", "sources")

    def __init__(self, name: str, root: str, refused: list[BundleIOError], *, native: bool) -> None:
        from .cache import is_chosen

        self.sources = False
        self.name = name
        self.root = root
        self._refused = refused
        # A directory that was chosen and is not safe is an attack or a mistake, and not passed over
        self._native = native and not (is_chosen() and refused[0].errno == 1)

    def place(self) -> None:
        """Raise BundleIOError unless the unit can do without files."""
        if not self._native:
            raise nowhere(self.name, self._refused)


def nowhere(name: str, refused: list[BundleIOError]) -> BundleIOError:
    """Return the error for a unit that has to be placed and cannot."""
    from .cache import HINT

    reasons = "; ".join(f"{error.file}: {error.message}" for error in refused)
    return BundleIOError(
        f"the files of {name} can be placed nowhere: {reasons or 'no such directory is known'}",
        errno=refused[0].errno if refused else 2,
        hint=refused[0].hint if len(refused) == 1 else HINT,
    )
