"""Format code with Black: through its API, and as its command line does a file."""

import os
import tempfile
from pathlib import Path

import black
import black.linegen
import black.trans

UGLY = """\
import   os
def f ( a,b = {  'x':1 }, * , c : "int"=3 ) :
    return   [ a for a in b if not ( a )   is None and a == 'a very long text' or b == 'another, longer']
match  f( 1 ):
  case {'x' : [y , * _]}: print( y )
"""  # noqa: E501


def run(*arguments: str) -> int:
    """Run the command line; return its exit status."""
    try:
        black.main(list(arguments), prog_name="black")
    except SystemExit as leaving:
        return int(leaving.code or 0)
    return 0


print(black.format_str(UGLY, mode=black.Mode(line_length=60)))
print(black.format_str("class A: x: int=1", mode=black.Mode(is_pyi=True)))
try:
    black.format_str("def broken(:", mode=black.Mode())
except black.InvalidInput as error:
    print(f"InvalidInput: {error}")
print("compiled:", not black.linegen.__file__.endswith(".py"), black.trans.__name__)

with tempfile.TemporaryDirectory() as name:
    os.chdir(name)
    path = Path("ugly.py")
    path.write_text(UGLY, "utf-8")
    Path("pyproject.toml").write_text("[tool.black]\nskip-string-normalization = true\n")
    print("check:", run("--quiet", "--check", str(path)))
    print("write:", run("--quiet", str(path)))
    print(path.read_text("utf-8"))
    print("check again:", run("--quiet", "--check", str(path)))
    os.chdir("/")
run("--version")
