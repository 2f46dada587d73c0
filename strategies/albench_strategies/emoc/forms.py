"""The three forms of a layer's inner products <J_{x,c}, g_{x'}>, and which of them costs least (docs/emoc.md).

With U, D the factors of an image x and U', D' those of a candidate x':

* explicit: build J = sum_t D_t U_t^T and g alike, then one matrix product over the layer's weights;
* half: sum_t D_t . (g U_t), which builds g only: cheap for many functions;
* Gram: sum_ts (U_t . U'_s) (D_t . D'_s), over pairs of positions, which builds neither: cheap for few positions.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor

from albench_strategies.numerics.gradients.layers import Factors, Shape, mixed
from albench_strategies.numerics.gradients.workspace import Workspace

ELEMENTWISE_COST = 8  # a multiply-add outside a matrix product, counted in those inside
SCRATCH_BYTES = 64_000_000  # of the largest intermediate of the half and the Gram form


class Form(StrEnum):
    """How a layer's inner products are computed."""

    explicit = "explicit"
    half = "half"
    gram = "gram"


@dataclass(frozen=True)
class Side:
    """One layer of the candidates: their gradients g, (m, G p d), or their factors with F = 1 for the Gram form."""

    form: Form
    gradient: Tensor | None = None
    factors: Factors | None = None

    def part(self, rows: slice | Tensor) -> Side:
        """Return the same for some of the candidates."""
        if self.gradient is not None:
            return Side(self.form, self.gradient[rows])
        assert self.factors is not None
        return Side(self.form, None, Factors(self.factors.patches[rows], self.factors.deltas[rows]))


def costs(shape: Shape, n_images: int, n_candidates: int) -> dict[Form, float]:
    """Return the multiply-adds of each form for all pairs, building J and g included."""
    groups, positions, functions, outputs, width = (
        shape.groups,
        shape.positions,
        shape.functions,
        shape.outputs,
        shape.width,
    )
    pairs = n_images * n_candidates
    grams = shape.rows if positions == 1 else functions  # of one position: deltas are mixed before, products after
    build = groups * outputs * width * positions
    found = {Form.explicit: pairs * functions * shape.weights + (n_images * functions + n_candidates) * build}
    if groups == 1:  # with groups the other two would be a product of small matrices a group
        found[Form.half] = pairs * positions * outputs * (width + functions) + n_candidates * build
        found[Form.gram] = pairs * positions**2 * (width + grams * (outputs + ELEMENTWISE_COST))
    return {form: float(count) for form, count in found.items()}


def cheapest(shape: Shape, n_images: int, n_candidates: int) -> Form:
    """Return the form of the fewest multiply-adds."""
    counted = costs(shape, n_images, n_candidates)
    return min(counted, key=lambda form: counted[form])


def explicit(factors: Factors, space: Workspace | None = None, name: str = "") -> Tensor:
    """Return a layer's gradients, one row an image and function, (n F, G p d); in `space` when given."""
    n, groups, positions, functions, outputs = factors.deltas.shape
    width = factors.patches.shape[3]
    deltas = factors.deltas.reshape(n * groups, positions, functions * outputs)
    columns = factors.patches.reshape(n * groups, positions, width)
    shape = (n * groups, functions * outputs, width)
    if space is None:
        result = torch.bmm(deltas.transpose(1, 2), columns)
    else:
        result = space.take(f"gradient {name}", shape, columns.dtype, columns.device)
        torch.bmm(deltas.transpose(1, 2), columns, out=result)
    if groups > 1:
        result = result.view(n, groups, functions, outputs * width).transpose(1, 2)
    return result.reshape(n * functions, groups * outputs * width)


def half(factors: Factors, side: Side) -> Tensor:
    """Return sum_t D_t . (g U_t), (n F, m), for candidates with gradients g."""
    assert side.gradient is not None
    n, _, positions, functions, outputs = factors.deltas.shape
    columns = factors.patches.reshape(n * positions, -1)
    deltas = factors.deltas.reshape(n, positions, functions, outputs).permute(0, 2, 3, 1).flatten(2)  # (n, F, p T)
    m = len(side.gradient)
    result = columns.new_empty(n * functions, m)
    step = _step(m, n * positions * outputs, columns)
    for start in range(0, m, step):
        gradient = side.gradient[start : start + step]
        moved = gradient.view(len(gradient) * outputs, -1) @ columns.T  # (m p, n T)
        moved = moved.view(len(gradient), outputs, n, positions).permute(2, 1, 3, 0).reshape(n, -1, len(gradient))
        result[:, start : start + step] = torch.bmm(deltas, moved).view(n * functions, -1)
    return result


def gram(factors: Factors, side: Side) -> Tensor:
    """Return sum_ts (U_t . U'_s) (D_t . D'_s), (n F, m), for candidates with factors U', D'."""
    assert side.factors is not None
    n, _, positions, functions, outputs = factors.deltas.shape
    deltas = factors.deltas.reshape(n, positions, functions, outputs).transpose(1, 2).reshape(-1, outputs)  # (n F T, p)
    columns = factors.patches.reshape(n * positions, -1)  # (n T, d)
    m = len(side.factors.patches)
    result = deltas.new_empty(n * functions, m)
    step = _step(m, len(deltas) * positions, columns)
    for start in range(0, m, step):
        other = side.part(slice(start, start + step)).factors
        assert other is not None
        k = len(other.patches)
        alike = columns @ other.patches.reshape(k * positions, -1).T
        pull = deltas @ other.deltas.reshape(k * positions, outputs).T
        product = torch.einsum(
            "nctms,ntms->ncm",
            pull.view(n, functions, positions, k, positions),
            alike.view(n, positions, k, positions),
        )
        result[:, start : start + step] = product.reshape(n * functions, k)
    return result


def add_single_gram(changes: Tensor, factors: Factors, side: Side) -> None:
    """Add the Gram form of a layer of one position, (a . a') (D . D'), to `changes`, (n F, m), in place."""
    assert side.factors is not None
    n, m = len(factors.patches), len(side.factors.patches)
    alike = factors.patches.flatten(1) @ side.factors.patches.flatten(1).T
    deltas = mixed(factors.deltas.flatten(0, 3), factors.mixing)
    pull = deltas @ side.factors.deltas.flatten(1).T
    changes.view(n, -1, m).addcmul_(pull.view(n, -1, m), alike.view(n, 1, m))


def _step(m: int, numbers_each: int, like: Tensor) -> int:
    return min(m, max(1, SCRATCH_BYTES // (like.element_size() * numbers_each)))
