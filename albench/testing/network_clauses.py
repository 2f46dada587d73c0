"""The clauses of a network's contract, one function each."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from albench.contracts.network import Network
from albench.contracts.scenario import Inputs
from albench.rng import stream
from albench.testing.clauses import Budget, Clause, ContractError, check_round_trip, entering
from albench.testing.randomness import only_draws
from albench.training.model import Model

N_CLASSES = 3
NETWORK_CLAUSES: list[Clause] = []
_clause = entering(NETWORK_CLAUSES)


def _inputs(network: Network, n: int = 6, seed: int = 0) -> Inputs:
    """Return inputs that the network takes: small images of three channels, else features."""
    return _draw(_kind(network), n, seed)


def _draw(kind: str, n: int, seed: int) -> Inputs:
    draws = stream(seed, "inputs of a network")
    if kind == "features":
        return draws.normal(size=(n, 16)).astype(np.float32)
    return draws.integers(0, 256, size=(n, 3, 32, 32)).astype(np.uint8)


@lru_cache(maxsize=8)
def _kind(network: Network) -> str:
    """Return "features" where images are refused or do not go through it, and features do; else "images"."""
    return "features" if not _takes(network, "images") and _takes(network, "features") else "images"


def _takes(network: Network, kind: str) -> bool:
    inputs = _draw(kind, 2, 0)
    try:
        network.check_input(inputs.shape[1:])
        with torch.random.fork_rng(), torch.no_grad():
            module: Any = network.build(inputs.shape[1:], N_CLASSES, stream(0, "initialisation")).eval()
            module(network.preparation(inputs)(inputs).float())
    except Exception:  # noqa: BLE001 - whatever it raises, the clauses say what of it is wrong
        return False
    return True


def _model(network: Network, seed: int = 0) -> Model:
    return Model(network, seed, list(range(N_CLASSES)), _inputs(network), "cpu")


def _weights(model: Model) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.weights().items()}


def _differing(one: dict[str, Tensor], other: dict[str, Tensor]) -> list[str]:
    return [name for name in one if name not in other or not torch.equal(one[name], other[name])]


@_clause("Building, growing, preparing inputs and predicting draw from no global generator")
def _own_randomness(network: Network, _: Budget) -> None:
    with only_draws():  # each raises SettingError
        model = _model(network)
        model.grow(N_CLASSES)
        model.predict(_inputs(network))


@_clause("It has features and a linear head, and its outputs are the head of the features", after=["own-randomness"])
def _shapes(network: Network, _: Budget) -> None:
    model = _model(network)
    module: Any = model.network.eval()
    x = model.prepare(_inputs(network))
    if not isinstance(module.head, nn.Linear) or module.head.out_features != N_CLASSES:
        raise ContractError(f"its head is {module.head}; build a torch.nn.Linear with an output for each class")
    if not callable(getattr(module, "features", None)):
        raise ContractError("it has no features(x); define what enters the head, (n, d)")
    with torch.no_grad():
        features, outputs = module.features(x), module(x)
        if tuple(features.shape) != (len(x), module.head.in_features) or tuple(outputs.shape) != (len(x), N_CLASSES):
            raise ContractError(
                f"of {len(x)} inputs features are {tuple(features.shape)} and outputs {tuple(outputs.shape)}; return "
                f"({len(x)}, {module.head.in_features}) and ({len(x)}, {N_CLASSES})"
            )
        if not torch.allclose(outputs, module.head(features), rtol=1e-4, atol=1e-5):
            raise ContractError(
                "its outputs are not its head of its features; let forward return self.head(self.features(x))"
            )


@_clause("Two builds of one seed are equal, whatever ran before", after=["own-randomness"])
def _equal_builds(network: Network, _: Budget) -> None:
    first = _weights(_model(network))
    before = torch.get_rng_state()
    try:
        torch.manual_seed(20161101)
        torch.rand(7)
        wrong = _differing(first, _weights(_model(network)))
    finally:
        torch.set_rng_state(before)
    if wrong:
        raise ContractError(
            f"{wrong[0]} differs between two builds of seed 0; draw every weight from `draws`, or let torch draw "
            "inside torch.random.fork_rng() after torch.manual_seed(int(draws.integers(2**63)))"
        )


@_clause("Other seeds give other weights", after=["own-randomness"])
def _seeds_differ(network: Network, _: Budget) -> None:
    if not _differing(_weights(_model(network)), _weights(_model(network, seed=1))):
        raise ContractError("seeds 0 and 1 give the same weights; draw them from `draws`")


@_clause("Growing leaves the outputs of the other classes as they are", after=["own-randomness"])
def _grows(network: Network, _: Budget) -> None:
    model = _model(network)
    model.network.eval()
    x = model.prepare(_inputs(network))
    with torch.no_grad():
        before = model.network(x)
        model.grow(N_CLASSES)
        after = model.network(x)
    if tuple(after.shape) != (len(x), N_CLASSES + 1) or not torch.allclose(before, after[:, :-1], rtol=1e-4, atol=1e-5):
        raise ContractError("a further output changes the others; let the head be the last layer, and linear")


@_clause("Inputs are prepared one by one, to finite numbers, from the initial set alone", after=["own-randomness"])
def _preparation(network: Network, _: Budget) -> None:
    model, inputs = _model(network), _inputs(network, n=5, seed=1)
    together = model.prepare(inputs)
    alone = torch.cat([model.prepare(inputs[place : place + 1]) for place in range(len(inputs))])
    if not bool(torch.isfinite(together).all()):
        raise ContractError("prepared inputs hold NaN or infinite numbers; bound the divisor in preparation(initial)")
    if not torch.equal(together, alone):
        raise ContractError(
            "an input is prepared otherwise when it comes with others; take means and scales from `initial` alone"
        )


@_clause("In eval mode an output depends on its own input alone", after=["own-randomness"])
def _eval_mode(network: Network, _: Budget) -> None:
    model = _model(network)
    module: Any = model.network.eval()
    x = model.prepare(_inputs(network, n=5, seed=1))
    with torch.no_grad():
        together = module(x)
        alone = torch.cat([module(x[place : place + 1]) for place in range(len(x))])
    if not torch.allclose(together, alone, rtol=1e-3, atol=1e-4 * float(together.abs().max()) + 1e-6):
        raise ContractError("an output changes with the other inputs of its batch; let eval mode use fixed statistics")


@_clause("Its parameters survive being written as text and as JSON")
def _text_round_trip(network: Network, _: Budget) -> None:
    check_round_trip(network)
