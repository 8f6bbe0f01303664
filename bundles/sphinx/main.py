"""Build a small documentation to HTML with Sphinx, and print what it made."""

import re
import tempfile
from pathlib import Path

from sphinx.application import Sphinx

SOURCES = {
    "conf.py": """
project = 'Small'
author = 'Someone'
language = 'de'
html_theme = 'alabaster'
extensions = ['sphinx.ext.autosectionlabel', 'sphinx.ext.mathjax', 'sphinx.ext.todo']
todo_include_todos = True
html_last_updated_fmt = None
""",
    "index.rst": """
Small
=====

.. toctree::

   page

.. todo:: say more

See :ref:`Deep`, and :py:func:`answer`.
""",
    "page.rst": """
Page
====

.. py:function:: answer(question: str) -> int

   Always the same, :math:`6 \\times 7`.

.. code-block:: python

   print(answer("?"))

Deep
----

.. note:: A note.
""",
}


def body(page: Path) -> str:
    """Return the part of a page that is its own, without the theme around it."""
    found = re.search(
        r'role="main">(.*?)<div class="sphinxsidebar', page.read_text("utf-8"), re.DOTALL
    )
    assert found
    return re.sub(r"\n\s*\n+", "\n", found[1])


with tempfile.TemporaryDirectory() as name:
    top = Path(name)
    for path, text in SOURCES.items():
        (top / path).write_text(text.lstrip(), "utf-8")
    app = Sphinx(top, top, top / "out", top / "trees", "html", status=None, parallel=1)
    app.build()
    out = top / "out"
    print("status:", app.statuscode)
    for page in sorted(out.glob("*.html")):
        print(f"--- {page.name}")
        if page.name in ("index.html", "page.html"):
            print(body(page))
    print(*sorted(str(path.relative_to(out)) for path in (out / "_static").rglob("*")), sep="\n")
    print(*sorted(app.extensions), sep="\n")
