"""I1 to I4: what modules and their specs say of themselves."""

import importlib
import importlib.util
import sys
from pathlib import Path
from pkgutil import get_importer
from types import CodeType

import pytest

from tests.rules.modules import loader_of, spec_of
from tests.rules.places import Place, Tree
from tests.rules.probes import Compare, run

NESTED = """
import journal
journal.RUNS.append(__name__)
VALUE = 1
def outer(argument=lambda: None):
    class Inner:
        size = [n for n in range(3) if (lambda: n)() >= 0]
        async def method(self):
            def deepest():
                yield from (x for x in ())
            return deepest
    return Inner
"""


def _native() -> dict[str, bytes]:
    """Return an extension module of the running Python, as `native._queue`."""
    spec = importlib.util.find_spec("_queue")
    if spec is None or spec.origin is None or not spec.has_location:
        return {}
    return {"native/_queue.so": Path(spec.origin).read_bytes()}


TREE: Tree = {
    **_native(),
    "journal.py": "RUNS = []\n",
    "top.py": NESTED,
    "pkg/__init__.py": "import journal\njournal.RUNS.append(__name__)\n",
    "pkg/sub.py": NESTED,
    "pkg/inner/__init__.py": '"""A docstring."""\n',
    "pkg/inner/leaf.py": NESTED,
    # A package with data: where its files are is the loader's choice, where it finds them is not.
    "stuffed/__init__.py": NESTED,
    "stuffed/data.txt": "data of stuffed\n",
    "stuffed/sub.py": NESTED,
    "stuffed/inner/__init__.py": NESTED,
    "stuffed/inner/data.txt": "data of inner\n",
    "stuffed/inner/folder/more.txt": "more data of inner\n",
    "space/one.py": NESTED,
    "space/deep/leaf.py": "",
    "annotated.py": "number: int = 1\n",
    "empty.py": "",
    "main_like/__main__.py": "",
    "main_like/__init__.py": "",
}

STUFFED = ["stuffed", "stuffed.sub", "stuffed.inner"]
MODULES = ["top", "pkg", "pkg.sub", "pkg.inner", "pkg.inner.leaf", "space.one", "empty"]


# I1


ATTRIBUTES = """
import importlib
for name in {names}:
    module = importlib.import_module(name)
    spec = module.__spec__
    print(repr(module), type(module))
    for attribute in sorted(vars(module)):
        value = getattr(module, attribute)
        if isinstance(value, (str, list)):
            print(" ", attribute, value)
        else:
            print(" ", attribute, "__path__" in attribute and list(value))
    for attribute in sorted(vars(spec)):
        if attribute != "loader":
            print("  spec", attribute, getattr(spec, attribute))
    for attribute in ("parent", "has_location", "cached"):
        print("  spec", attribute, getattr(spec, attribute))
    print("  one loader", spec.loader is module.__loader__)
    print("  path", type(getattr(module, "__path__", None)), module.__name__ in sys.modules)
"""


@pytest.mark.parametrize("flags", [[], ["-O"], ["-OO"], ["-Xpycache_prefix=/elsewhere"]], ids=str)
def test_rule_I1_modules_and_specs_say_what_those_of_a_directory_say(
    compare: Compare, flags: list[str]
) -> None:
    """Every attribute of modules, packages, namespaces and their specs, at every level of -O."""
    names = [*MODULES, *STUFFED, "space", "space.deep", "annotated"]
    lines = compare(ATTRIBUTES.format(names=names), flags=flags).stdout.splitlines()
    assert "  __file__ <root>/pkg/inner/leaf.py" in lines
    assert "  __package__ pkg.inner" in lines


@pytest.mark.parametrize("name", ["pkg", "pkg.inner"])
def test_rule_I1_a_packages_path_is_a_list_of_entries(place: Place, name: str) -> None:
    """`__path__` is a list, one entry long, that the hook accepts and imports go through."""
    module = importlib.import_module(name)
    assert type(module.__path__) is list
    assert module.__path__ == [place.at(*name.split("."))]
    assert get_importer(module.__path__[0]) is not None
    assert module.__package__ == name


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("name", ["top", "pkg", "pkg.sub"])
def test_rule_I1_a_modules_loader_is_that_of_its_spec(name: str) -> None:
    """`__loader__` and `__spec__.loader` are one object, which knows the module's name."""
    module = importlib.import_module(name)
    assert module.__spec__ is not None
    assert module.__loader__ is module.__spec__.loader
    assert module.__loader__.name == name  # type: ignore[union-attr]


@pytest.mark.usefixtures("place")
def test_rule_I1_modules_own_their_lists() -> None:
    """What a package does to its `__path__` reaches no other spec or module."""
    before = spec_of("pkg")
    importlib.import_module("pkg").__path__.append("elsewhere")
    del sys.modules["pkg"]
    assert spec_of("pkg") == before
    assert "elsewhere" not in importlib.import_module("pkg").__path__


# I2


def code_objects(code: CodeType) -> list[CodeType]:
    """Return a code object and all those nested in it."""
    nested = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return [code, *(found for inner in nested for found in code_objects(inner))]


@pytest.mark.parametrize("name", MODULES)
def test_rule_I2_one_location_everywhere(place: Place, name: str) -> None:
    """File, origin, loader and all code objects, nested ones too, name the same location."""
    module = importlib.import_module(name)
    spec, loader = spec_of(name), loader_of(name)
    codes = code_objects(loader.get_code(name))
    inside = name.replace(".", "/") + ("/__init__.py" if hasattr(module, "__path__") else ".py")
    locations = [module.__file__, spec.origin, loader.get_filename(name), loader.path]
    locations += [code.co_filename for code in codes]
    assert locations == [f"{place.entry}/{inside}"] * len(locations)
    if hasattr(module, "outer"):
        assert len(codes) >= 6
        assert module.outer.__code__.co_filename == module.__file__


@pytest.mark.usefixtures("place")
def test_rule_I2_locations_are_unique() -> None:
    """Equal sources in several modules do not share a location."""
    modules = [importlib.import_module(name) for name in MODULES]
    assert len({module.__file__ for module in modules}) == len(modules)
    files = {module.outer.__code__.co_filename for module in modules if hasattr(module, "outer")}
    assert len(files) == sum(hasattr(module, "outer") for module in modules)


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("name", STUFFED)
def test_rule_I2_a_package_with_data_has_one_location_too(name: str) -> None:
    """Wherever its files are: file, origin, loader, path and all code objects agree."""
    module = importlib.import_module(name)
    spec, loader = spec_of(name), loader_of(name)
    codes = code_objects(loader.get_code(name))
    locations = {module.__file__, spec.origin, loader.get_filename(name), loader.path}
    locations |= {code.co_filename for code in codes}
    locations.add(module.outer.__code__.co_filename)
    assert len(codes) >= 6
    assert locations == {module.__file__}
    inside = name.replace(".", "/") + ("" if name == "stuffed.sub" else "/__init__") + ".py"
    assert str(module.__file__).endswith(f"/{inside}")
    folder = str(Path(str(module.__file__)).parent)
    assert getattr(module, "__path__", [folder]) == [folder]
    # The same hook serves it: a directory on disk has no modules in it.
    assert type(get_importer(folder)) is type(get_importer(sys.path[0]))


@pytest.mark.usefixtures("place")
def test_rule_I2_open_finds_the_data_of_a_package() -> None:
    """The files beside `__file__` can be opened, listed and reached from a subpackage."""
    module = importlib.import_module("stuffed.inner")
    folder = Path(str(module.__file__)).parent
    assert (folder / "data.txt").read_text() == "data of inner\n"
    assert (folder / ".." / "data.txt").read_text() == "data of stuffed\n"
    assert [path.name for path in (folder / "folder").iterdir()] == ["more.txt"]


@pytest.mark.skipif("native/_queue.so" not in TREE, reason="this Python has _queue built in")
def test_rule_I2_an_extension_modules_file_ends_in_its_suffix(compare: Compare) -> None:
    """A native module is imported from a file that has its own name."""
    lines = compare(ATTRIBUTES.format(names=["native._queue"])).stdout.splitlines()
    assert "  __file__ <root>/native/_queue.so" in lines


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("name", ["stuffed", "stuffed.inner"])
def test_rule_I2_data_is_found_beside_the_file(name: str) -> None:
    """The directory of `__file__` joined with a name is what `get_data` takes."""
    module = importlib.import_module(name)
    path = str(Path(str(module.__file__)).with_name("data.txt"))
    expected = f"data of {name.rpartition('.')[2]}\n".encode()
    assert module.__loader__.get_data(path) == expected  # type: ignore[union-attr]


def test_rule_I2_a_moved_container_gives_its_new_locations(place: Place, tmp_path: Path) -> None:
    """Locations belong to where the container stands now, not to where it was built."""
    copy = place.copy_to(tmp_path / "moved.bundle")
    sys.path[0] = copy.entry
    module = importlib.import_module("pkg.sub")
    assert module.__file__ == copy.at("pkg", "sub.py")
    codes = code_objects(loader_of("pkg.sub").get_code("pkg.sub"))
    assert {code.co_filename for code in codes} == {copy.at("pkg", "sub.py")}


# I3


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("name", MODULES)
def test_rule_I3_cached_is_what_a_directory_would_call_it(name: str) -> None:
    """`__cached__` and `spec.cached` are what `cache_from_source` makes of `__file__`."""
    module = importlib.import_module(name)
    expected = importlib.util.cache_from_source(str(module.__file__))
    assert spec_of(name).cached == expected
    assert vars(module).get("__cached__", expected) == expected


@pytest.mark.parametrize("flags", [[], ["-O"], ["-Xpycache_prefix={prefix}"]], ids=str)
def test_rule_I3_no_cache_file_is_written(archive: Place, tmp_path: Path, flags: list[str]) -> None:
    """With bytecode writing on, imports leave no file behind, beside the archive or elsewhere."""
    prefix = tmp_path / "prefix"
    folder = tmp_path / "folder"
    folder.mkdir()
    copy = archive.copy_to(folder / "app.bundle")
    probe = f"import importlib\nfor name in {MODULES}: importlib.import_module(name)\n"
    probe += "print(sys.dont_write_bytecode, __import__('pkg').__cached__)"
    env = {"PYTHONDONTWRITEBYTECODE": ""}
    outcome = run(copy, probe, flags=[flag.format(prefix=prefix) for flag in flags], env=env)
    assert (outcome.status, outcome.stdout.split()[0]) == (0, "False"), outcome.stderr
    assert list(folder.iterdir()) == [folder / "app.bundle"]
    assert not list(prefix.rglob("pkg*"))


# I4


@pytest.mark.parametrize("name", MODULES)
def test_rule_I4_specs_have_a_location(place: Place, name: str) -> None:
    """`has_location` is true, and packages have their search location."""
    spec = spec_of(name)
    package = name in {"pkg", "pkg.inner"}
    assert spec.has_location is True
    expected = [place.at(*name.split("."))] if package else None
    assert spec.submodule_search_locations == expected
    assert (spec.name, spec.parent) == (name, name if package else name.rpartition(".")[0])


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("name", MODULES)
def test_rule_I4_spec_from_loader_gives_the_finders_spec(name: str) -> None:
    """The loader alone is enough to make the spec again."""
    spec = spec_of(name)
    assert spec.origin is not None
    again = importlib.util.spec_from_loader(name, spec.loader)
    assert again == spec
    assert again is not None
    assert (again.cached, again.has_location) == (spec.cached, True)
    assert importlib.util.spec_from_file_location(name, spec.origin, loader=loader_of(name)) == spec


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("name", MODULES)
def test_rule_I4_module_from_spec_sets_what_an_import_sets(name: str) -> None:
    """A module made from the spec by hand has the attributes of an imported one."""
    spec = spec_of(name)
    module = importlib.util.module_from_spec(spec)
    assert spec.loader is not None
    spec.loader.exec_module(module)
    imported = importlib.import_module(name)
    assert set(vars(module)) >= set(vars(imported)) - {"sub", "inner", "leaf"}
    for attribute in ("__name__", "__file__", "__package__", "__path__", "__spec__", "__loader__"):
        assert getattr(module, attribute, None) == getattr(imported, attribute, None)


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("name", ["top", "pkg", "pkg.sub"])
def test_rule_I4_lazy_loader_puts_execution_off(name: str) -> None:
    """A lazily loaded module is in `sys.modules`, and runs at its first attribute access."""
    if "." in name:
        importlib.import_module("pkg")
    spec = spec_of(name)
    runs = importlib.import_module("journal").RUNS
    before = list(runs)
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    assert runs == before
    assert module.journal.RUNS is runs
    assert runs == [*before, name]
    assert importlib.import_module(name) is module


@pytest.mark.usefixtures("place")
def test_rule_I4_find_spec_of_an_imported_module_is_its_own() -> None:
    """`importlib.util.find_spec` finds parents by importing them, and imported ones by looking."""
    assert "pkg" not in sys.modules
    spec_of("pkg.sub")
    assert "pkg" in sys.modules
    assert "pkg.sub" not in sys.modules
    assert spec_of("pkg") is sys.modules["pkg"].__spec__
