"""Garbage collection is put off while a started program comes up.

Importing makes tens of thousands of objects that stay, and each of the collections on the way walks
over them: a tenth of the time that the imports of sympy, Django or botocore take. A hook may not
decide this for a program; what starts it may.
"""

import gc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

_ENOUGH = 250_000  # objects, of which a program that is up has fewer: some 30 MB


class Deferred:
    """A callback of `gc` until the first collection, which it has behave as ever from then on."""

    def __init__(self, standard: tuple[int, int, int]) -> None:
        self._standard = standard
        self._ours = (_ENOUGH, *standard[1:])
        gc.set_threshold(*self._ours)
        gc.callbacks.append(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._standard})"

    def __call__(self, phase: "Literal['start', 'stop']", info: "dict[str, Any]") -> None:
        """Give back the thresholds, if they are still ours, and leave."""
        if gc.get_threshold() == self._ours:
            gc.set_threshold(*self._standard)
        at = gc.callbacks.index(self)
        del gc.callbacks[at]
        if at < len(gc.callbacks):  # it moved to our place, which has had its turn
            gc.callbacks[at](phase, info)


def defer_collection() -> None:
    """Have the first collection wait for 250,000 objects, instead of 700 (2,000 from 3.12 on)."""
    standard = gc.get_threshold()
    if gc.isenabled() and 0 < standard[0] < _ENOUGH:
        Deferred(standard)
