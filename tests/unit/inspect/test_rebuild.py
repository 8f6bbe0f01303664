"""Code against source: what is stored is what its source compiles to, byte for byte."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from litebundle.builder import Options, build
from litebundle.collect.tree import Entry, Kind, Packed
from litebundle.compile import interpreters
from litebundle.compile.pool import Compiled, Pool
from litebundle.errors import BuildError
from litebundle.inspect.verify import verify
from tests.rules.places import Library, write_tree
from tests.unit.inspect.content import TREE


def told(path: Path) -> list[str]:
    """Return what is wrong with a bundle that is compiled again, in words."""
    return [*map(str, verify(path, rebuild=True).problems)]


def test_what_the_builder_writes_compiles_to_the_same(packed: Path) -> None:
    """Of both levels, every module that has code."""
    verdict = verify(packed, rebuild=True)
    assert verdict.problems == ()
    sources = [path for path in TREE if path.endswith(".py")]
    # One does not compile, one is metadata, one is hidden by a package: no listing has their code.
    assert verdict.rebuilt == 2 * (len(sources) - 3)


@pytest.mark.parametrize("kind", ["sqlite", "zip"])
def test_code_of_another_source_is_told(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything is sealed as if it had been built so, and without compiling nobody can tell."""
    write_tree(TREE, tmp_path / "source")
    honest = Pool.compile

    def evil(self: Pool, entries: Iterable[Entry]) -> Iterator[Compiled]:
        for result in honest(self, entries):
            if result.path == "pkg/sub.py":
                entry = Entry(
                    path=result.path,
                    location=str(tmp_path),
                    mode=0o644,
                    size=0,
                    kind=Kind.SOURCE,
                    archived=lambda: Packed(b"VALUE = 'evil'\n"),
                )
                [other] = honest(self, [entry])
                yield replace(result, codes=other.codes)
            elif result.path == "pkg/deep/er.py":
                yield replace(result, codes=(), error="said not to compile")
            else:
                yield result

    with monkeypatch.context() as patch:
        patch.setattr(Pool, "compile", evil)
        options = Options(container=kind, jobs=1)  # type: ignore[arg-type]
        build([tmp_path / "source"], tmp_path / "app", options)
    assert verify(tmp_path / "app").problems == ()
    problems = [problem.partition(" for ")[::2] for problem in told(tmp_path / "app")]
    assert [where for where, _ in problems] == ["code of pkg/deep/er.py", "code of pkg/sub.py"]
    assert all(what.endswith("not what its source compiles to") for _, what in problems)


def test_modules_without_sources_cannot_be_told(library: Library) -> None:
    """Whoever asks for it wants to know, so each is a problem."""
    bundle = Path(library.place(TREE, "sqlite", sources=False).entry)
    assert verify(bundle).problems == ()
    assert "code of pkg/sub.py: its source is not in the bundle" in told(bundle)


def test_a_python_that_is_not_there_is_told(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what is needed, and why that cannot be had."""

    def missing(wanted: str) -> str:
        raise BuildError(f"there is no Python {wanted} on this machine to compile with")

    monkeypatch.setattr(interpreters, "find", missing)
    [problem] = told(packed)
    assert problem.startswith("code for Python 3.")
    assert "cannot be compiled again: there is no Python 3." in problem


def test_another_kind_of_python_is_told(packed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the version, but writes other bytecode."""

    class Other(Pool):
        """A pool that claims to be of another Python."""

        def __init__(self, *arguments: object, **options: object) -> None:
            super().__init__(*arguments, **options)  # type: ignore[arg-type]
            self.target = replace(self.target, magic=b"none")

    monkeypatch.setattr("litebundle.inspect.rebuild.Pool", Other)
    [problem] = told(packed)
    assert "this Python's is of another kind" in problem
    assert f"found {b'none'.hex()}" in problem


def test_nothing_is_compiled_of_what_is_damaged(
    packed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong already is told, and no worker is started."""
    monkeypatch.setattr(Pool, "compile", lambda *_: pytest.fail("compiled"))
    copy = Path(shutil.copy(packed, tmp_path / "copy"))
    copy.write_bytes(copy.read_bytes() + b"more")
    assert len(told(copy)) == 1
