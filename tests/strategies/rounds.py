"""Small rounds in float64, and what the network says of them computed one image at a time."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from albench.contracts.query import Query
from albench.testing import Probe, make_probe

Array = NDArray[np.float64]


def round64(**shape: int) -> Query:
    """A query whose network and images are float64, so that formulas can be compared to many digits."""
    return probe64(**shape).query()


def probe64(**shape: int) -> Probe:
    probe = make_probe(**shape)
    network = copy.deepcopy(probe.network).double()
    with torch.no_grad():
        network.head.weight.mul_(2)  # posteriors that differ
    return replace(probe, network=network, pool=probe.pool.double(), labeled=probe.labeled.double())


@dataclass(frozen=True)
class Seen:
    """Features, logits and posteriors of the pool and of the labelled images, as numpy arrays."""

    f: Array
    z: Array
    p: Array
    labeled_f: Array
    labels: NDArray[np.int64]
    sets: NDArray[np.int64]


def look(query: Query) -> Seen:
    """Run the network on one image after another."""
    features = [query.network.features(image[None])[0].detach().numpy() for image in query.pool]
    labeled = [query.network.features(image[None])[0].detach().numpy() for image in query.labeled]
    logits = [query.network(image[None])[0].detach().numpy() for image in query.pool]
    exponentials = np.exp(np.array(logits))
    return Seen(
        np.array(features),
        np.array(logits),
        exponentials / exponentials.sum(axis=1, keepdims=True),
        np.array(labeled),
        query.labels.numpy(),
        query.sets.numpy(),
    )


def close(found: torch.Tensor, expected: object, rtol: float = 1e-7, atol: float = 1e-9) -> None:
    np.testing.assert_allclose(found.detach().double().numpy(), np.asarray(expected), rtol=rtol, atol=atol)


def unit(points: Array) -> Array:
    return np.array([point / np.linalg.norm(point) for point in points])


def greedy_in_set(start: Array, distance: object, keep_start: bool) -> float:
    """The mean gain of picking a set's members farthest first, one at a time; distance(i, j) of members."""
    members = list(range(len(start)))
    picked: list[int] = []
    total = 0.0
    while len(picked) < len(start):

        def gain(i: int) -> float:
            reach = [distance(i, j) for j in picked]  # type: ignore[operator]
            if not picked or keep_start:
                reach.append(float(start[i]))
            return min(reach)

        best = max((i for i in members if i not in picked), key=gain)
        total += gain(best)
        picked.append(best)
    return total / len(start)
