"""The Gram terms of layers of one position, and the sums that end every path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from albench_strategies.numerics.gradients.layers import Factors, mixed


@dataclass(frozen=True)
class Grams:
    """Layers of one position: sum over layers of (a . a')(D . D') is added to the product.

    With X images of F functions, R = X F: `inputs` (X, d), `deltas` (R, p), `other_inputs` (m, d), `other_deltas` (m,
    p) for each layer. `deltas` that are the same for all images may be those of one, (F, p).
    """

    inputs: list[Tensor]
    deltas: list[Tensor]
    other_inputs: list[Tensor]
    other_deltas: list[Tensor]

    @classmethod
    def of(cls, pairs: Sequence[tuple[Factors, Factors]], shared: bool = False) -> Grams:
        """Collect the layers from their factors on both sides; `shared` keeps deltas that are all the same once.

        Those of logits are so above the last non-linear layer. What comes out may differ in its last bits.
        """
        return cls(
            [ours.patches.flatten(1) for ours, _ in pairs],
            [_deltas(ours, shared) for ours, _ in pairs],
            [other.patches.flatten(1) for _, other in pairs],
            [other.deltas.flatten(1) for _, other in pairs],
        )


def _deltas(factors: Factors, shared: bool) -> Tensor:
    parts = [factors.deltas] if factors.mixing is None else [factors.deltas, factors.mixing]
    same = shared and not any(part.is_cuda or bool((part != part[:1]).any()) for part in parts)
    deltas, *mixing = (part[:1] if same else part for part in parts)
    return mixed(deltas.flatten(0, 3), *mixing) if mixing else deltas.flatten(0, 3)


def finish(changes: Tensor, grams: Grams, weights: Tensor) -> Tensor:
    """Add the Gram terms to `changes`, (R, n), in place, and return the weighted sums of absolute values over rows."""
    m = changes.shape[1]
    for inputs, deltas, other_inputs, other_deltas in zip(
        grams.inputs, grams.deltas, grams.other_inputs, grams.other_deltas, strict=True
    ):
        alike = (inputs @ other_inputs.T).to(changes.dtype)
        pull = (deltas @ other_deltas.T).to(changes.dtype)
        n = len(alike)
        functions = len(changes) // n
        changes.view(n, functions, m).addcmul_(pull.view(-1, functions, m), alike.view(n, 1, m))
    return (weights.to(changes.dtype) @ changes.abs_()).double()
