"""What a layer's weight gradient is made of: its input and the derivative by its output.

The gradient of a layer's weights is sum_t U_t D_t^T over positions t, with U the input patches (a 1 appended for the
bias) and D the derivative by the layer's output. That holds for linear layers (one position), convolutions (a position
an output pixel, a separate product a group of channels) and the scale and shift of a normalisation (a group a channel,
U the normalised input). Everything EMOC needs is products of these.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from albench_strategies.numerics.gradients.workspace import Workspace

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
KNOWN = (
    "linear layers, zero-padded 2-d convolutions, and batch (with running statistics), group and layer normalisation"
)


@dataclass(frozen=True)
class Factors:
    """One layer's factors for n images and F functions of the outputs.

    `patches` is U, (n, G, T, d); `deltas` is D, (n, G, T, F, p), for G groups, T positions and p outputs a group. With
    a `mixing`, (n, C, F), what is meant is C functions, whose deltas are `mixing` times those of the F given.
    """

    patches: Tensor
    deltas: Tensor
    mixing: Tensor | None = None

    @property
    def shape(self) -> Shape:
        """The sizes that decide what its products cost."""
        _, groups, positions, functions, outputs = self.deltas.shape
        return Shape(groups, positions, functions, outputs, self.patches.shape[3], self.rows)

    @property
    def rows(self) -> int:
        """The number of functions that are meant."""
        return int(self.deltas.shape[3] if self.mixing is None else self.mixing.shape[1])


def mixed(rows: Tensor, mixing: Tensor | None) -> Tensor:
    """Return the values of C functions, (n C, m), from those of the F that they are mixed from, (n F, m)."""
    if mixing is None:
        return rows
    return torch.bmm(mixing, rows.view(len(mixing), -1, rows.shape[1])).flatten(0, 1)


@dataclass(frozen=True)
class Narrowed:
    """One layer's gradients over few combinations of its inputs, for n images and F functions.

    `products` is sum_t (U_t B)^T D_t, (F, n, G k p), for a basis B of k combinations; `mixing` as in `Factors`.
    """

    products: Tensor
    mixing: Tensor | None = None


@dataclass(frozen=True)
class Shape:
    """Sizes of a layer's factors: G groups, T positions, F functions, p outputs and d inputs a group.

    `mixed` is the number of functions that are mixed from those F, where they are; else it is left out.
    """

    groups: int
    positions: int
    functions: int
    outputs: int
    width: int
    mixed: int | None = None

    @property
    def rows(self) -> int:
        """The number of functions that are meant."""
        return self.functions if self.mixed is None else self.mixed

    @property
    def weights(self) -> int:
        """The number of the layer's weights, biases included."""
        return self.groups * self.outputs * self.width


def is_linear(module: nn.Module) -> bool:
    """Tell a linear layer; a subclass may compute something else, and is none."""
    return type(module) is nn.Linear


def is_plain_convolution(module: nn.Module) -> bool:
    """Tell a convolution without groups."""
    return type(module) is nn.Conv2d and module.groups == 1


def is_known(module: nn.Module) -> bool:
    """Tell whether the gradient of a module's weights has factors."""
    if type(module) is nn.Conv2d:
        return module.padding_mode == "zeros" and not isinstance(module.padding, str)
    if type(module) in BATCH_NORMS:
        return not mixes_images(module)
    return is_linear(module) or type(module) in (nn.LayerNorm, nn.GroupNorm)


def mixes_images(module: nn.Module) -> bool:
    """Tell a batch normalisation by the statistics of its batch, through which each image reaches all outputs."""
    if not isinstance(module, (*BATCH_NORMS, nn.SyncBatchNorm)):
        return False
    return module.training or module.running_mean is None


def patches(layer: nn.Module, x: Tensor, space: Workspace, name: str) -> Tensor:
    """Return a layer's input as patches with a 1 for the bias, (n, G, T, d); a convolution's in `space`."""
    if isinstance(layer, nn.Conv2d):
        return _windows(layer, x, space, name)
    if isinstance(layer, nn.Linear):
        columns = x.reshape(len(x), 1, -1, x.shape[-1])
        return F.pad(columns, (0, 1), value=1.0) if _trained(layer, "bias") else columns
    channels = _channels_last(layer, _normalised(layer, x)).transpose(1, 2)[..., None]  # (n, channels, T, 1)
    return F.pad(channels, (0, 1), value=1.0) if _trained(layer, "bias") else channels


def narrowed_patches(layer: nn.Module, x: Tensor, basis: Tensor, space: Workspace, name: str) -> Tensor:
    """Return the products of a layer's patches with a basis of its inputs, (d, k), as (n, G, T, k).

    Of a convolution without groups they are another convolution, which writes no patch down.
    """
    if not (isinstance(layer, nn.Conv2d) and is_plain_convolution(layer)):
        return patches(layer, x, space, name) @ basis
    kernels = basis[: x.shape[1] * math.prod(layer.kernel_size)].T.view(-1, *layer.kernel_size, x.shape[1])
    bias = basis[-1] if _trained(layer, "bias") else None
    found = F.conv2d(x, kernels.permute(0, 3, 1, 2), bias, layer.stride, layer.padding, layer.dilation)
    return found.flatten(2).transpose(1, 2)[:, None]


def by_position(layer: nn.Module, delta: Tensor, groups: int) -> Tensor:
    """Return the derivatives of one function by a layer's output as (n, G, T, p)."""
    values = _channels_last(layer, delta)
    return values.view(*values.shape[:2], groups, -1).transpose(1, 2)


def delta_shape(layer: nn.Module, output: Tensor, functions: int) -> tuple[int, int, int, int, int]:
    """Return the shape of D for a layer's output."""
    if isinstance(layer, nn.Linear):
        groups, channels = 1, output.shape[-1]
    elif isinstance(layer, nn.Conv2d):
        groups, channels = layer.groups, output.shape[1]
    else:
        groups = channels = _n_channels(layer)
    n = len(output)
    return n, groups, output.numel() // (n * channels), functions, channels // groups


def _windows(layer: nn.Conv2d, x: Tensor, space: Workspace, name: str) -> Tensor:
    # An input in channels_last is copied in runs of its channels, where unfold would move single numbers.
    assert not isinstance(layer.padding, str)
    (kh, kw), (sh, sw), (dh, dw), (ph, pw) = layer.kernel_size, layer.stride, layer.dilation, layer.padding
    x = F.pad(x, (pw, pw, ph, ph)).permute(0, 2, 3, 1).contiguous()
    n, height, width, channels = x.shape
    oh, ow = (height - dh * (kh - 1) - 1) // sh + 1, (width - dw * (kw - 1) - 1) // sw + 1
    groups, bias = layer.groups, _trained(layer, "bias")
    per_group = channels // groups
    n_, h_, w_, _ = x.stride()
    windows = x.as_strided(
        (n, groups, oh, ow, kh, kw, per_group), (n_, per_group, h_ * sh, w_ * sw, h_ * dh, w_ * dw, 1)
    )
    depth = kh * kw * per_group
    shape = (n, groups, oh * ow, depth + bias)
    result = space.take(f"patches {name}", shape, x.dtype, x.device)
    result[..., :depth].view(windows.shape).copy_(windows)
    if bias:
        result[..., depth] = 1
    return result


def _channels_last(layer: nn.Module, values: Tensor) -> Tensor:
    """Return what a layer gives out as (n, T, channels)."""
    if isinstance(layer, nn.Linear):
        return values.reshape(len(values), -1, values.shape[-1])
    if isinstance(layer, nn.LayerNorm):
        return values.reshape(len(values), -1, _n_channels(layer))
    return values.reshape(len(values), values.shape[1], -1).transpose(1, 2)


def _normalised(layer: nn.Module, x: Tensor) -> Tensor:
    """Return a normalisation's input, normalised, before its scale and shift."""
    if isinstance(layer, BATCH_NORMS):
        return F.batch_norm(x, layer.running_mean, layer.running_var, eps=layer.eps)
    if isinstance(layer, nn.GroupNorm):
        return F.group_norm(x, layer.num_groups, eps=layer.eps)
    assert isinstance(layer, nn.LayerNorm)
    return F.layer_norm(x, layer.normalized_shape, eps=layer.eps)


def _n_channels(layer: nn.Module) -> int:
    weight: Any = layer.weight
    return int(weight.numel())


def _trained(layer: nn.Module, name: str) -> bool:
    return any(known == name for known, _ in layer.named_parameters(recurse=False))
