"""Which distributions a tree holds, read from their metadata."""

from email.parser import BytesHeaderParser

from litebundle.collect.tree import Kind, Tree

_METADATA = (".dist-info/METADATA", ".egg-info/PKG-INFO")


def distributions(tree: Tree) -> list[tuple[str, str, str]]:
    """Return (name, version, path of the metadata directory) of each, in the order of the paths."""
    found = []
    for entry in tree.entries:
        if entry.kind is Kind.METADATA and entry.path.endswith(_METADATA):
            headers = BytesHeaderParser().parsebytes(entry.read())
            name, version = headers.get("Name"), headers.get("Version")
            found.append((str(name), str(version), entry.path.rpartition("/")[0]))
    return found
