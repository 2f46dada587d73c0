"""The query of a benchmark: the common network over smooth random images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from albench.bench.size import Size
from albench.contracts.query import Query
from albench.rng import torch_stream
from albench.testing import make_query

if TYPE_CHECKING:
    from torch import Tensor

SIDE = 32
COARSE = 4  # pixels of the noise that is blown up to an image
DETAIL = 8.0  # standard deviation of the noise that is not


def make_benchmark_query(size: Size) -> Query:
    """Return a query of that size around an untrained `cifar10-quick`.

    Its images vary smoothly, as photographs do: white noise would be a hard case for strategies that look for
    structure in the images.
    """
    query = make_query(
        n_pool=size.pool,
        n_labeled=size.labeled,
        n_classes=size.classes,
        n_sets=size.sets,
        set_size=size.set_size,
        image_shape=(3, SIDE, SIDE),
        device=size.device,
    )
    images = _smooth(size.pool + size.labeled).to(size.device).contiguous(memory_format=torch.channels_last)
    return Query(
        query.network, images[: size.pool], images[size.pool :], query.labels, query.sets, torch_stream(0, "bench")
    )


def fresh(query: Query, name: str) -> Query:
    """Return the query as if nothing had been asked of it yet, with a generator of its own."""
    return Query(
        query.network, query.pool, query.labeled, query.labels, query.sets, torch_stream(0, "bench strategy", name)
    )


def _smooth(n: int) -> Tensor:
    draws = torch_stream(0, "bench images")
    coarse = 50 * torch.randn(n, 3, COARSE, COARSE, generator=draws)
    detail = DETAIL * torch.randn(n, 3, SIDE, SIDE, generator=draws)
    return F.interpolate(coarse, size=(SIDE, SIDE), mode="bicubic") + detail
