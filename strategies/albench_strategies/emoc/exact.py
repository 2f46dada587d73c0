"""EMOC scores, exact: the Jacobian is streamed in chunks of images against the gradients of all candidates."""

from __future__ import annotations

import torch
from torch import Tensor

from albench.products import add_inner, by_onednn, inner
from albench_strategies.emoc.forms import Form, Side, explicit, gram, half
from albench_strategies.emoc.grams import Grams, finish
from albench_strategies.emoc.precision import matmul_precision, product_dtype
from albench_strategies.emoc.problem import Problem, gather_sides, is_single
from albench_strategies.emoc.row_sums import row_sums
from albench_strategies.numerics.gradients.layers import Factors, Shape, mixed


def exact_scores(problem: Problem, pairs: Tensor | None = None) -> Tensor:
    """Return the exact score of the problem's pairs, or of some of them, (n,), at least 0."""
    pairs = torch.arange(len(problem), device=problem.images.device) if pairs is None else pairs
    shapes, forms = problem.shapes(), problem.forms()
    block = problem.block_size(sum(_numbers_a_pair(shape, form) for shape, form in zip(shapes, forms, strict=True)))
    with matmul_precision(problem.precision, problem.images.device):
        parts = [_block(problem, part, shapes, forms) for part in torch.split(pairs, block)]
    return torch.cat(parts).to(problem.images.dtype)


def _block(problem: Problem, pairs: Tensor, shapes: list[Shape], forms: list[Form]) -> Tensor:
    sides = gather_sides(problem.gradients(pairs), len(pairs), forms, problem.recorder.space)
    largest = max(max(shape.functions * shape.weights, shape.rows * len(pairs)) for shape in shapes)

    def partial(images: Tensor) -> Tensor:
        return chunk_sums(problem, problem.jacobian(images), sides)

    total = torch.zeros(len(pairs), dtype=torch.float64, device=pairs.device)
    for part in problem.over_images(problem.chunk_size(largest), partial):
        total += part
    return total / len(problem.images)


def chunk_sums(problem: Problem, factors: list[Factors], sides: list[Side]) -> Tensor:
    """Return the sum over a chunk's images and functions of the absolute changes, float64, (m,)."""
    singles = [(ours, side.factors) for ours, side in zip(factors, sides, strict=True) if is_single(side.form, ours)]
    grams = Grams.of([(ours, other) for ours, other in singles if other is not None])
    changes = many_position_changes(problem, factors, sides)
    weights = factors[0].deltas.new_ones(len(factors[0].deltas) * factors[0].rows)
    if changes is None:
        nothing = weights.new_empty(len(weights), 0)
        empty = weights.new_empty(len(grams.other_inputs[0]), 0)
        return row_sums(nothing, empty, grams, weights, problem.precision)
    return finish(changes, grams, weights)


def many_position_changes(problem: Problem, factors: list[Factors], sides: list[Side]) -> Tensor | None:
    """Return the changes through the layers that are no single Gram form, (images * F, m); None without such."""
    changes: dict[bool, Tensor] = {}  # of the functions themselves, and of those that they are mixed from
    mixing: Tensor | None = None
    for layer, (ours, side) in enumerate(zip(factors, sides, strict=True)):
        if is_single(side.form, ours):
            continue
        mixing, mixes = ours.mixing if mixing is None else mixing, ours.mixing is not None
        before = changes.get(mixes)
        if side.form is Form.explicit:
            jacobian = explicit(ours, problem.recorder.space, f"image {layer}")
            changes[mixes] = _add_product(problem, before, jacobian, side, f"changes {mixes}")
        else:
            product = half(ours, side) if side.form is Form.half else gram(ours, side)
            changes[mixes] = product if before is None else before.add_(product)
    if mixing is None:
        return changes.get(False)
    found = mixed(changes[True], mixing)
    return found.add_(changes[False]) if False in changes else found


def _add_product(problem: Problem, changes: Tensor | None, jacobian: Tensor, side: Side, name: str) -> Tensor:
    assert side.gradient is not None
    gradient = side.gradient
    dtype = product_dtype(problem.precision, jacobian)
    if dtype != jacobian.dtype:  # bf16 products are added up in float32
        product = (jacobian.to(dtype) @ gradient.to(dtype).T).to(jacobian.dtype)
        return product if changes is None else changes.add_(product)
    if changes is not None:
        return add_inner(changes, jacobian, gradient)
    if by_onednn(jacobian, gradient):
        return inner(jacobian, gradient)
    shape = (len(jacobian), len(gradient))
    return torch.mm(jacobian, gradient.T, out=problem.recorder.space.take(name, shape, dtype, jacobian.device))


def _numbers_a_pair(shape: Shape, form: Form) -> int:
    if form is Form.gram:
        return shape.groups * shape.positions * (shape.outputs + shape.width)
    return shape.weights
