"""What a large store costs: seconds, processor seconds and memory of fresh processes, and bytes of a cell by file.

    python -m tests.soak.scale --cells 1000

Without a report: --no-report; it is the slowest part.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from subprocess import PIPE

from tests.reports.synthetic import Synthetic
from tests.soak.common import COMMAND, Faults, print_table, work_folder

LAUNCHER = """
import json, os, sys, time
start = time.monotonic()
quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
_, status, used = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet), 0)
seconds = time.monotonic() - start
print(json.dumps([seconds, used.ru_utime + used.ru_stime, used.ru_maxrss, os.waitstatus_to_exitcode(status)]))
"""  # a small process: Linux counts the memory of the one that starts a command as the command's


def make(root: Path, cells: int, strategies: int, rounds: int) -> int:
    """Write a store of at least so many cells that no training made, and return how many it has."""
    effects = {f"strategy{place}": 0.001 * place for place in range(strategies)}
    seeds = range(-(-cells // strategies))
    Synthetic(effects=effects, seeds=seeds, rounds=rounds).write(root)
    return len(effects) * len(seeds)


def cost(command: list[str]) -> tuple[float, float, float, int]:
    """Return the seconds, processor seconds and megabytes of a command in a fresh process, and its exit code."""
    ran = subprocess.run([sys.executable, "-S", "-c", LAUNCHER, *command], check=True, stdout=PIPE, text=True)
    seconds, processor, peak, code = json.loads(ran.stdout.splitlines()[-1])
    return seconds, processor, peak / (1e6 if sys.platform == "darwin" else 1e3), code


def main() -> None:
    """Make a store, and print what using it costs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--strategies", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--no-report", action="store_true")
    given = parser.parse_args()
    rows = []
    faults = Faults()
    with work_folder("scale") as root:
        store = root / "store"
        start = time.monotonic()
        count = make(store, given.cells, given.strategies, given.rounds)
        print(f"{count} cells of {given.rounds} rounds written in {time.monotonic() - start:.1f} s")
        commands = {
            "import albench": [sys.executable, "-c", "import albench"],
            "albench status": [*COMMAND, "status", str(store)],
            "albench.load": [sys.executable, "-c", f"import albench; albench.load({str(store)!r})"],
        }
        if not given.no_report:
            commands["albench report"] = [*COMMAND, "report", str(store), "-o", str(root / "report.html")]
        for name, command in commands.items():
            seconds, processor, megabytes, code = cost(command)
            rows.append([name, f"{seconds:.2f}", f"{processor:.2f}", f"{megabytes:.0f}"])
            if code:
                faults.add(f"{name} ended with {code}")
        sizes: Counter[str] = Counter()
        for path in store.glob("cells/*/*/*/*"):
            sizes[path.name] += path.stat().st_size
        study = (store / "study.json").stat().st_size
    print_table(["", "seconds", "processor seconds", "peak MB"], rows)
    total = [["all", f"{sum(sizes.values()) / count:.0f}"], ["study.json", f"{study / count:.0f}"]]
    print_table(["file", "bytes a cell"], [[name, f"{size / count:.0f}"] for name, size in sizes.items()] + total)
    faults.conclude()


if __name__ == "__main__":
    main()
