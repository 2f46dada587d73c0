"""What is kept of the derivatives by a layer's output, which come one function after another."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from albench_strategies.numerics.gradients import layers
from albench_strategies.numerics.gradients.layers import Factors, Narrowed
from albench_strategies.numerics.gradients.pooling import Maxima
from albench_strategies.numerics.gradients.workspace import Workspace


class Whole:
    """A layer's factors: all derivatives are kept."""

    def __init__(
        self, layer: nn.Module, x: Tensor, output: Tensor, functions: int, space: Workspace, name: str
    ) -> None:
        self.layer = layer
        shape = layers.delta_shape(layer, output, functions)
        self.deltas = space.take(f"deltas {name}", shape, x.dtype, x.device)
        self.patches = layers.patches(layer, x, space, name)

    def take(self, function: int, delta: Tensor) -> None:
        """Keep the derivatives of one function."""
        self.deltas[:, :, :, function] = layers.by_position(self.layer, delta, self.deltas.shape[1])

    def found(self, mixing: Tensor | None = None) -> Factors:
        """Return what was kept."""
        return Factors(self.patches, self.deltas, mixing)


class Narrow:
    """A layer's gradients over few combinations of its inputs: only products with the derivatives are kept."""

    def __init__(
        self, layer: nn.Module, x: Tensor, output: Tensor, functions: int, basis: Tensor, space: Workspace, name: str
    ) -> None:
        self.layer = layer
        n, self.groups, _, _, outputs = layers.delta_shape(layer, output, functions)
        patches = layers.narrowed_patches(layer, x, basis, space, name)
        self.inputs = patches.transpose(2, 3).flatten(0, 1).contiguous()  # (n G, k, T)
        shape = (functions, n * self.groups, basis.shape[1], outputs)
        self.products = space.take(f"products {name}", shape, x.dtype, x.device)

    def take(self, function: int, delta: Tensor) -> None:
        """Keep the products with the derivatives of one function."""
        deltas = layers.by_position(self.layer, delta, self.groups).flatten(0, 1)
        torch.bmm(self.inputs, deltas.to(self.inputs.dtype), out=self.products[function])

    def found(self, mixing: Tensor | None = None) -> Narrowed:
        """Return what was kept."""
        functions, n, _, _ = self.products.shape
        return Narrowed(self.products.view(functions, n // self.groups, -1), mixing)


class NarrowAtMaxima:
    """The same of a convolution of which a maximum pooling alone takes the output.

    A derivative by what the pooling gives out is one by the convolution's output, at the position of the maximum, and
    elsewhere are zeros: they are neither written down nor multiplied.
    """

    def __init__(
        self, layer: nn.Module, x: Tensor, maxima: Maxima, functions: int, basis: Tensor, space: Workspace, name: str
    ) -> None:
        patches = layers.narrowed_patches(layer, x, basis, space, name)  # (n, 1, T, k)
        n, _, positions, k = patches.shape
        starts = positions * torch.arange(n, device=x.device)
        rows = (maxima.positions.flatten(2) + starts[:, None, None]).flatten()
        outputs = maxima.positions.shape[1]
        self.inputs = patches.reshape(n * positions, k).index_select(0, rows).view(n * outputs, -1, k)
        shape = (n, outputs, functions, self.inputs.shape[1])
        self.deltas = space.take(f"maxima {name}", shape, x.dtype, x.device)

    def take(self, function: int, delta: Tensor) -> None:
        """Keep the derivatives of one function by what the pooling gives out."""
        self.deltas[:, :, function] = delta.flatten(2)

    def found(self, mixing: Tensor | None = None) -> Narrowed:
        """Return the products of all that was kept."""
        n, outputs, functions, _ = self.deltas.shape
        products = torch.bmm(self.deltas.flatten(0, 1), self.inputs)
        by_function = products.view(n, outputs, functions, -1).permute(2, 0, 3, 1)
        return Narrowed(by_function.reshape(functions, n, -1), mixing)
