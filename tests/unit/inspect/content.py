"""One tree that has a bit of everything."""

from tests.rules.places import Tree

TREE: Tree = {
    "pkg/__init__.py": "VALUE = 'pkg'\n",
    "pkg/sub.py": "VALUE = 'sub'\n" + "# a comment worth deflating\n" * 30,
    "pkg/data.txt": "data\n" * 200,
    "pkg/deep/__init__.py": "",
    "pkg/deep/er.py": "VALUE = 'er'\n",
    "both.py": "VALUE = 'hidden'\n",
    "both/__init__.py": "VALUE = 'shown'\n",
    "space/inner/leaf.py": "VALUE = 'leaf'\n",
    "assets/readme.txt": "no module here\n",
    "hollow": None,
    "native.cpython-311-x86_64-linux-gnu.so": b"\x7fELF no more",
    "nativepkg/__init__.cpython-311-x86_64-linux-gnu.so": b"\x7fELF nor this",
    "old.pyc": b"some bytecode",
    "broken.py": "def half(:\n",
    "same.txt": "data\n" * 200,
    "name with space.py": "",
    "dist-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: dist\nVersion: 1\n",
    # What one distribution installs is placed together.
    "dist-1.dist-info/RECORD": (
        "native.cpython-311-x86_64-linux-gnu.so,,\n"
        "nativepkg/__init__.cpython-311-x86_64-linux-gnu.so,,\n"
    ),
    "dist-1.dist-info/helper.py": "",
    "other.egg-info/PKG-INFO": "Metadata-Version: 1.0\nName: other\nVersion: 2.0b1\n",
    "dotted.dir/inside.py": "VALUE = 'not importable'\n",
}
