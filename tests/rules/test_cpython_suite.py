"""The running Python's own tests of its importers, pointed at bundles."""

import pytest

from pathlib import Path
from tests.rules.cpython import Packer, Selection, cases, load, packing, run

SELECTED: Selection = {
    "test.test_pkgutil": {
        "PkgutilTests": {},
        "ExtendPathTests": {},
        "NestedNamespacePackageTest": {},
    },
    "test.test_runpy": {"RunModuleTestCase": {}, "RunPathTestCase": {}},
    "test.test_pkg": {"TestPkg": {}},
    "test.test_zipimport": {"UncompressedZipImportTestCase": {}},
    "test.test_importlib.test_threaded_import": {"ThreadedImportTests": {}},
    "test.test_importlib.test_zip": {"TestZip": {}, "TestEgg": {}},
    "test.test_importlib.metadata.test_zip": {"TestZip": {}, "TestEgg": {}},
    **{f"test.test_importlib.resources.{n}": {c: {} for c in cs} for n, cs in {
      "test_contents": ["ContentsDiskTests", "ContentsZipTests", "ContentsNamespaceTests"],
      "test_files": ["OpenDiskTests", "OpenZipTests", "OpenNamespaceTests", "OpenNamespaceZipTests", "ModuleFilesDiskTests", "ModuleFilesZipTests", "ImplicitContextFilesDiskTests", "ImplicitContextFilesZipTests", "ModulesFilesTests", "ImplicitContextFilesTests"],
      "test_open": ["CommonBinaryTests", "CommonTextTests", "OpenDiskTests", "OpenDiskNamespaceTests", "OpenZipTests", "OpenNamespaceZipTests"],
      "test_path": ["CommonTests", "PathDiskTests", "PathZipTests"],
      "test_read": ["CommonBinaryTests", "CommonTextTests", "ReadDiskTests", "ReadZipTests", "ReadNamespaceTests", "ReadNamespaceZipTests"],
      "test_functional": ["FunctionalAPITest_StringAnchor", "FunctionalAPITest_ModuleAnchor"],
      "test_reader": ["MultiplexedPathTest", "NamespaceReaderTest"],
      "test_resource": ["ResourceDiskTests", "ResourceZipTests", "ResourceCornerCaseTests", "ResourceFromZipsTest01", "ResourceFromZipsTest02", "DeletingZipsTest", "ResourceFromNamespaceDiskTests", "ResourceFromNamespaceZipTests", "ResourceLoaderTests"],
    }.items()},
}


@pytest.mark.parametrize(("name", "class_name", "method"), list(cases(SELECTED)))
def test_cpython(packed: str, name: str, class_name: str, method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A case of CPython's passes with bundles in the place of its directories and zips."""
    module = load(name)
    packer = Packer(tmp_path, packed)
    with packing(packer, module, monkeypatch):
        wrong = run(module, class_name, method)
    assert not wrong, "\n".join(wrong)
    assert packer.count, "nothing was packed"
