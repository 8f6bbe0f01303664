"""Names that Linux tells apart and other platforms do not."""

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterator


def clashes(paths: Collection[str]) -> Iterator[str]:
    """Yield a sentence for every group of paths in one directory that differ too little.

    Case-insensitive and normalising file systems (macOS, Windows) would hold one of them only.
    """
    if all(map(str.isascii, paths)) and len({path.lower() for path in paths}) == len(paths):
        return
    groups: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for path in paths:
        directory, _, name = path.rpartition("/")
        groups[directory, _folded(name)].append(path)
    for group in groups.values():
        if len(group) > 1:
            group.sort()
            forms = {unicodedata.normalize("NFC", path) for path in group}
            what = "case" if len(forms) > 1 else "Unicode normalisation"
            yield f"{' and '.join(group)} differ only in {what}"


def _folded(name: str) -> str:
    if name.isascii():
        return name.lower()
    # Unicode, section 3.13, D145 (canonical caseless matching): NFD(toCasefold(NFD(X))).
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())
