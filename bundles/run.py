"""Run a bundle's check with a path entry, and prove that all it imported came from there.

    python -I -S run.py CHECK ENTRY         from a directory that everything is installed in
    python -I -S run.py CHECK ENTRY SRC     from a bundle, with litebundle itself imported from SRC

-I -S: nothing is on `sys.path` but the standard library and, then, the entry.
"""

import os
import runpy
import sys
from importlib.machinery import ModuleSpec


def use(entry: str, litebundle_src: str | None) -> None:
    """Put the entry on `sys.path`, and install litebundle's hook when its source is given."""
    if litebundle_src is not None:
        sys.path.insert(0, litebundle_src)
        import litebundle

        litebundle.install()
        sys.path.remove(litebundle_src)
    sys.path.insert(0, entry)


def imported() -> dict[str, ModuleSpec]:
    """Return what is imported of neither the standard library nor litebundle, and has a file."""
    specs = {name: getattr(module, "__spec__", None) for name, module in sys.modules.items()}
    library = os.path.dirname(os.__file__)  # noqa: PTH120
    return {
        name: spec
        for name, spec in specs.items()
        if spec and os.path.isabs(spec.origin or "")  # noqa: PTH117
        if name.partition(".")[0] != "litebundle" and not within(spec, library)
    }


def within(spec: ModuleSpec, directory: str) -> bool:
    """Tell whether the module's file is below the directory."""
    return str(spec.origin).startswith(f"{directory}{os.sep}")


def is_from(spec: ModuleSpec, entry: str) -> bool:
    """Tell whether the entry served the module: by its loader, or from where files are placed."""
    ours = type(spec.loader).__module__.startswith("litebundle.")
    placed = os.environ.get("LITEBUNDLE_CACHE")
    return ours or within(spec, entry) or bool(placed and within(spec, placed))


def report(entry: str) -> None:
    """Print how many modules came from the entry; leave with exit code 1 if one did not."""
    specs = imported()
    foreign = sorted(name for name, spec in specs.items() if not is_from(spec, entry))
    for name in foreign:
        print(f"  not from there: {name} ({specs[name]})")
    tops = ", ".join(sorted({name.partition(".")[0] for name in specs}))
    name = os.path.basename(entry)  # noqa: PTH119 - an entry is a string, as on sys.path
    print(f"  {'FAILED' if foreign else 'ok':7}{len(specs)} modules of {tops} came from {name}")
    if foreign or not specs:
        sys.exit(1)


def main() -> None:
    """Run the check as a program."""
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    check, entry = sys.argv[1:3]
    use(entry, sys.argv[3] if len(sys.argv) > 3 else None)
    sys.argv = [check]
    runpy.run_path(check, run_name="__main__")
    report(entry)


if __name__ == "__main__":
    main()
