"""Parts of networks for small images: convolutions, the residual block, and the mean over positions."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def convolution(n_in: int, n_out: int, stride: int = 1, side: int = 3) -> nn.Conv2d:
    """Return a convolution that keeps the size at stride 1, without a bias: a batch normalisation has the shift."""
    return nn.Conv2d(n_in, n_out, side, stride=stride, padding=side // 2, bias=False)


def normalised(n_in: int, n_out: int) -> list[nn.Module]:
    """Return a 3 x 3 convolution, its batch normalisation and a ReLU."""
    return [convolution(n_in, n_out), nn.BatchNorm2d(n_out), nn.ReLU()]


class MeanOfPositions(nn.Module):
    """The mean over positions, (n, C, H, W) to (n, C)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the mean of each channel."""
        return x.mean(dim=(2, 3))


class Residual(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut, a 1 x 1 convolution where the shape changes.

    He et al. 2016, figure 2, with option B of section 4.1.
    """

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.norm1 = convolution(n_in, n_out, stride), nn.BatchNorm2d(n_out)
        self.conv2, self.norm2 = convolution(n_out, n_out), nn.BatchNorm2d(n_out)
        self.shortcut = nn.Sequential()
        if stride != 1 or n_in != n_out:
            self.shortcut.extend([convolution(n_in, n_out, stride, side=1), nn.BatchNorm2d(n_out)])

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output, (n, n_out, H / stride, W / stride)."""
        inner = self.norm2(self.conv2(torch.relu(self.norm1(self.conv1(x)))))
        return torch.relu(inner + self.shortcut(x))


class PreActivation(nn.Module):
    """Batch normalisation and ReLU before each of two 3 x 3 convolutions, beside a shortcut.

    Zagoruyko and Komodakis 2016, figure 1a. Where the shape changes the shortcut is a 1 x 1 convolution of what is
    normalised.
    """

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(n_in), convolution(n_in, n_out, stride)
        self.norm2, self.conv2 = nn.BatchNorm2d(n_out), convolution(n_out, n_out)
        changes = stride != 1 or n_in != n_out
        self.shortcut = convolution(n_in, n_out, stride, side=1) if changes else None

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output, (n, n_out, H / stride, W / stride)."""
        active = torch.relu(self.norm1(x))
        inner: Tensor = self.conv2(torch.relu(self.norm2(self.conv1(active))))
        return inner + (x if self.shortcut is None else self.shortcut(active))
