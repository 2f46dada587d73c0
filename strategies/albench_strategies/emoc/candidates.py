"""The candidates' gradients as low-rank scoring needs them: explicit layers side by side in one row a pair."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from albench.products import inner
from albench_strategies.emoc.forms import Form, Side, explicit
from albench_strategies.emoc.problem import Problem, joined
from albench_strategies.numerics.gradients.layers import Factors
from albench_strategies.numerics.gradients.lowered import LOWER

SHORTEST = 1e-30  # a gradient of zeros stays one


@dataclass(frozen=True)
class Layout:
    """Which layers are explicit, and so projected, and where each stands in a row."""

    forms: list[Form]
    widths: list[int]

    @classmethod
    def of(cls, problem: Problem, forms: list[Form]) -> Layout:
        """Lay out the layers of a problem."""
        shapes = zip(problem.shapes(), forms, strict=True)
        return cls(forms, [shape.weights for shape, form in shapes if form is Form.explicit])

    @property
    def explicit(self) -> list[int]:
        """The explicit layers."""
        return [layer for layer, form in enumerate(self.forms) if form is Form.explicit]

    @property
    def others(self) -> list[int]:
        """The layers that stay exact."""
        return [layer for layer, form in enumerate(self.forms) if form is not Form.explicit]

    @property
    def starts(self) -> list[int]:
        """Where each explicit layer begins in a row."""
        return [0, *accumulate(self.widths)][:-1]


@dataclass(frozen=True)
class Gathered:
    """Some pairs: `rows` of explicit gradients, (m, K), their lengths, (m, 1), and the other layers' sides."""

    rows: Tensor
    lengths: Tensor
    others: list[Side]


def gather_unit(problem: Problem, layout: Layout, pairs: Tensor, lowered: Collection[int] = ()) -> Gathered:
    """Return the gradients of pairs, the rows scaled to unit length; with explicit layers `lowered` in bf16."""
    dtype = LOWER if lowered else problem.images.dtype
    rows = problem.images.new_empty(len(pairs), sum(layout.widths), dtype=dtype)
    lengths = problem.images.new_empty(len(pairs), 1)

    def keep(place: slice, gradients: list[Tensor]) -> None:
        parts = [torch.linalg.vector_norm(gradient, dim=1, dtype=lengths.dtype) for gradient in gradients]
        lengths[place] = torch.linalg.vector_norm(torch.stack(parts), dim=0).clamp(min=SHORTEST)[:, None]
        for gradient, start in zip(gradients, layout.starts, strict=True):
            torch.div(gradient, lengths[place].to(dtype), out=rows[place, start : start + gradient.shape[1]])

    return Gathered(rows, lengths, _gathered(problem, layout, pairs, lowered, keep))


def gather_projected(
    problem: Problem, layout: Layout, pairs: Tensor, directions: Tensor, lowered: Collection[int] = ()
) -> Gathered:
    """Return the gradients of pairs, the rows projected on directions, (r, K): (m, r)."""
    rows = problem.images.new_empty(len(pairs), len(directions))
    parts = torch.split(directions.to(LOWER if lowered else directions.dtype), layout.widths, dim=1)

    def keep(place: slice, gradients: list[Tensor]) -> None:
        products = [inner(gradient, part) for gradient, part in zip(gradients, parts, strict=True)]
        rows[place] = torch.stack(products).sum(dim=0, dtype=rows.dtype)

    others = _gathered(problem, layout, pairs, lowered, keep)
    return Gathered(rows, rows.new_ones(len(rows), 1), others)


def _gathered(
    problem: Problem,
    layout: Layout,
    pairs: Tensor,
    lowered: Collection[int],
    keep: Callable[[slice, list[Tensor]], None],
) -> list[Side]:
    """Hand the explicit layers' gradients over, piece by piece, and return the other layers' sides."""
    space = problem.recorder.space
    kept: list[list[Factors]] = [[] for _ in layout.others]
    gradients: list[list[Tensor]] = [[] for _ in layout.others]
    for place, factors in problem.gradients(pairs, lowered):
        keep(place, [explicit(factors[layer], space, f"piece {layer}") for layer in layout.explicit])
        for position, layer in enumerate(layout.others):
            if layout.forms[layer] is Form.half:
                gradients[position].append(explicit(factors[layer]))
            else:
                kept[position].append(Factors(factors[layer].patches.clone(), factors[layer].deltas.clone()))
    return [
        Side(layout.forms[layer], None, joined(kept[position]))
        if kept[position]
        else Side(layout.forms[layer], torch.cat(gradients[position]))
        for position, layer in enumerate(layout.others)
    ]
