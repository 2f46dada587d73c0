"""What the softmax loss's gradient by the last layer is made of: (p - e_y) f^T for posterior p, label y, features f.

The gradient by its bias is p - e_y itself, as if the features held a 1 more; whether it counts is each method's own.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def residuals(posteriors: Tensor, labels: Tensor) -> Tensor:
    """Return p - e_y of each example under its label, (n, C), from posteriors (n, C) and labels (n,)."""
    return posteriors - F.one_hot(labels, posteriors.shape[1]).to(posteriors)


def residuals_by_label(posteriors: Tensor) -> Tensor:
    """Return p - e_y of each example for every label y, in column y, (n, C, C)."""
    return posteriors[:, :, None] - torch.eye(posteriors.shape[1]).to(posteriors)


def residual_lengths(posteriors: Tensor) -> Tensor:
    """Return ||p - e_y|| for each label y, (n, C), to all digits for a posterior near 1 too."""
    top = posteriors.argmax(dim=1, keepdim=True)
    rest = posteriors.scatter(1, top, 0.0)
    of_top = rest.square().sum(dim=1, keepdim=True) + rest.sum(dim=1, keepdim=True).square()
    of_others = posteriors.square().sum(dim=1, keepdim=True) - 2 * posteriors + 1
    return of_others.scatter(1, top, of_top).sqrt()
