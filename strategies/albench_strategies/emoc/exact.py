"""EMOC scores, exact: the Jacobian is streamed in chunks of images against the gradients of all candidates.

For outputs f and the loss gradient g of a pair (x', y), the score is the mean over x of sum_c |<J_{x,c}, g>|. Per
layer the inner product takes the form that needs the fewest operations (docs/emoc.md):

* explicit: build J and g of the layer, one matrix product over its weights (convolutions on large images);
* Gram: products of patches with patches and derivatives with derivatives, over pairs of positions (linear layers, and
  convolutions on small maps).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from albench_strategies.emoc.layers import Factors, Recorder

IMAGES_A_CHUNK = 16
CANDIDATES_A_CHUNK = 100
GRADIENT_BYTES = 1_500_000_000  # of the candidates' gradients held at once; more candidates are done in blocks
GRAM_BYTES = 64_000_000  # of a Gram product's largest intermediate
ELEMENTWISE_COST = 8  # a multiply-add outside a matrix product, counted in those inside


@dataclass(frozen=True)
class Gradients:
    """A layer's loss gradients of all candidates of a block, in the form that its products need.

    `dense` is (n, p d) for the explicit form and None for Gram, which keeps `patches`, (n, T, d), and `deltas`, (n,
    p, T).
    """

    dense: Tensor | None
    patches: Tensor | None = None
    deltas: Tensor | None = None


def pair_scores(
    network: nn.Module, images: Tensor, candidates: Tensor, labels: Tensor, softmax: bool, linear_only: bool
) -> Tensor:
    """Return the score of each pair of a candidate image and a label, (n,), at least 0.

    `images` are those of the expectation, (N, C, H, W); `candidates`, (n, C, H, W); `labels`, int64, (n,). With
    `linear_only` theta is the weights of the linear layers alone.
    """
    recorder = Recorder(network, linear_only)
    sample = recorder.jacobian(images[:1], softmax)
    explicit = [_explicit_is_cheaper(factors) for factors in sample]
    bytes_each = sum(_gradient_bytes(factors, form) for factors, form in zip(sample, explicit, strict=True))
    block = max(CANDIDATES_A_CHUNK, int(GRADIENT_BYTES // bytes_each))
    parts = [
        _block_scores(
            recorder,
            images,
            candidates[start : start + block],
            labels[start : start + block],
            softmax,
            explicit,
        )
        for start in range(0, len(candidates), block)
    ]
    return torch.cat(parts)


def _block_scores(
    recorder: Recorder,
    images: Tensor,
    candidates: Tensor,
    labels: Tensor,
    softmax: bool,
    explicit: Sequence[bool],
) -> Tensor:
    gradients = _gradients(recorder, candidates, labels, explicit)
    total = torch.zeros(len(candidates), dtype=torch.float64, device=candidates.device)
    for chunk in torch.split(images, IMAGES_A_CHUNK):
        changes: Tensor | None = None
        for factors, gradient in zip(recorder.jacobian(chunk, softmax), gradients, strict=True):
            changes = _add_products(changes, factors, gradient)
        assert changes is not None
        total += changes.abs_().sum(dim=0, dtype=torch.float64)
    return (total / len(images)).to(candidates.dtype)


def _gradients(recorder: Recorder, candidates: Tensor, labels: Tensor, explicit: Sequence[bool]) -> list[Gradients]:
    """Return each layer's loss gradients of all candidates; the explicit ones are written into one buffer a layer."""
    dense: list[Tensor | None] = [None] * len(explicit)
    kept: list[list[Factors]] = [[] for _ in explicit]
    for start in range(0, len(candidates), CANDIDATES_A_CHUNK):
        chunk = slice(start, start + CANDIDATES_A_CHUNK)
        for layer, factors in enumerate(recorder.loss_gradient(candidates[chunk], labels[chunk])):
            if explicit[layer]:
                gradient = _explicit(factors)
                buffer = dense[layer]
                if buffer is None:
                    buffer = dense[layer] = gradient.new_empty(len(candidates), gradient.shape[1])
                buffer[chunk] = gradient
            else:
                kept[layer].append(factors)
    return [
        Gradients(buffer)
        if buffer is not None
        else Gradients(None, torch.cat([f.patches for f in parts]), torch.cat([f.deltas[:, 0] for f in parts]))
        for buffer, parts in zip(dense, kept, strict=True)
    ]


def _add_products(changes: Tensor | None, factors: Factors, gradient: Gradients) -> Tensor:
    """Add one layer's inner products to `changes`, (images * C, candidates)."""
    if gradient.dense is not None:
        jacobian = _explicit(factors)
        return jacobian @ gradient.dense.T if changes is None else changes.addmm_(jacobian, gradient.dense.T)
    product = _gram(factors, gradient)
    return product if changes is None else changes.add_(product)


def _explicit(factors: Factors) -> Tensor:
    """Return the layer's weight gradients, one row an image and function: (n C, p d)."""
    n, functions, outputs, positions = factors.deltas.shape
    stacked = factors.deltas.reshape(n, functions * outputs, positions)
    return torch.bmm(stacked, factors.patches).view(n * functions, -1)


def _gram(factors: Factors, gradient: Gradients) -> Tensor:
    """Return the inner products over pairs of positions (t, s): sum_ts (U_t . U'_s) (D_t . D'_s), (n C, candidates)."""
    assert gradient.patches is not None
    assert gradient.deltas is not None
    n, functions, outputs, positions = factors.deltas.shape
    deltas = factors.deltas.permute(0, 1, 3, 2).reshape(-1, outputs)  # (n C T, p)
    patches = factors.patches.reshape(n * positions, -1)  # (n T, d)
    result = deltas.new_empty(n * functions, len(gradient.patches))
    step = max(1, GRAM_BYTES // (deltas.element_size() * len(deltas) * positions))
    for start in range(0, len(gradient.patches), step):
        other_patches = gradient.patches[start : start + step]
        other_deltas = gradient.deltas[start : start + step].transpose(1, 2)
        m = len(other_patches)
        alike = patches @ other_patches.reshape(m * positions, -1).T
        pull = deltas @ other_deltas.reshape(m * positions, -1).T
        if positions == 1:
            product = pull.view(n, functions, m) * alike.view(n, 1, m)
        else:
            product = torch.einsum(
                "nctms,ntms->ncm",
                pull.view(n, functions, positions, m, positions),
                alike.view(n, positions, m, positions),
            )
        result[:, start : start + step] = product.reshape(n * functions, m)
    return result


def _explicit_is_cheaper(factors: Factors) -> bool:
    """Compare the multiply-adds of both forms for a pair of an image and a candidate."""
    _, functions, outputs, positions = factors.deltas.shape
    width = factors.patches.shape[2]
    explicit = functions * outputs * width
    gram = positions**2 * (width + functions * outputs + ELEMENTWISE_COST * functions)
    return explicit < gram


def _gradient_bytes(factors: Factors, explicit: bool) -> int:
    _, _, outputs, positions = factors.deltas.shape
    width = factors.patches.shape[2]
    numbers = outputs * width if explicit else positions * (outputs + width)
    return numbers * factors.deltas.element_size()
