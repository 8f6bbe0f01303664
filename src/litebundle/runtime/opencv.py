"""OpenCV's package `cv2`, which imports an extension module of its own name.

It puts its directory on `sys.path` for that: behind the first entry, unless that is where the
package itself is, which would be found again instead. Of a bundle it cannot see that.
"""

import sys

from .finder import BundleFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType


def prepare(cv2: "ModuleType") -> None:
    """Say so by the attribute that OpenCV has for it, if a bundle is first on the path."""
    del cv2
    first = sys.path_importer_cache.get(sys.path[0]) if sys.path else None
    if isinstance(first, BundleFinder):
        sys.OpenCV_REPLACE_SYS_PATH_0 = True  # type: ignore[attr-defined]


def extend(cv2: "ModuleType") -> None:
    """Leave nothing behind."""
    del cv2
    sys.__dict__.pop("OpenCV_REPLACE_SYS_PATH_0", None)
