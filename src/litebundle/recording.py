"""What `bundle build --trace` starts: a program of a bundle, noting what it reads.

    python recording.py RECORD FILE -m MODULE ARGS    and so on, as runtime/main.py

Each path is appended to RECORD as it is first read: so that nothing is lost however the program
ends, and no descriptor is open that it could close. Only here is the loader changed; one that runs
an application has nothing in it that could note anything.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

    from litebundle.runtime.archive import Archive
    from litebundle.runtime.loader import BundleLoader


class Recorder:
    """Append paths in the bundle to a file, each once."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._known: set[str] = set()

    def note(self, path: str) -> None:
        """Note that what stands at a path was read."""
        if path not in self._known and "\n" not in path:
            self._known.add(path)
            try:
                with open(self._file, "ab", buffering=0) as file:  # noqa: PTH123 - pathlib is the program's to import
                    file.write(path.encode("utf-8", "surrogateescape") + b"\n")
            except OSError:
                pass  # the program has taken its rights away, or all descriptors


def record(recorder: Recorder) -> None:
    """Have all that is read of bundles noted from now on."""
    from litebundle.runtime.archive import Archive
    from litebundle.runtime.loader import BundleLoader

    get_code, read = BundleLoader.get_code, Archive.read

    def noted_code(self: "BundleLoader", fullname: str | None = None) -> "CodeType":
        recorder.note(self._inside(self.path) or "")
        return get_code(self, fullname)

    def noted_read(self: "Archive", path: str) -> bytes | None:
        data = read(self, path)
        if data is not None and not path.endswith(".py"):  # whose path stands for the code
            recorder.note(path)
        return data

    # As the loader's own functions, it stands in no traceback and is no caller for a warning.
    hidden = "<frozen importlib._bootstrap_external>"
    noted_code.__code__ = noted_code.__code__.replace(co_filename=hidden)
    BundleLoader.get_code = noted_code  # type: ignore[method-assign]
    Archive.read = noted_read  # type: ignore[method-assign]


if __name__ == "__main__":
    # The directory of a script comes first on the path, and this one's modules have common names
    if not sys.flags.safe_path:
        del sys.path[0]
    sys.path.insert(0, __file__.rsplit("/" if "/" in __file__ else "\\", 2)[0])
    from litebundle.runtime.main import main

    record(Recorder(sys.argv[1]))
    del sys.path[0]
    main(sys.argv[2], sys.argv[3], sys.argv[4:])
