"""Queries for tests, benchmarks and authors: the real class around a real, untrained network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from albench.contracts.query import Query
from albench.rng import stream, torch_stream

if TYPE_CHECKING:
    from albench.contracts.network import Network


def make_query(
    n_pool: int = 200,
    n_labeled: int = 50,
    n_classes: int = 10,
    n_sets: int | None = 20,
    set_size: int = 5,
    image_shape: tuple[int, int, int] = (3, 32, 32),
    seed: int = 0,
    network: Network | None = None,
    device: str = "cpu",
) -> Query:
    """Return a query over random images and a network with random weights, the same for the same arguments.

    Images are uniform on 0..255 minus 127.5, and the network is `cifar10-quick` unless another recipe is given. Each
    candidate set holds `set_size` different pool examples; `n_sets=None` makes a query without sets. Raises
    ValueError when a set would be larger than the pool.
    """
    if n_sets is not None and set_size > n_pool:
        raise ValueError(f"set_size={set_size} is more than n_pool={n_pool}")
    draws = stream(seed, "make_query")
    if network is None:
        from albench.networks.cifar10_quick import Cifar10Quick

        network = Cifar10Quick()
    module = network.build(image_shape, n_classes, draws).to(device)
    pixels = draws.integers(0, 256, size=(n_pool + n_labeled, *image_shape)).astype(np.float32) - 127.5
    images = torch.from_numpy(pixels).to(device, memory_format=torch.channels_last)
    sets = None
    if n_sets is not None:
        rows = [draws.choice(n_pool, size=set_size, replace=False) for _ in range(n_sets)]
        sets = torch.from_numpy(np.asarray(rows, dtype=np.int64).reshape(n_sets, set_size)).to(device)
    return Query(
        network=module.eval(),
        pool=images[:n_pool],
        labeled=images[n_pool:],
        labels=torch.from_numpy(draws.integers(0, n_classes, size=n_labeled)).to(device),
        sets=sets,
        generator=torch_stream(seed, "make_query"),
    )
