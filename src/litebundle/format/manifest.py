"""The manifest: what the bundle as a whole says of itself, as keys and values of text.

In a database its pairs are the rows of the table `manifest`, in a zip the lines of the member
`.litebundle/manifest`; `checksum`, always the last pair, covers the lines before it.
"""

from . import checksum
from .listing import Ref, decode_ref

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

CHECKSUM = "checksum"
STARTUP = "startup"
JOINED = "joined"
ANY = "any"


class Variant:
    """One kind of stored code: an interpreter, its magic number (PEP 552) and -O level."""

    __slots__ = ("cache_tag", "implementation", "magic", "optimize")

    def __init__(self, implementation: str, cache_tag: str, magic: bytes, optimize: int) -> None:
        self.implementation = implementation
        self.cache_tag = cache_tag
        self.magic = magic
        self.optimize = optimize

    def __repr__(self) -> str:
        return f"<Variant {self.text}>"

    def __str__(self) -> str:
        return self.cache_tag + (f" -O{self.optimize}" if self.optimize else "")

    @property
    def text(self) -> str:
        """The value of a `variant.N` key: "cpython cpython-313 f30d0d0a 0"."""
        return f"{self.implementation} {self.cache_tag} {self.magic.hex()} {self.optimize}"


def parse_variant(text: str) -> Variant:
    """Parse `Variant.text`; raises ValueError for anything else."""
    implementation, cache_tag, magic, optimize = text.split(" ")
    variant = Variant(implementation, cache_tag, bytes.fromhex(magic), int(optimize))
    if variant.text != text:  # fromhex and int take more than that
        raise ValueError(f"no variant: {text!r}")
    return variant


class Target:
    """Whom a root is for: `python` is its cache tag and ABI flags, `platform` a tag (PEP 425).

    `release` is the only one that it is for ("3.13.0"), ANY if it is for all of that Python; the
    platform is ANY if nothing in the root depends on it.
    """

    __slots__ = ("platform", "python", "release", "root")

    def __init__(self, python: str, release: str, platform: str, root: int) -> None:
        self.python = python
        self.release = release
        self.platform = platform
        self.root = root

    def __repr__(self) -> str:
        return f"<Target {self.text}>"

    def __str__(self) -> str:
        release = "" if self.release == ANY else f"-{self.release}"
        return f"{self.python}-{self.platform}{release}"

    @property
    def text(self) -> str:
        """The value of a `target.N` key: "cpython-313 any manylinux_2_28_x86_64 0"."""
        return f"{self.python} {self.release} {self.platform} {self.root}"


def parse_target(text: str) -> Target:
    """Parse `Target.text`; raises ValueError for anything else."""
    python, release, platform, root = text.split(" ")
    target = Target(python, release, platform, int(root))
    if target.text != text or target.root < 0:
        raise ValueError(f"no target: {text!r}")
    return target


class Root:
    """One tree of the bundle: the listing of its top, and which variants are its columns."""

    __slots__ = ("columns", "ref")

    def __init__(self, ref: Ref, columns: list[int]) -> None:
        self.ref = ref
        self.columns = columns

    def __repr__(self) -> str:
        return f"<Root {self.text}>"

    @property
    def text(self) -> str:
        """The value of a `root.N` key: the reference, hexadecimal, and the numbers "0,1"."""
        return f"{self.ref.encode().hex()} {columns_text(self.columns)}"


def columns_text(columns: "Iterable[int]") -> str:
    """Return the numbers of variants as they stand in a root: "0,1"."""
    return ",".join(map(str, columns))


def parse_root(text: str) -> Root:
    """Parse `Root.text`; raises ValueError for anything else."""
    encoded, columns = text.split(" ")
    ref = decode_ref(bytes.fromhex(encoded))
    if ref is None:
        raise ValueError("a root without a listing")
    root = Root(ref, [int(number) for number in columns.split(",")] if columns else [])
    if root.text != text or min(root.columns, default=0) < 0:
        raise ValueError(f"no root: {text!r}")
    return root


def lines(pairs: list[tuple[str, str]]) -> bytes:
    """Return the pairs as UTF-8 lines "key TAB value LF"; raises ValueError if one cannot be."""
    for key, value in pairs:
        if "\t" in key or "\n" in key or "\n" in value:
            raise ValueError(f"no manifest entry: {key!r}")
    return "".join(f"{key}\t{value}\n" for key, value in pairs).encode()


def seal(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the pairs with the checksum pair behind them."""
    return [*pairs, (CHECKSUM, checksum(lines(pairs)).hex())]


def unseal(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Return sealed pairs as a dict without the checksum; raises ValueError if it does not fit."""
    if not pairs or pairs[-1] != seal(pairs[:-1])[-1]:
        raise ValueError("manifest with a wrong checksum")
    return dict(pairs[:-1])


def parse_lines(text: bytes) -> list[tuple[str, str]]:
    """Parse what `lines` wrote; raises ValueError for anything else."""
    pairs = []
    *found, rest = text.decode().split("\n")
    if rest:
        raise ValueError("manifest line without an end")
    for line in found:
        key, tab, value = line.partition("\t")
        if not tab:
            raise ValueError("manifest line without a tab")
        pairs.append((key, value))
    return pairs


def variants(manifest: dict[str, str]) -> list[Variant]:
    """Return the kinds of stored code, by their numbers; raises ValueError."""
    return [parse_variant(text) for text in _numbered(manifest, "variant")]


def targets(manifest: dict[str, str]) -> list[Target]:
    """Return whom the bundle is for, preferred ones first; raises ValueError."""
    return [parse_target(text) for text in _numbered(manifest, "target")]


def roots(manifest: dict[str, str]) -> list[Root]:
    """Return the trees of the bundle, by their numbers; raises ValueError."""
    return [parse_root(text) for text in _numbered(manifest, "root")]


def startup(manifest: dict[str, str]) -> list[tuple[int, int, int]]:
    """Return offset, size and what is read last (its offset) of the runs; raises ValueError."""
    numbers = [int(number) for number in manifest.get(STARTUP, "").split()]
    return list(zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True))


def startup_text(runs: "Iterable[tuple[int, int, int]]") -> str:
    """Return the value of the key `startup`, which `startup` parses."""
    return " ".join(f"{offset} {size} {last}" for offset, size, last in runs)


def joined(manifest: dict[str, str], variant: int) -> list[tuple[int, str]]:
    """Return the joined streams of a variant: the last identifier of each, its reference (hex).

    Raises ValueError.
    """
    words = manifest.get(f"{JOINED}.{variant}", "").split()
    return list(zip(map(int, words[::2]), words[1::2], strict=True))


def joined_text(streams: "Iterable[tuple[int, bytes]]") -> str:
    """Return the value of a key `joined.N`, which `joined` parses, given encoded references."""
    return " ".join(f"{last} {ref.hex()}" for last, ref in streams)


def _numbered(manifest: dict[str, str], key: str) -> list[str]:
    """Return the values of key.0, key.1 and so on, up to the first that is missing."""
    found: list[str] = []
    while text := manifest.get(f"{key}.{len(found)}"):
        found.append(text)
    return found
