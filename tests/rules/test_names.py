"""F8: names are compared as given."""

import importlib
from pkgutil import get_importer
from typing import Any

import pytest

from tests.rules.places import Place, Tree

TREE: Tree = {
    "top.py": "",
    "pkg/__init__.py": "",
    "pkg/sub.py": "",
    "CamelCase.py": "VALUE = 'camel'\n",
    "under_score.py": "VALUE = 'underscore'\n",
    "underXcore.py": "VALUE = 'no wildcard'\n",
    "finder_mod.py": "VALUE = 'plain letters'\n",
    "caf\u00e9.py": "VALUE = 'composed'\n",
    "\ufb01re.py": "VALUE = 'ligature'\n",
    "class.py": "VALUE = 'keyword'\n",
    "my-mod.py": "VALUE = 'dash'\n",
    "1st.py": "VALUE = 'digit'\n",
    "with space.py": "VALUE = 'space'\n",
    "per%cent.py": "VALUE = 'percent'\n",
    "quote'd.py": "VALUE = 'quote'\n",
    "kw/__init__.py": "",
    "kw/import.py": "VALUE = 'keyword in a package'\n",
    "uses_ligature.py": "import \ufb01nder_mod as found\n",
    "uses_decomposed.py": "import cafe\u0301 as found\n",
}


# F8, names


@pytest.mark.fault(41)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CamelCase", "camel"),
        ("class", "keyword"),
        ("kw.import", "keyword in a package"),
        ("my-mod", "dash"),
        ("1st", "digit"),
        ("with space", "space"),
        ("per%cent", "percent"),
        ("quote'd", "quote"),
        ("under_score", "underscore"),
        ("caf\u00e9", "composed"),
        ("\ufb01re", "ligature"),
    ],
)
def test_rule_F8_any_name_works_through_importlib(place: Place, name: str, value: str) -> None:
    """Keywords, non-identifiers and unnormalised names are names like any other."""
    *parents, last = name.split(".")
    module = importlib.import_module(name)
    assert (module.VALUE, module.__file__) == (value, place.at(*parents, last + ".py"))


@pytest.mark.fault(41, 42)
@pytest.mark.parametrize(
    "name",
    [
        "camelcase",
        "CAMELCASE",
        "underscore",
        "under%",
        "t_p",
        "t?p",
        "*",
        "[t]op",
        "pkg/sub",
        "pkg/../top",
        "top.py",
        "cafe\u0301",
        "\ufb01nder_mod",
        "fire",
        "to\0p",
        "top\0",
        "\udce9",
        "x" * 300,
        "top ",
        "__init__.py",
    ],
    ids=ascii,
)
@pytest.mark.usefixtures("place")
def test_rule_F8_nothing_but_the_very_name_is_found(name: str) -> None:
    """No case folding, no wildcard, no path, no normalisation in the comparison of names."""
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(name)


@pytest.mark.fault(41)
@pytest.mark.parametrize("name", ["", ".", "..", "pkg.", "/", "../pkg", "./top"])
def test_rule_F8_a_finder_finds_nothing_under_an_odd_name(place: Place, name: str) -> None:
    """Names that mean something to a file system mean nothing to a finder."""
    finders: list[Any] = [get_importer(place.entry), get_importer(place.at("pkg"))]
    assert not any(finder.find_spec(name) for finder in finders)


@pytest.mark.fault(41)
@pytest.mark.parametrize(
    ("user", "value"),
    [("uses_ligature", "plain letters"), ("uses_decomposed", "composed")],
)
@pytest.mark.usefixtures("place")
def test_rule_F8_the_parser_normalises_not_the_finder(user: str, value: str) -> None:
    """An identifier in source is NFKC by the time its module is looked for."""
    assert value == importlib.import_module(user).found.VALUE
