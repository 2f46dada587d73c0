"""The initial network of a seed: trained once, shared by every strategy and protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from albench.contracts.generators import held_to_streams
from albench.contracts.learner import Examples, Learner
from albench.contracts.scenario import Split
from albench.errors import DamageError
from albench.running.measure import Measurement
from albench.store.leases import Lease, leased
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
        with leased(path.with_suffix(".claim"), f"the initial network {path.name}", wait=True) as lease:
            if not path.exists():
                _train(spec, model, split, path, lease)
    weights, state = _read(path, spec)
    model.load(weights, state["classes"])
    return float(state["train_seconds"]), state["sha256"]


def new_model(spec: CellSpec, split: Split, device: str, watch: Watch = unwatched) -> Model:
    """Return a model with the seed's initial weights, untrained."""
    recipe = spec.setting.network.build()
    return Model(recipe, spec.seed, list(split.known), split.images[split.initial], device, watch)


def _read(path: Path, spec: CellSpec) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the seed's network as it was stored; DamageError where the file does not hold, or is another's."""
    try:
        weights, state = load_weights(path.read_bytes())
        if state["key"] != spec.initial_key or state["sha256"] != fingerprint_of(weights):
            raise DamageError("it is another network's")
    except (OSError, DamageError) as error:
        raise DamageError(f"{path} is damaged ({error}); delete it, and the network is trained again") from None
    return weights, state


def _train(spec: CellSpec, model: Model, split: Split, path: Path, lease: Lease) -> None:
    learner: Learner = spec.setting.learner.build()
    examples = Examples(split.images[split.initial], split.labels[split.initial])
    with held_to_streams("training"), Measurement(model.device) as cost:
        learner.fit(model, examples)
    weights = model.weights()
    state = {
        "key": spec.initial_key,
        "sha256": fingerprint_of(weights),
        "classes": model.classes,
        "train_seconds": cost.seconds,
        "train_accuracy": float((model.predict(examples.inputs) == examples.labels).mean()),
    }
    save_weights(path, weights, state, lease.check)
