"""The initial network of a seed: trained once, shared by every strategy and protocol."""

from __future__ import annotations

from pathlib import Path

from albench.contracts.generators import held_to_streams
from albench.contracts.learner import Examples, Learner
from albench.contracts.scenario import Split
from albench.running.measure import Measurement
from albench.store.claims import claimed
from albench.store.store import Store
from albench.store.weights import fingerprint_of, load_weights, save_weights
from albench.study.spec import CellSpec
from albench.training.model import Model, Watch, unwatched


def load_initial(store: Store, spec: CellSpec, split: Split, model: Model) -> tuple[float, str]:
    """Give a new model the seed's initial network; return its training's seconds and its weights' SHA-256.

    The first process that needs the network trains it; others wait. Raises DivergedError.
    """
    path = store.initial_path(spec)
    if not path.exists():
        with claimed(path.with_suffix(".claim"), f"the initial network {path.name}", wait=True):
            if not path.exists():
                _train(spec.setting.learner.build(), model, split, path)
    weights, state = load_weights(path)
    model.load(weights, state["classes"])
    return float(state["train_seconds"]), fingerprint_of(weights)


def new_model(spec: CellSpec, split: Split, device: str, watch: Watch = unwatched) -> Model:
    """Return a model with the seed's initial weights, untrained."""
    recipe = spec.setting.network.build()
    return Model(recipe, spec.seed, list(split.known), split.images[split.initial], device, watch)


def _train(learner: Learner, model: Model, split: Split, path: Path) -> None:
    examples = Examples(split.images[split.initial], split.labels[split.initial])
    with held_to_streams("training"), Measurement(model.device) as cost:
        learner.fit(model, examples)
    state = {
        "classes": model.classes,
        "train_seconds": cost.seconds,
        "train_accuracy": float((model.predict(examples.inputs) == examples.labels).mean()),
    }
    save_weights(path, model.weights(), state)
