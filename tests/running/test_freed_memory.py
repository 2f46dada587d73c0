"""Freed memory is kept for the next iteration, and given back before a query's memory is measured."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="it is glibc that gives memory back")
ROOT = Path(__file__).parent.parent.parent
TRAINING = """
import resource, sys
import numpy as np
import torch
import albench
from albench.contracts.learner import Examples
from albench.running.memory import keep_freed
from albench.training.finetune import Finetune
from albench.training.model import Model

torch.set_num_threads(1)
if sys.argv[1] == "keep":
    keep_freed()
images, labels = np.zeros((64, 3, 32, 32), np.uint8), np.arange(64) % 10
model = Model(albench.network("cifar10-quick"), 0, range(10), images, "cpu")

def faults(iterations):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    Finetune(initial_iterations=iterations).fit(model, Examples(images, labels))
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults(5)
print(faults(25) - faults(5))
"""
FREEING = """
import re
from pathlib import Path
import torch
from albench.running.memory import give_back_freed, keep_freed

def resident():
    return int(re.search("VmRSS:[^0-9]*([0-9]+)", Path("/proc/self/status").read_text())[1]) * 1024

keep_freed()
blocks = [torch.ones(8, 2**18) for _ in range(8)]  # 64 MB
del blocks
held = resident()
give_back_freed()
print(held - resident())
"""


def printed(code: str, *words: str) -> int:
    command = [sys.executable, "-c", code, *words]
    return int(subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout)


def test_an_iteration_asks_for_no_memory_anew_where_it_is_kept() -> None:
    kept, given = printed(TRAINING, "keep"), printed(TRAINING, "give")
    assert given > 10 * kept, "pages over twenty iterations"


def test_what_is_kept_can_be_given_back() -> None:
    assert printed(FREEING) > 48 * 2**20
