"""The kernel with every other tile size, over the shapes at which it may be used, and one at which it may not."""

from __future__ import annotations

import torch

from benchmarks.on_gpu.products import DRY_SHAPES, SHAPES, prepared, row_of
from benchmarks.on_gpu.section import Session
from benchmarks.on_gpu.tiles import configurations, interleaved

SWEPT = tuple(shape for shape in SHAPES if shape.classes == 20 and shape.k in (0, 64, 256, 512, 1024, 79328))


def measure(session: Session) -> None:
    """Leave a row for each tile size that the section `products` has not tried, and each shape."""
    torch.use_deterministic_algorithms(not session.dry)
    cases = [case for shape in (DRY_SHAPES if session.dry else SWEPT) if (case := prepared(session, shape))]
    for precision, tiles in interleaved(session.configurations, session.dry):
        if tiles == configurations(precision, 1, session.dry)[0]:
            continue
        for case in cases:
            session.row(**row_of(session, case, precision, tiles))
