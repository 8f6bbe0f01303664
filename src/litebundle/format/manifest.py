"""The manifest: what the bundle as a whole says of itself, as keys and values of text.

In a database its pairs are the rows of the table `manifest`, in a zip the lines of the member
`.litebundle/manifest`; `checksum`, always the last pair, covers the lines before it.
"""

from . import checksum

CHECKSUM = "checksum"


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
    """Return the kinds of stored code, in the order of the listings' columns."""
    found: list[Variant] = []
    while text := manifest.get(f"variant.{len(found)}"):
        found.append(parse_variant(text))
    return found
