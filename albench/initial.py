"""The initial network of a seed: trained once, shared by every strategy."""

from __future__ import annotations

from pathlib import Path

import torch

from albench.claims import claimed
from albench.contracts.scenario import Split
from albench.learner import Learner
from albench.measure import Measurement
from albench.spec import CellSpec
from albench.store import Store
from albench.weights import fingerprint_of, load_weights, save_weights


def load_initial(store: Store, spec: CellSpec, split: Split, learner: Learner) -> tuple[float, str]:
    """Give a new learner the seed's initial network; return its training's seconds and its weights' SHA-256.

    The first process that needs the network trains it; others wait. Raises DivergedError.
    """
    path = store.initial_path(spec)
    if not path.exists():
        with claimed(path.with_suffix(".claim"), f"the initial network {path.name}", wait=True):
            if not path.exists():
                _train(learner, split, path)
    weights, state = load_weights(path)
    learner.load(weights, state["classes"])
    return float(state["train_seconds"]), fingerprint_of(weights)


def new_learner(spec: CellSpec, split: Split, device: str) -> Learner:
    """Return a learner with the seed's initial weights, untrained."""
    return Learner(
        spec.network.build(), spec.protocol, spec.seed, list(split.known), split.images[split.initial], device
    )


def _train(learner: Learner, split: Split, path: Path) -> None:
    images, labels = split.images[split.initial], split.labels[split.initial]
    with Measurement(torch.device(learner.device)) as cost:
        learner.fit(images, labels)
    state = {
        "classes": learner.classes,
        "train_seconds": cost.seconds,
        "train_accuracy": float((learner.predict(images) == labels).mean()),
    }
    save_weights(path, learner.weights(), state)
