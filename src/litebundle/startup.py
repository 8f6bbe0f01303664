"""What `litebundle.pth` goes on with when it meets a bundle: executed by its path, not imported."""

import sys
from _frozen_importlib_external import PathFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

    from litebundle.runtime.finder import BundleFinder


def serve(path: str, home: str) -> "BundleFinder":
    """Install the hook of the litebundle in directory `home`; return the finder of a path entry.

    Raises what `litebundle.path_hook` raises.
    """

    class Home:
        """Find litebundle there alone.

        The ordinary way is along `sys.path`, where the very entry that is asked about comes first:
        this would begin again, or, refusing it, would have the import system remember that entry as
        nobody's, for other threads to see.
        """

        @staticmethod
        def find_spec(name: str, *_: object) -> "ModuleSpec | None":
            return PathFinder.find_spec(name, [home]) if name == "litebundle" else None

    sys.meta_path.insert(0, Home)
    try:
        import litebundle
    finally:
        sys.meta_path.remove(Home)
    litebundle.install()
    return litebundle.path_hook(path)
