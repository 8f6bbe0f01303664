"""Damage a bundle in one place, load everything from it, and see that nothing else comes out."""

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import CodeType

from litebundle import BundleCorrupt, BundleVersionError, path_hook
from litebundle.builder import Options, build
from litebundle.format.listing import decode_ref
from litebundle.runtime import mount
from litebundle.runtime.loader import BundleLoader
from tools.faults.children import in_children

MODULES = 20
"""Half of them at the top, half in a package."""

EQUAL, REFUSED = "equal", "refused"
"""All that was built comes out; the bundle cannot be opened, as is said by a BundleError."""

NOT_OURS = "not ours"
"""The path hook leaves the file to others: its magic is gone."""

Damage = Callable[[int, int], None]
"""Damage a file, given its descriptor, in the place of that number."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle: its bytes, code and source by the modules' names, and where the code stands."""

    data: bytes
    content: dict[str, tuple[CodeType, str | None]]
    codes: tuple[range, ...]


def small(directory: Path, container: str, modules: int = MODULES) -> Bundle:
    """Build the bundle of so many small modules, all of them different."""
    source = directory / "source"
    (source / "pkg").mkdir(parents=True)
    (source / "pkg" / "__init__.py").touch()
    for number in range(modules):
        folder = source / "pkg" if number % 2 else source
        text = f"def value():\n    return {number} * {number}\n"
        (folder / f"m{number}.py").write_text(text)
    return made([source], directory / "app.bundle", container)


def made(sources: Sequence[Path], output: Path, container: str) -> Bundle:
    """Build a bundle and read what is in it."""
    options = Options(container=container, jobs=2)  # type: ignore[arg-type]
    build(sources, output, options)
    names = [
        ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")
        for source in sources
        for path in sorted(source.rglob("*.py"))
    ]
    data = output.read_bytes()
    entry = Entry(str(output))
    found = {name: entry.module(name) for name in names}
    codes = [_place(entry.loader(name)) for name in names]
    mount._mounts.clear()  # noqa: SLF001  # the next file at the path is another one
    return Bundle(data, found, tuple(filter(None, codes)))


def verdicts(
    bundle: Bundle, damage: Damage, places: Iterable[int], *, jobs: int = 2
) -> Counter[str]:
    """Damage a copy of the bundle in each place, in forked children, and count what came of it.

    Raises AssertionError, with the place, if anything came out that had not been built.
    """
    chosen = list(places)
    batches = [chosen[number::jobs] for number in range(jobs)]
    works = [partial(_judged, bundle, damage, batch) for batch in batches]
    answers = in_children(works, patience=3600)
    return sum((Counter(answer) for answer in answers), Counter())


def _judged(bundle: Bundle, damage: Damage, places: Sequence[int]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "app.bundle")  # noqa: PTH118  # as an entry of sys.path
        Path(path).write_bytes(bundle.data)
        descriptor = os.open(path, os.O_RDWR)
        for place in places:
            damage(descriptor, place)
            try:
                counts[_verdict(path, bundle)] += 1
            except BaseException as error:
                raise AssertionError(f"damaged at {place}: {error!r}") from error
            mount._mounts.clear()  # noqa: SLF001
            restore(descriptor, bundle.data, place)
        os.close(descriptor)
    return dict(counts)


def flip(data: bytes) -> Damage:
    """Return what flips a bit of a file with those bytes; places count bits."""

    def damage(descriptor: int, place: int) -> None:
        os.pwrite(descriptor, bytes([data[place // 8] ^ 1 << place % 8]), place // 8)

    return damage


def restore(descriptor: int, data: bytes, place: int) -> None:
    """Undo a flip, or whatever else was done to a file."""
    if os.fstat(descriptor).st_size == len(data):
        os.pwrite(descriptor, data[place // 8 : place // 8 + 1], place // 8)
    else:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, data, 0)


def _verdict(path: str, bundle: Bundle) -> str:
    try:
        entry = Entry(path)
    except ImportError:
        return NOT_OURS
    except (BundleCorrupt, BundleVersionError):
        return REFUSED
    failed = 0
    for name, expected in bundle.content.items():
        try:
            found = entry.module(name)
        except BundleCorrupt:
            failed += 1
        else:
            if found != expected:
                raise ValueError(f"another {name} came out: {found}")
    return f"{failed} raised" if failed else EQUAL


class Entry:
    """A bundle as an entry of the path, with its finders."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._finders = {"": path_hook(path)}

    def module(self, name: str) -> tuple[CodeType, str | None]:
        """Return a module's code and source."""
        loader = self.loader(name)
        return loader.get_code(loader.name), loader.get_source(loader.name)

    def loader(self, name: str) -> BundleLoader:
        """Return the loader of a module; raises ValueError if there is none."""
        folder, _, last = name.rpartition(".")
        if folder not in self._finders:
            self._finders[folder] = path_hook("/".join([self._path, *folder.split(".")]))
        spec = self._finders[folder].find_spec(last)
        if spec is None or not isinstance(spec.loader, BundleLoader):
            raise ValueError(f"{name} is gone")
        return spec.loader


def _place(loader: BundleLoader) -> range | None:
    """Return where a module's code stands in the file, None if not in one piece."""
    ref = decode_ref(loader._code)  # noqa: SLF001
    if ref is None or ref.local:
        return None
    return range(ref.offset, ref.offset + ref.stored)
