"""What selecting from 100,000 features takes in memory beyond the data, each strategy in a process of its own (Linux).

pytest benchmarks -k strategies_memory          (about half an hour on one CPU core, most of it gp-emoc)
"""

from __future__ import annotations

import json
import sys

import pytest

from albench_strategies import OWN
from benchmarks import table
from benchmarks.scaling import run
from benchmarks.test_peers import IN_IMAGES, PICKS, REFERENCES

N_POOL = 100_000
MOST = 2_000  # megabytes
FEWER = {"bait": 2}  # whose memory does not depend on how many are picked, and whose time does
SCRIPT = """
import ctypes, json, sys, time
import torch
import albench
from benchmarks.clustered import clustered_query, fresh

def kilobytes(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name))

torch.set_num_threads(1)
label, n_pool, k = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
albench.strategy(label).select(clustered_query(500), min(k, 20))  # libraries load
query = fresh(clustered_query(n_pool))
getattr(ctypes.CDLL(None), "malloc_trim", lambda _: None)(0)  # what is free would hide what is taken
open("/proc/self/clear_refs", "w").write("5")  # the highest so far is forgotten
before, start = kilobytes("VmRSS"), time.process_time()
albench.strategy(label).select(query, k)
print(json.dumps([time.process_time() - start, 1.024e-3 * (kilobytes("VmHWM") - before)]))
"""
TITLE = f"Strategies: megabytes beyond the data of selecting {PICKS} of {N_POOL:,}, processor seconds, one thread"
LABELS = [*(name for name in sorted(OWN) if name not in IN_IMAGES | REFERENCES), "bait[fisher=binary]"]


@pytest.mark.skipif(sys.platform != "linux", reason="the highest memory of a process is forgotten on Linux alone")
@pytest.mark.parametrize("label", LABELS, ids=lambda label: f"{label} of {N_POOL}")
def test_strategies_memory(label: str) -> None:
    k = FEWER.get(label, PICKS)
    seconds, megabytes = json.loads(run(SCRIPT, [label, N_POOL, k]).splitlines()[-1])
    table.add(TITLE, {"strategy": label, "picks": k, "megabytes": megabytes, "seconds": seconds})
    assert megabytes < MOST
