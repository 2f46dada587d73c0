"""What a large store costs: seconds, processor seconds and memory of fresh processes, and bytes of a cell by file.

    python -m tests.soak.scale --cells 1000

The store is that of `tests.soak.planned`. Merging and the report are the slowest; --quick leaves them out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from subprocess import PIPE

from tests.soak import planned
from tests.soak.common import COMMAND, Faults, print_table, work_folder

LAUNCHER = """
import json, os, sys, time
start = time.monotonic()
quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
_, status, used = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=quiet), 0)
seconds = time.monotonic() - start
print(json.dumps([seconds, used.ru_utime + used.ru_stime, used.ru_maxrss, os.waitstatus_to_exitcode(status)]))
"""  # a small process: Linux counts the memory of the one that starts a command as the command's


def cost(command: list[str]) -> tuple[float, float, float, int]:
    """Return the seconds, processor seconds and megabytes of a command in a fresh process, and its exit code."""
    ran = subprocess.run([sys.executable, "-S", "-c", LAUNCHER, *command], check=True, stdout=PIPE, text=True)
    seconds, processor, peak, code = json.loads(ran.stdout.splitlines()[-1])
    return seconds, processor, peak / (1e6 if sys.platform == "darwin" else 1e3), code


def commands(root: Path, store: Path, cells: int) -> dict[str, list[object]]:
    """Return what is measured, in the order in which one needs what another wrote."""
    archive = root / "results.zip"
    study = ["run", *planned.words(cells), "--dry-run", "--store"]
    load = "import sys, albench; albench.load(sys.argv[1])"
    return {
        "import albench": ["-c", "import albench"],
        "status": [*COMMAND[1:], "status", store],
        "planning, nothing stored": [*COMMAND[1:], *study, root / "none"],
        "planning, all stored": [*COMMAND[1:], *study, store],
        "load": ["-c", load, store],
        "export, Parquet": [*COMMAND[1:], "export", store, "-o", root / "rounds.parquet"],
        "export, CSV": [*COMMAND[1:], "export", store, "-o", root / "rounds.csv"],
        "export, archive": [*COMMAND[1:], "export", store, "-o", archive],
        "status of the archive": [*COMMAND[1:], "status", archive],
        "load of the archive": ["-c", load, archive],
        "merge": [*COMMAND[1:], "merge", store, archive, "-o", root / "merged"],
        "report": [*COMMAND[1:], "report", store, "-o", root / "report.html"],
    }


def main() -> None:
    """Make a store, and print what using it costs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args()
    rows = []
    faults = Faults()
    with work_folder("scale") as root:
        store = root / "store"
        count = planned.write(store, given.cells)
        measured = commands(root, store, given.cells)
        for name, command in measured.items():
            if given.quick and name in ("merge", "report"):
                continue
            seconds, processor, megabytes, code = cost([sys.executable, *map(str, command)])
            rows.append([name, f"{seconds:.2f}", f"{processor:.2f}", f"{megabytes:.0f}"])
            if code:
                faults.add(f"{name} ended with {code}")
        sizes: Counter[str] = Counter()
        for path in store.glob("cells/*/*/*/*"):
            sizes[path.name] += path.stat().st_size
        study = (store / "study.json").stat().st_size
    print_table([f"{count} cells", "seconds", "processor seconds", "peak MB"], rows)
    total = [["all", f"{sum(sizes.values()) / count:.0f}"], ["study.json", f"{study / count:.0f}"]]
    print_table(["file", "bytes a cell"], [[name, f"{size / count:.0f}"] for name, size in sizes.items()] + total)
    faults.conclude()


if __name__ == "__main__":
    main()
