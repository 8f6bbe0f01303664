"""The resource reader of a package in a bundle (A3)."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.resources.abc import Traversable, TraversableResources


def reader_at(path: "Traversable") -> "TraversableResources":
    """Return a reader whose `files()` is the path.

    Only importlib.resources asks for one, so that its abstract classes cost nothing here.
    """
    from importlib.resources.abc import TraversableResources

    class BundleReader(TraversableResources):
        """Resources of one package."""

        def files(self) -> "Traversable":
            """Return the package's directory."""
            return path

    return BundleReader()
