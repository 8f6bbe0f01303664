"""What a bundle tells of itself to people."""

import sys
from pathlib import Path

import pytest

from litebundle.errors import BundleCorrupt, BundleError, BundleIOError
from litebundle.inspect.bundle import Bundle, Distribution
from tests.rules.places import Library
from tests.unit.inspect.content import TREE
from tests.unit.inspect.forge import change_root


def test_modules_are_those_that_can_be_imported(packed: Path) -> None:
    """By FileFinder's order; directories count if there is a module below."""
    assert [(module.name, module.kind) for module in Bundle(packed).modules()] == [
        ("both", "package"),
        ("broken", "module"),
        ("name with space", "module"),
        ("native", "extension"),
        ("nativepkg", "package"),
        ("old", "bytecode"),
        ("pkg", "package"),
        ("pkg.deep", "package"),
        ("pkg.deep.er", "module"),
        ("pkg.sub", "module"),
        ("space", "namespace"),
        ("space.inner", "namespace"),
        ("space.inner.leaf", "module"),
    ]


def test_modules_tell_which_code_is_stored(packed: Path) -> None:
    """A size for each variant, or None: a file that does not compile has no code."""
    bundle = Bundle(packed)
    code = {module.name: module.code for module in bundle.modules()}
    assert [variant.optimize for variant in bundle.variants] == [0, 2]
    assert code["broken"] == code["native"] == code["space"] == (None, None)
    assert all(size is not None and size > 40 for size in code["pkg.sub"])


def test_files_are_those_of_the_sources(packed: Path) -> None:
    """Each with its size, sorted by path; nothing of the index is among them."""
    files = {file.path: file.size for file in Bundle(packed).files()}
    assert files == {
        path: len(content.encode() if isinstance(content, str) else content)
        for path, content in TREE.items()
        if content is not None
    }
    assert list(files) == sorted(files)
    assert {file.mode for file in Bundle(packed).files()} == {0o644}


def test_contents_are_read_by_path(packed: Path) -> None:
    """The bytes that were packed; FileNotFoundError for what was not."""
    bundle = Bundle(packed)
    assert bundle.read("old.pyc") == b"some bytecode"
    assert bundle.read("pkg/data.txt") == b"data\n" * 200
    for path in ("missing", "pkg", "", "pkg/missing", "missing/file", "old.pyc/"):
        with pytest.raises(FileNotFoundError):
            bundle.read(path)


def test_sources_are_found_by_module_name(packed: Path, library: Library) -> None:
    """The package's before the module's of its name; None where there is none."""
    bundle = Bundle(packed)
    assert bundle.source_path("both") == "both/__init__.py"
    assert bundle.source_path("pkg.deep.er") == "pkg/deep/er.py"
    assert bundle.source_path("native") is None
    assert bundle.source_path("missing.module") is None
    bare = Bundle(library.place(TREE, "sqlite", sources=False).entry)
    assert bare.source_path("pkg.sub") is None
    assert bare.source_path("broken") == "broken.py"


def test_distributions_are_read_from_their_metadata(packed: Path) -> None:
    """Of wheels and of eggs, in both containers."""
    assert Bundle(packed).distributions() == [
        Distribution(name="dist", version="1", path="dist-1.dist-info"),
        Distribution(name="other", version="2.0b1", path="other.egg-info"),
    ]


def test_the_fitting_variant_is_this_pythons(packed: Path) -> None:
    """The code that an import in this very process would use."""
    fitting = Bundle(packed).fitting
    assert fitting is not None
    assert fitting.cache_tag == sys.implementation.cache_tag
    assert fitting.optimize == sys.flags.optimize


def test_the_container_is_told(database: Path, zipped: Path) -> None:
    """With the size of its pages, where it has any."""
    assert (Bundle(database).container, Bundle(database).page_size) == ("sqlite", 4096)
    assert (Bundle(zipped).container, Bundle(zipped).page_size) == ("zip", None)
    assert Bundle(str(zipped)).size == zipped.stat().st_size


def test_what_is_no_bundle_is_refused(tmp_path: Path, database: Path) -> None:
    """By another error than what cannot be read, or is damaged."""
    text = tmp_path / "text"
    text.write_text("text")
    with pytest.raises(BundleError, match="not a bundle"):
        Bundle(text)
    with pytest.raises(BundleIOError):
        Bundle(tmp_path / "missing")
    database.write_bytes(database.read_bytes()[:-4096])
    with pytest.raises(BundleCorrupt):
        Bundle(database)


def test_a_tree_that_leads_in_circles_is_refused(database: Path) -> None:
    """Two directories cannot share a listing: such a tree could have more paths than atoms."""

    def share(parts: tuple[dict[str, bytes], ...]) -> None:
        parts[1]["hollow"] = parts[1]["assets"]

    change_root(database, share)  # type: ignore[arg-type]
    with pytest.raises(BundleCorrupt, match="no listing of its own"):
        list(Bundle(database).files())
