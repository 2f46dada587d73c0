"""What a network reaches when it is trained on all labels of a scenario, seed 0.

python benchmarks/all_labels.py NETWORK LEARNER [SCENARIO]
"""

from __future__ import annotations

import sys
import time

import numpy as np
import torch

import albench
from albench.contracts.learner import Examples
from albench.training.model import Model


def main(network: str, learner: str, scenario: str = "cifar100") -> None:
    torch.set_num_threads(1)
    split = albench.scenario(scenario).split(0)
    rows = np.concatenate([split.initial, split.pool])
    classes = sorted(set(split.labels[rows].tolist()))
    model = Model(albench.network(network), 0, classes, split.images[split.initial], "cpu")
    start = time.process_time()
    albench.learner(learner).fit(model, Examples(split.images[rows], split.labels[rows]))
    seconds = time.process_time() - start
    for name, which in (("test", split.test), ("training", rows)):
        print(f"{name}: {np.mean(model.predict(split.images[which]) == split.labels[which]):.4f} of {len(which)}")
    print(f"{seconds:.0f} s of processor time")


if __name__ == "__main__":
    main(*sys.argv[1:])
