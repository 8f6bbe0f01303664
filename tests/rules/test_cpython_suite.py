"""The running Python's own tests of what imports from directories and zips, pointed at bundles.

Left out, each with its reason, is what asks for a zipimporter or FileFinder by name, or for more
than a directory does; where 3.11, 3.12 and 3.13 differ, each runs what it has.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.rules.adaptations import ADAPTATIONS, Run
from tests.rules.cpython import Packer, Selection, cases, packing, run

_NO_FILES = "imports nothing from the path"
_BARE = "starts an interpreter without the hook"
_SCRIPT = "a script is no path entry"
_IMPORTER = "calls zipimport.zipimporter"
_PYC = "zipimport prefers a .pyc to the .py beside it, a directory does not"
_BUILDER = "the builder could not have written it"
_REWRITTEN = "rewrites a module without invalidate_caches: the opened file is served (F6)"
_LOADER = "makes a loader of a module that is not there"


def _classes(names: str) -> dict[str, dict[str, str]]:
    return {name: {} for name in names.split()}


def _each(reason: str, names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), reason)


_RESOURCES = {
    "contents": "ContentsDiskTests ContentsZipTests ContentsNamespaceTests",
    "files": "OpenDiskTests OpenZipTests OpenNamespaceTests OpenNamespaceZipTests ModulesFilesTests"
    " ModuleFilesDiskTests ModuleFilesZipTests ImplicitContextFilesTests"
    " ImplicitContextFilesDiskTests ImplicitContextFilesZipTests",
    "open": "CommonBinaryTests CommonTextTests OpenDiskTests OpenDiskNamespaceTests OpenZipTests"
    " OpenNamespaceZipTests",
    "path": "CommonTests PathDiskTests PathZipTests",
    "read": "CommonBinaryTests CommonTextTests ReadDiskTests ReadZipTests ReadNamespaceTests"
    " ReadNamespaceZipTests",
    "functional": "FunctionalAPITest_StringAnchor FunctionalAPITest_ModuleAnchor",
    "reader": "MultiplexedPathTest NamespaceReaderTest",
    "resource": "ResourceDiskTests ResourceZipTests ResourceCornerCaseTests ResourceLoaderTests"
    " ResourceFromZipsTest01 ResourceFromZipsTest02 DeletingZipsTest"
    " ResourceFromNamespaceDiskTests ResourceFromNamespaceZipTests",
}
_FINDER = {
    "test_dir_removal_handling": "F6: the opened file is served, whatever becomes of its path",
    "test_empty_string_for_dir": _NO_FILES,
    "test_ignore_file": "the hook has refused such a path before",
    "test_invalidate_caches": "looks at a FileFinder's clock",
}
_MAIN = _each(
    _SCRIPT,
    "test_basic_script test_basic_script_no_suffix test_directory test_directory_compiled"
    " test_ipython_workaround test_module_in_package test_package test_package_compiled"
    " test_script_compiled",
)

_IMPORT = {
    **_each(
        _NO_FILES,
        "test_bogus_fromlist test_case_sensitivity test_concurrency test_delete_builtins_import"
        " test_double_const test_from_import_AttributeError"
        " test_from_import_message_for_existing_module"
        " test_from_import_message_for_nonexistent_module"
        " test_from_import_missing_attr_has_name"
        " test_from_import_missing_attr_has_name_and_path"
        " test_from_import_missing_attr_has_name_and_so_path"
        " test_from_import_missing_attr_path_is_canonical"
        " test_from_import_missing_attr_raises_ImportError"
        " test_from_import_missing_module_raises_ModuleNotFoundError test_import_by_filename"
        " test_import_in_del_does_not_crash test_import_name_binding"
        " test_import_raises_ModuleNotFoundError test_issue105979 test_issue31286 test_issue31492",
    ),
    **_each(
        _BARE,
        "test_package_shadowing_stdlib_module test_script_maybe_not_shadowing_third_party"
        " test_script_shadowing_stdlib test_script_shadowing_stdlib_edge_cases"
        " test_script_shadowing_stdlib_sys_path_modification test_script_shadowing_third_party",
    ),
    "test_failing_reload": _REWRITTEN,
}
_FIND_SPEC = _each(
    _NO_FILES,
    "test_find_relative_module_missing_package test_find_submodule_in_module"
    " test_find_submodule_parent_already_imported test_nothing test_success test_sys_modules"
    " test_sys_modules_loader_is_None test_sys_modules_spec_is_None"
    " test_sys_modules_spec_is_not_set test_sys_modules_without___loader__",
)

SELECTED: Selection = {
    "test.test_import": {
        "ImportTests": _IMPORT,
        "ImportTracebackTests": {"test_unencodable_filename": _BARE},
        **_classes("PathsTests TestSymbolicallyLinkedPackage CircularImportTests"),
    },
    "test.test_importlib.test_util": {"Source_FindSpecTests": _FIND_SPEC},
    "test.test_zipimport_support": {
        "ZipSupportTests": {"test_doctest_issue4197": "looks into the zip by itself"},
    },
    "test.test_pkg": _classes("TestPkg"),
    "test.test_pkgutil": {
        "PkgutilTests": {"test_walk_packages_raises_on_string_or_bytes_input": _NO_FILES},
        "ExtendPathTests": {"test_extend_path_argument_types": _NO_FILES},
        "NestedNamespacePackageTest": {},
    },
    "test.test_runpy": {
        "RunModuleTestCase": {
            "test_invalid_names": _NO_FILES,
            "test_library_module": _NO_FILES,
            "test_run_package_init_exceptions": _REWRITTEN,
        },
        "RunPathTestCase": {
            "test_basic_script": _SCRIPT,
            "test_basic_script_no_suffix": _SCRIPT,
            "test_basic_script_with_path_object": _SCRIPT,
            "test_basic_script_with_pathlike_object": _SCRIPT,
            "test_directory_compiled": "runs where bytecode is written only",
            "test_encoding": _SCRIPT,
            "test_script_compiled": _SCRIPT,
        },
    },
    "test.test_zipimport": {
        "UncompressedZipImportTestCase": {
            "testBeginningCruftAndComment": "with bytes at both ends a zip is zipimport's",
            "testAFakeZlib": "takes zlib away, which the builder imports again",
            "testBadMagic2": "expects a ZipImportError; a directory raises ImportError",
            "testBoth": _PYC,
            "testBytesPath": _IMPORTER,
            "testGetCompiledSource": _PYC,
            "testGetData": _IMPORTER,
            "testImport_WithStuff": "bytes in front of a database take a launcher",
            "testInvalidateCaches": _IMPORTER,
            "testInvalidateCachesWithMultipleZipimports": _IMPORTER,
            "testUncheckedHashBasedPyc": _PYC,
            "testUnencodable": _IMPORTER,
            "testZip64": "takes minutes: 65,537 modules",
            "testZip64CruftAndComment": "takes minutes: 65,537 modules",
            "testZip64LargeFile": "takes 8 GB",
            "testZipImporterMethods": _IMPORTER,
            "testZipImporterMethodsInSubDirectory": _IMPORTER,
        },
    },
    "test.test_importlib.test_namespace_pkgs": {
        "LegacySupport": {
            "test_non_namespace_package_takes_precedence": "the path in a loader's repr says so",
        },
        **_classes(
            "SingleNamespacePackage DynamicPathNamespacePackage CombinedNamespacePackages"
            " SeparatedNamespacePackages SeparatedNamespacePackagesCreatedWhileRunning"
            " SeparatedOverlappingNamespacePackages SingleZipNamespacePackage"
            " SeparatedZipNamespacePackages SingleNestedZipNamespacePackage"
            " SeparatedNestedZipNamespacePackages DynamicPathCalculation"
            " ZipWithMissingDirectory ModuleAndNamespacePackageInSameDir ReloadTests LoaderTests"
        ),
    },
    "test.test_importlib.test_threaded_import": {
        "ThreadedImportTests": {
            "test_concurrent_futures_circular_import": _SCRIPT,
            "test_import_hangers": _NO_FILES,
            "test_multiprocessing_pool_circular_import": _SCRIPT,
        },
    },
    "test.test_importlib.source.test_finder": {
        "Source_FinderTestsPEP420": _FINDER,
        "Source_FinderTestsPEP451": _FINDER,
        "Source_FinderTestsPEP302": _FINDER,
    },
    "test.test_importlib.source.test_file_loader": {
        "Source_SimpleTest": {
            "test_equality": _LOADER,
            "test_file_from_empty_string_dir": "F2: paths are absolute, to survive a chdir",
            "test_get_filename_API": _LOADER,
            "test_inequality": _LOADER,
            "test_load_module_API": _LOADER,
            "test_module_reuse": _REWRITTEN,
            "test_unloadable": _LOADER,
            **_each(
                "about the .pyc that a SourceFileLoader writes",
                "test_checked_hash_based_pyc test_overridden_checked_hash_based_pyc"
                " test_overridden_unchecked_hash_based_pyc test_unchecked_hash_based_pyc",
            ),
        },
    },
    # Until 3.12, and since 3.13
    **{
        f"test.test_importlib.{name}": _classes("TestZip TestEgg")
        for name in ("test_zip", "metadata.test_zip")
    },
    **{
        f"test.test_importlib.{name}": {
            **_classes(
                "BasicTests ImportTests NameNormalizationTests NonASCIITests DiscoveryTests"
                " FileSystem PackagesDistributionsPrebuiltTest PackagesDistributionsTest"
                " PackagesDistributionsEggTest EditableDistributionTest"
            ),
        }
        for name in ("test_main", "metadata.test_main")
    },
    **{
        f"test.test_importlib.{name}": _classes("APITests LegacyDots")
        for name in ("test_metadata_api", "metadata.test_api")
    },
    **{
        f"test.test_importlib.{where}test_{name}": _classes(classes)
        for where in ("", "resources.")
        for name, classes in _RESOURCES.items()
    },
    "test.test_importlib.resources.test_reader": {
        "MultiplexedPathTest": {
            "test_iterdir_duplicate": "lists a placed package's directory, without sources",
        },
        "NamespaceReaderTest": {},
    },
    "test.test_multiprocessing_main_handling": {
        "SpawnCmdLineTest": _MAIN,
        "ForkCmdLineTest": _MAIN,
        "ForkServerCmdLineTest": _MAIN,
    },
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the builder keeps code from one case to the next."""
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("case", list(cases(SELECTED)), ids=".".join)
def test_cpython(
    packed: str,
    case: Sequence[str],
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A case of CPython's passes with bundles in the place of its directories and zips."""
    name, class_name, method = case
    packer = Packer(tmp_path, packed, cache)
    with packing(packer, name, monkeypatch) as directories:
        if name in ADAPTATIONS:
            ADAPTATIONS[name](Run(sys.modules[name], packer, directories, monkeypatch))
        wrong = run(name, class_name, method)
    assert not wrong, "\n".join(wrong)
    assert packer.count, "nothing was packed"
