"""Tiny extension modules and shared libraries, made by the system's compiler."""

import shutil
import subprocess
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import pytest

SUFFIX: str = sysconfig.get_config_var("EXT_SUFFIX")

_MULTI = """
#include <Python.h>
{code}
static int fill(PyObject *module) {{
    return PyModule_AddIntConstant(module, "VALUE", {value});
}}
static PyModuleDef_Slot slots[] = {{{{Py_mod_exec, fill}}, {{0, NULL}}}};
static struct PyModuleDef definition = {{
    PyModuleDef_HEAD_INIT, "{name}", NULL, 0, NULL, slots, NULL, NULL, NULL}};
PyMODINIT_FUNC PyInit_{name}(void) {{ return PyModuleDef_Init(&definition); }}
"""
_SINGLE = """
#include <Python.h>
{code}
static struct PyModuleDef definition = {{PyModuleDef_HEAD_INIT, "{name}", NULL, -1, NULL}};
PyMODINIT_FUNC PyInit_{name}(void) {{
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL) PyModule_AddIntConstant(module, "VALUE", {value});
    return module;
}}
"""


class Compiler:
    """Make libraries in a directory; what is made is returned as bytes for a tree."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        found = shutil.which("cc")
        include = sysconfig.get_path("include")
        if found is None:
            pytest.skip("there is no C compiler here")
        if not Path(include, "Python.h").exists():
            pytest.skip(f"there is no Python.h in {include}")
        self._command = [found, "-shared", "-fPIC", "-O0", f"-I{include}", f"-L{directory}"]

    def library(self, name: str, source: str, *flags: str) -> bytes:
        """Compile a shared library of that file name, which is also the one it is known by."""
        source_file = self._directory / "source.c"
        source_file.write_text(source)
        output = self._directory / name
        made = ["-o", str(output), str(source_file), f"-Wl,-soname,{name}"]
        subprocess.run([*self._command, *made, *flags], check=True, capture_output=True)
        return output.read_bytes()

    def extension(
        self,
        name: str,
        value: str = "1",
        *,
        single: bool = False,
        code: str = "",
        flags: Sequence[str] = (),
    ) -> bytes:
        """Compile a module with a constant VALUE, a C expression, of one phase or of two."""
        source = (_SINGLE if single else _MULTI).format(name=name, value=value, code=code)
        return self.library(f"{name}-module.so", source, *flags)
