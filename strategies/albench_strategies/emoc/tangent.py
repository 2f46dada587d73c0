"""The neural tangent kernel between images, from the factors of their gradients, in blocks that fit in memory."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from albench.products import add_inner
from albench_strategies.emoc.forms import Form, Side, add_single_gram, cheapest, explicit, gram, half
from albench_strategies.emoc.precision import matmul_precision
from albench_strategies.emoc.problem import CANDIDATES_A_PIECE, gather_sides, is_single, memory
from albench_strategies.numerics.gradients.layers import Factors, Shape
from albench_strategies.numerics.gradients.recorder import Recorder, summed_logits

CPU_CHUNK_BYTES = 64_000_000  # of the largest layer's patches and gradients of a chunk of images
CPU_BLOCK_BYTES = 600_000_000  # of the gradients held at once


class TangentKernel:
    """The pseudo-NTK k(x, x') = <dg(x)/dtheta, dg(x')/dtheta>, g = sum_c f_c / sqrt(C) (Mohamadi et al. 2023).

    `linear_only` takes the weights of linear layers alone. Raises StrategyError for a network that the recorder does
    not know or whose outputs are not finite.
    """

    def __init__(self, network: nn.Module, linear_only: bool, strategy: str, advice: str) -> None:
        self._recorder = Recorder(network, linear_only, strategy, advice)

    def matrix(self, images: Tensor, others: Tensor) -> Tensor:
        """Return k of every image with every other, float64, (n, m)."""
        result = torch.empty(len(images), len(others), dtype=torch.float64, device=images.device)
        for rows, columns, values in self.blocks(images, others):
            result[rows, columns] = values
        return result

    def diagonal(self, images: Tensor) -> Tensor:
        """Return k of every image with itself, float64, (n,)."""
        space = self._recorder.space
        parts = [
            torch.stack([explicit(layer, space, "diagonal").double().square_().sum(dim=1) for layer in factors])
            for _, factors in self._pieces(images)
        ]
        return torch.cat([part.sum(dim=0) for part in parts])

    def blocks(self, images: Tensor, others: Tensor) -> Iterator[tuple[slice, slice, Tensor]]:
        """Yield rows among the images, columns among the others, and k of them, float64, until all are done."""
        shapes = [factors.shape for factors in self._recorder.factors(images[:1], summed_logits)]
        forms = [cheapest(shape, len(images), len(others)) for shape in shapes]
        numbers = sum(_numbers_held(shape, form) for shape, form in zip(shapes, forms, strict=True))
        size = max(CANDIDATES_A_PIECE, self._fitting(others, CPU_BLOCK_BYTES, numbers))
        chunk = max(1, self._fitting(images, CPU_CHUNK_BYTES, max(map(_numbers_an_image, shapes))))
        with matmul_precision("fp32", images.device):
            for start in range(0, len(others), size):
                block = others[start : start + size]
                sides = gather_sides(self._pieces(block), len(block), forms, self._recorder.space)
                for first in range(0, len(images), chunk):
                    part = images[first : first + chunk]
                    values = self._products(self._recorder.factors(part, summed_logits), sides, len(block))
                    yield slice(first, first + len(part)), slice(start, start + len(block)), values.double()

    def _products(self, factors: list[Factors], sides: list[Side], count: int) -> Tensor:
        result = factors[0].deltas.new_zeros(len(factors[0].deltas), count)
        for layer, (ours, side) in enumerate(zip(factors, sides, strict=True)):
            if is_single(side.form, ours):
                add_single_gram(result, ours, side)
            elif side.form is Form.explicit:
                assert side.gradient is not None
                add_inner(result, explicit(ours, self._recorder.space, f"image {layer}"), side.gradient)
            else:
                result += half(ours, side) if side.form is Form.half else gram(ours, side)
        return result

    def _pieces(self, images: Tensor) -> Iterator[tuple[slice, list[Factors]]]:
        for start in range(0, len(images), CANDIDATES_A_PIECE):
            part = images[start : start + CANDIDATES_A_PIECE]
            yield slice(start, start + len(part)), self._recorder.factors(part, summed_logits)

    def _fitting(self, images: Tensor, on_cpu: int, numbers: int) -> int:
        return memory(images.device, on_cpu) // (max(1, numbers) * images.element_size())


def _numbers_an_image(shape: Shape) -> int:
    return shape.groups * max(shape.outputs * shape.width, shape.positions * (shape.outputs + shape.width))


def _numbers_held(shape: Shape, form: Form) -> int:
    if form is Form.gram:
        return shape.groups * shape.positions * (shape.outputs + shape.width)
    return shape.weights
