"""A query in EMOC's terms, and the two loops over it: pieces of candidates, and chunks of images that fit."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from albench_strategies.emoc.forms import Form, Side, cheapest, explicit
from albench_strategies.numerics.gradients.layers import Factors, Narrowed, Shape
from albench_strategies.numerics.gradients.recorder import Recorder, logits_jacobian, loss_gradient, softmax_jacobian
from albench_strategies.numerics.gradients.workspace import Workspace

CANDIDATES_A_PIECE = 50
CPU_CHUNK_BYTES = 128_000_000  # of the largest layer's Jacobian of a chunk of images; larger gains nothing
CPU_GRADIENT_BYTES = 1_500_000_000  # of the candidates' gradients held at once; more candidates are done in blocks
DEVICE_SHARE = 0.3  # of a device's free memory, for each of the two
IMAGES_A_CHUNK = 256  # at most


@dataclass(frozen=True)
class Problem:
    """N images x, and n pairs of a candidate x' and a label, whose scores are mean_x || J_x grad L(x', y) ||_1.

    `examples` are the candidates' rows in `pool`, (n,); `labels` their labels, (n,). `precision` is that of matrix
    products on CUDA: fp32, tf32 or bf16.
    """

    recorder: Recorder
    images: Tensor
    pool: Tensor
    examples: Tensor
    labels: Tensor
    softmax: bool
    precision: str = "tf32"

    def __len__(self) -> int:
        return len(self.examples)

    def jacobian(self, images: Tensor) -> list[Factors]:
        """Return each layer's factors of the Jacobian of images."""
        return [found for found in self._jacobian(images, (), {}) if isinstance(found, Factors)]

    def narrowed_jacobian(
        self, images: Tensor, bases: Mapping[int, Tensor], lowered: Collection[int] = ()
    ) -> tuple[list[Factors], list[Narrowed]]:
        """Return the factors of the layers without a basis, and what is narrowed of the others, in their orders.

        The layers at the places `lowered` are in bf16.
        """
        found = self._jacobian(images, lowered, bases)
        whole = [one for one in found if isinstance(one, Factors)]
        return whole, [one for one in found if isinstance(one, Narrowed)]

    def _jacobian(
        self, images: Tensor, lowered: Collection[int], bases: Mapping[int, Tensor]
    ) -> list[Factors | Narrowed]:
        return self.recorder.jacobian(images, softmax_jacobian if self.softmax else logits_jacobian, lowered, bases)

    def gradients(self, pairs: Tensor, lowered: Collection[int] = ()) -> Iterator[tuple[slice, list[Factors]]]:
        """Yield the places in `pairs`, piece by piece, and each layer's factors of those pairs' loss gradients."""
        for start in range(0, len(pairs), CANDIDATES_A_PIECE):
            rows = pairs[start : start + CANDIDATES_A_PIECE]
            found = self.recorder.factors(self.pool[self.examples[rows]], loss_gradient(self.labels[rows]), lowered)
            yield slice(start, start + len(rows)), found

    def shapes(self) -> list[Shape]:
        """Return the sizes of each layer's factors of the Jacobian."""
        return [factors.shape for factors in self.jacobian(self.images[:1])]

    def forms(self) -> list[Form]:
        """Return each layer's cheapest form."""
        return [cheapest(shape, len(self.images), len(self)) for shape in self.shapes()]

    def over_images(
        self, size: int, partial: Callable[[Tensor], Tensor], part: slice = slice(None)
    ) -> Iterator[Tensor]:
        """Yield `partial` of chunks of the images, or of some; out of memory halves the chunk and goes on."""
        images, start = self.images[part], 0
        while start < len(images):
            try:
                found = partial(images[start : start + size])
            except torch.OutOfMemoryError:
                if size == 1:
                    raise
                size //= 2
                self.recorder.space.clear()
                if self.images.is_cuda:
                    torch.cuda.empty_cache()
                continue
            yield found
            start += size

    def chunk_size(self, numbers_an_image: int) -> int:
        """Return how many images to do at once, given the numbers that one needs in the largest buffers."""
        bytes_each = max(1, numbers_an_image) * self.images.element_size()
        return int(min(IMAGES_A_CHUNK, max(1, memory(self.images.device, CPU_CHUNK_BYTES) // bytes_each)))

    def block_size(self, numbers_a_pair: int) -> int:
        """Return how many pairs' gradients to hold at once."""
        bytes_each = max(1, numbers_a_pair) * self.images.element_size()
        return int(max(CANDIDATES_A_PIECE, memory(self.images.device, CPU_GRADIENT_BYTES) // bytes_each))


def memory(device: torch.device, on_cpu: int) -> int:
    """Return how many bytes a large buffer may take: so many on the CPU, a share of what is free on a device."""
    return on_cpu if device.type != "cuda" else int(DEVICE_SHARE * torch.cuda.mem_get_info(device)[0])


def gather_sides(
    found: Iterable[tuple[slice, list[Factors]]], count: int, forms: list[Form], space: Workspace
) -> list[Side]:
    """Return each layer of `count` gradients in the form that its products need, one buffer a layer.

    `found` yields their places and each layer's factors, piece by piece.
    """
    gradients: list[Tensor | None] = [None] * len(forms)
    kept: list[list[Factors]] = [[] for _ in forms]
    for place, pieces in found:
        for layer, (form, factors) in enumerate(zip(forms, pieces, strict=True)):
            if form is Form.gram:
                kept[layer].append(Factors(factors.patches.clone(), factors.deltas.clone()))
                continue
            gradient = explicit(factors, space, f"piece {layer}")
            buffer = gradients[layer]
            if buffer is None:
                buffer = gradients[layer] = gradient.new_empty(count, gradient.shape[1])
            buffer[place] = gradient
    return [
        Side(form, None, joined(parts)) if form is Form.gram else Side(form, gradient)
        for form, gradient, parts in zip(forms, gradients, kept, strict=True)
    ]


def joined(parts: list[Factors]) -> Factors:
    """Return the factors of several batches as those of one."""
    return Factors(torch.cat([part.patches for part in parts]), torch.cat([part.deltas for part in parts]))


def is_single(form: Form, factors: Factors) -> bool:
    """Tell a Gram form of one position: its product takes two small matrix products and no sum over positions."""
    return form is Form.gram and factors.deltas.shape[2] == 1
