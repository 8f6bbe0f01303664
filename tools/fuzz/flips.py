"""Turn every bit of a small bundle over and see whether `verify` notices: `tools/fuzz flips`."""

import sys

from tests.property.flips import flipped, tell_nothing
from tests.property.targets import sample


def main() -> int:
    """Do it for both containers; return 1 if anything was passed over that should not be."""
    failed = 0
    for container in ("zip", "sqlite"):
        size = len(sample(container))
        outcomes, silent = flipped(
            container, ((at, 1 << bit) for at in range(size) for bit in range(8))
        )
        known = tell_nothing(container)
        counts = ", ".join(f"{count:,} {what}" for what, count in outcomes.most_common())
        print(f"{container}, {size:,} bytes: {counts}", flush=True)
        print(f"  passed over in {len(silent)} bytes, which tell nothing: {silent <= known}")
        failed |= not silent <= known
    return failed


if __name__ == "__main__":
    sys.exit(main())
