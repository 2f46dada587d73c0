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
from albench.running.mode import prepare_torch
from albench.training.finetune import Finetune
from albench.training.model import Model

torch.set_num_threads(1)
if sys.argv[1] == "keep":
    prepare_torch("cpu", 1, "mkl")
images, labels = np.zeros((64, 3, 32, 32), np.uint8), np.arange(64) % 10
model = Model(albench.network("cifar10-quick"), 0, range(10), images, "cpu")

def faults(iterations):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    Finetune(initial_iterations=iterations).fit(model, Examples(images, labels))
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

faults(5)
print(faults(25) - faults(5))
"""
ASKING = """
from dataclasses import dataclass
import torch
import albench
from albench.running.asking import ask
from albench.running.mode import prepare_torch
from albench.testing import make_query

def blocks():
    return [torch.ones(8, 2**18) for _ in range(8)]  # 64 MB

@dataclass(frozen=True)
class Large(albench.Strategy):
    def score(self, query):
        held = blocks()
        return torch.zeros(len(query.pool)) + len(held)

prepare_torch("cpu", 1, "mkl")
blocks()
query = make_query(n_pool=20, n_labeled=4, n_classes=3)
print(ask(Large(), query, albench.protocol("top-k[query_size=2]")).peak_memory_bytes)
"""


def printed(code: str, *words: str) -> int:
    command = [sys.executable, "-c", code, *words]
    return int(subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout)


def test_an_iteration_asks_for_no_memory_anew_where_it_is_kept() -> None:
    kept, given = printed(TRAINING, "keep"), printed(TRAINING, "give")
    assert given > 10 * kept, "pages over twenty iterations"


def test_what_a_query_needs_counts_although_freed_memory_is_kept() -> None:
    assert printed(ASKING) > 48 * 2**20
