"""What report, load and planning cost in fresh processes, of this code and of a checkout of an older commit."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parents[1]
PARTS = (".", "strategies", "datasets", "reports", "examples/albench-example")

STORE = """
import sys
from pathlib import Path
from tests.reports.synthetic import Synthetic
root, cells, strategies, rounds = sys.argv[1], *map(int, sys.argv[2:])
effects = {"random" if not place else f"strategy-{place}": 0.001 * place for place in range(strategies)}
Synthetic(effects=effects, seeds=range(-(-cells // strategies)), rounds=rounds).write(Path(root))
"""
_MEASURED = """
import json, resource, sys, time
{imports}
start = time.process_time()
{command}
seconds = time.process_time() - start
if sys.platform == "linux":  # whose ru_maxrss counts the memory of the process that started this one
    own = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    peak = 1.024e-3 * int(own.split()[1])
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
print(json.dumps([seconds, peak]))
"""
REPORT = _MEASURED.format(
    imports="""
import albench, jinja2, plotly.offline, scipy.special, sklearn.datasets
try:
    from albench.reading import write_report
except ImportError:  # as it was called first
    from albench.api import write_report
""",
    command="write_report(sys.argv[1], sys.argv[2])",
)
LOAD = _MEASURED.format(imports="import albench, pandas", command="albench.load(sys.argv[1])")
PLAN = _MEASURED.format(
    imports="import torch",
    command="""
from albench.api import plan
try:
    from albench.study.study import Request
except ImportError:
    from albench.study import Request
names = ["random", *(f"random[stream={place}]" for place in range(1, 35))]
plan(Request(strategies=names, scenarios=["digits", "digits[novel=3]"], seeds=int(sys.argv[1])), store=sys.argv[2])
""",
)


@dataclass(frozen=True)
class Spent:
    """Processor seconds, imports left out, and the largest memory of a process in megabytes, imports included."""

    seconds: float
    megabytes: float


def cost(script: str, arguments: Sequence[object], checkout: Path = HERE) -> Spent:
    """Return what a script costs with the code of a checkout."""
    printed = run(script, arguments, checkout)
    return Spent(*json.loads(printed.splitlines()[-1]))


def run(script: str, arguments: Sequence[object], checkout: Path = HERE) -> str:
    path = os.pathsep.join(str(checkout / part) for part in PARTS)
    environment = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-c", script, *map(str, arguments)]
    return subprocess.run(command, cwd=checkout, env=environment, check=True, capture_output=True, text=True).stdout


def before() -> Path | None:
    """Return the checkout that `ALBENCH_BEFORE` names."""
    named = os.environ.get("ALBENCH_BEFORE")
    return Path(named).resolve() if named else None


def exponent(sizes: tuple[int, int], seconds: tuple[float, float]) -> float:
    """Return the power of the size with which a cost grew from one size to another; 1 is linear."""
    return math.log(seconds[1] / seconds[0]) / math.log(sizes[1] / sizes[0])
