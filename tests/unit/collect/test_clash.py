"""Names that some file systems take for one."""

import pytest

from litebundle.collect.clash import clashes


@pytest.mark.fault(42)
@pytest.mark.parametrize(
    ("paths", "what"),
    [
        (["Foo.py", "foo.py"], "case"),
        (["pkg/Foo.py", "pkg/foo.py"], "case"),
        (["STRASSE", "stra\u00dfe"], "case"),
        (["e\u0301", "\u00c9"], "case"),
        (["e\u0301", "\u00e9"], "Unicode normalisation"),
        (["\u1f80\u0301", "\u1f84"], "Unicode normalisation"),
        (["FOO", "Foo", "foo"], "case"),
    ],
)
def test_names_in_one_directory_clash(paths: list[str], what: str) -> None:
    """One sentence a group, with the paths in order, says what tells them apart."""
    expected = [f"{' and '.join(paths)} differ only in {what}"]
    assert list(clashes(paths)) == expected
    assert list(clashes(paths[::-1])) == expected


@pytest.mark.parametrize(
    "paths",
    [["a/foo.py", "b/Foo.py"], ["a", "b"], ["\u0131", "i"], ["fi", "\u03c6"], ["e", "\u00e9"]],
)
def test_other_names_do_not(paths: list[str]) -> None:
    """Names in different directories, or of different letters, are left in peace."""
    assert list(clashes(paths)) == []
