"""Locations: paths in the bundle that code spells piece by piece."""

import pytest

from litebundle.place.location import Location

FILE = Location("pkg/sub/m.py", "pkg/sub/m.py")
HERE = Location("pkg/sub", "pkg/sub/m.py")


def test_the_directories_above_end_at_the_top() -> None:
    """Nothing above the bundle corresponds to anything in it."""
    assert FILE.parent() == HERE
    top = Location("", "m.py")
    assert Location("m.py", "m.py").parent() == top
    assert top.parent() is None


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("x.json", "pkg/sub/x.json"),
        ("d/x.json", "pkg/sub/d/x.json"),
        ("./d//x.json", "pkg/sub/d/x.json"),
        ("../x.json", "pkg/x.json"),
        ("d\\x.json", "pkg/sub/d/x.json"),
    ],
)
def test_components_are_joined(text: str, path: str) -> None:
    """As os.path.join and normpath would."""
    assert HERE.join(text) == Location(path, HERE.origin, made=True)


@pytest.mark.parametrize("text", ["/etc/passwd", "../../../x"])
def test_what_leaves_the_bundle_is_no_location(text: str) -> None:
    """An absolute path, and one that goes up too far."""
    assert HERE.join(text) is None


def test_an_unknown_component_leaves_the_directory_known() -> None:
    """And what follows it is the end of the name, as far as that is known."""
    somewhere = HERE.join(None)
    assert somewhere == Location("pkg/sub", HERE.origin, exact=False, made=True)
    assert somewhere is not None
    assert somewhere.append(".py") == Location(
        "pkg/sub", HERE.origin, exact=False, made=True, tail=".py"
    )


def test_a_pattern_is_an_unknown_name_of_known_end() -> None:
    """As glob takes it."""
    assert HERE.join("d/*.json") == Location(
        "pkg/sub/d", HERE.origin, exact=False, made=True, tail=".json"
    )


def test_text_continues_the_last_component() -> None:
    """`__file__ + "c"` is another name, a slash begins the next component."""
    assert FILE.append("c") == Location("pkg/sub/m.pyc", FILE.origin, made=True)
    assert HERE.append("/x.json") == HERE.join("x.json")
    assert HERE.append(None) == Location("pkg", HERE.origin, exact=False, made=True)


def test_pieces_are_spelled_one_after_the_other() -> None:
    """An unknown piece after a slash is a component of the directory before it."""
    assert HERE.spell(["/", None, ".py"]) == Location(
        "pkg/sub", HERE.origin, exact=False, made=True, tail=".py"
    )
    assert HERE.spell(["/d/", "x", ".json"]) == Location("pkg/sub/d/x.json", HERE.origin, made=True)


def test_suffixes_are_cut_off() -> None:
    """Up to the last dot of the name, not of a directory."""
    assert FILE.without_suffix().path == "pkg/sub/m"
    assert Location("a.b/c", "a.b/c").without_suffix().path == "a.b/c"
