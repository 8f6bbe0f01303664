"""Start many processes that stay alive together: `python crowd.py NUMBER PYTHON ARGUMENT ...`.

Each prints a line when it has imported, and ends with its input. Prints seconds until all had done
so, a process, and the mean of their memory that no other process shares, in bytes.
"""

import subprocess
import sys
from pathlib import Path
from time import perf_counter


def main() -> None:
    """Start them, wait for all, look at their memory, and let them go."""
    number, *command = sys.argv[1:]
    started = perf_counter()
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(int(number))
    ]
    try:
        for process in processes:
            assert process.stdout is not None
            if not process.stdout.readline():
                sys.exit("error: one of the processes could not import")
        seconds = perf_counter() - started
        memory = sum(_private(process.pid) for process in processes)
        print(repr((seconds / len(processes), memory / len(processes))))
    finally:
        for process in processes:
            process.communicate()


def _private(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Private_"))


if __name__ == "__main__":
    main()
