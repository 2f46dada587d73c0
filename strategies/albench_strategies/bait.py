"""BAIT: the batch whose Fisher information leaves least of the pool's unexplained."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Gt
from torch import Tensor

from albench import Query, Strategy
from albench_strategies.numerics.geometry import CHUNK_ELEMENTS


@dataclass(frozen=True)
class _Fisher:
    """The Fisher information of the last layer's weights, in the factors that its updates need, float64.

    That of an example is (f f^T) x (B B^T) with B = (e_y - p) sqrt(p_y) in column y. Matrices over (class, feature)
    pairs are kept as (C, d, C, d).
    """

    features: Tensor  # (n, d)
    roots: Tensor  # (n, C, C), B of each example
    inverse: Tensor  # (C, d, C, d), of the information gathered so far
    pool: Tensor  # (C, d, C, d), mean over all images
    share: float  # of one example in the information gathered
    dtype: torch.dtype  # of products: the inverse and its updates need float64, what is read off them does not

    def gains(self, examples: Tensor, sign: float) -> Tensor:
        """Return how much adding (sign 1) or taking away (sign -1) each example lowers the trace, (n,)."""
        inverse, spread = self.inverse.to(self.dtype), self.spread()
        step = max(1, CHUNK_ELEMENTS // self.features.shape[1] ** 2)
        found = []
        for part in torch.split(examples, step):
            f, b = self.features[part].to(self.dtype), self.roots[part].to(self.dtype)
            found.append(_trace(_sandwich(inverse, f, b), _sandwich(spread, f, b), sign * self.share))
        return torch.cat(found)

    def set_gains(self, sets: Tensor) -> Tensor:
        """Return how much adding all of each set lowers the trace, (n_sets,)."""
        inverse, spread = self.inverse.to(self.dtype), self.spread()
        values = [
            _trace(self._joint(inverse, part)[None], self._joint(spread, part)[None], self.share) for part in sets
        ]
        return torch.cat(values)

    def spread(self) -> Tensor:
        """Return A F A with A the inverse and F the pool's information, (C, d, C, d)."""
        size = self.inverse.shape[0] * self.inverse.shape[1]
        a, f = self.inverse.reshape(size, size), self.pool.reshape(size, size)
        return (a @ f @ a).view_as(self.inverse).to(self.dtype)

    def updated(self, example: Tensor, sign: float) -> Tensor:
        """Return the inverse after adding or taking away one example, by Woodbury's identity."""
        classes, width = self.inverse.shape[:2]
        f, b = self.features[example], self.roots[example]
        reach = torch.einsum("aibj,j,bc->aic", self.inverse, f, b).reshape(classes * width, classes)
        inner = torch.einsum("aic,i,ab->cb", reach.view(classes, width, classes), f, b)
        inner = torch.eye(classes, dtype=inner.dtype, device=inner.device) + sign * self.share * inner
        lowered: Tensor = reach @ torch.linalg.solve(inner, reach.T)
        return self.inverse - sign * self.share * lowered.view_as(self.inverse)

    def _joint(self, matrix: Tensor, members: Tensor) -> Tensor:
        """Return V^T matrix V for the stacked factors V of a set's members, (K C, K C)."""
        f, b = self.features[members].to(self.dtype), self.roots[members].to(self.dtype)
        inner = torch.einsum("aibj,yj->aiby", matrix, f)
        blocks = torch.einsum("xi,aiby->xayb", f, inner)
        blocks = torch.einsum("xac,xayb,ybe->xcye", b, blocks, b)
        size = len(members) * matrix.shape[0]
        return blocks.reshape(size, size)


def _sandwich(matrix: Tensor, features: Tensor, roots: Tensor) -> Tensor:
    """Return B^T (f^T matrix f) B for each example, (n, C, C)."""
    n, (classes, width) = len(features), matrix.shape[:2]
    outer = (features[:, :, None] * features[:, None]).view(n, width * width)
    inner = (outer @ matrix.permute(1, 3, 0, 2).reshape(width * width, -1)).view(n, classes, classes)
    return roots.transpose(1, 2) @ inner @ roots


def _trace(information: Tensor, spread: Tensor, share: float) -> Tensor:
    """Return tr((I + share G)^-1 share S) for batches of G and S, (n,)."""
    eye = torch.eye(information.shape[1], dtype=information.dtype, device=information.device)
    solved: Tensor = torch.linalg.solve(eye + share * information, share * spread)
    return solved.diagonal(dim1=1, dim2=2).sum(dim=1)


@dataclass(frozen=True)
class Bait(Strategy):
    """Query what leaves least of the pool's Fisher information unexplained, BAIT (Ash et al. 2021).

    The information of the last layer's weights is exact, computed from its factors. `ridge` keeps it invertible.
    Selecting picks `oversampling` times k forward and takes the least useful away again, as in the paper.

    Formula: tr(M^-1 F) - tr((M + sum_S F_x / n)^-1 F), M = ridge I + sum over labelled F_x / n, F = mean over all
        images of F_x, F_x = (f f^T) x (diag(p) - p p^T), n = n_labeled + K
    Sets: exactly that of the set
    Cost: O(n_sets (K C^2 d^2 + K^2 C^2 d + K^3 C^3)) for sets, O(k N' C^2 d^2) to select: more than ten forward passes
        of the common network from about C = 10 on, since C d x C d matrices are inverted instead of approximated
    Source: Ash, Goel, Krishnamurthy, Kakade 2021, Gone fishing: neural active learning with Fisher embeddings, NeurIPS
    """

    results_version: ClassVar[int] = 1

    ridge: Annotated[float, Gt(0)] = 1.0
    oversampling: Annotated[int, Ge(1)] = 2

    def score(self, query: Query) -> Tensor:
        """Return how much each example alone lowers the trace, (n_pool,), at least 0."""
        return self._fisher(query, 1).gains(torch.arange(len(query.pool), device=query.device), 1.0)

    def score_sets(self, query: Query) -> Tensor:
        """Return how much each set lowers the trace, (n_sets,), at least 0."""
        return self._fisher(query, query.sets.shape[1]).set_gains(query.sets)

    def select(self, query: Query, k: int) -> Tensor:
        """Return k examples, greedily forward and backward, (min(k, n_pool),)."""
        fisher = self._fisher(query, k)
        everything = torch.arange(len(query.pool), device=query.device)
        free = torch.zeros_like(query.features[:, 0])
        chosen: list[int] = []
        for _ in range(min(self.oversampling * k, len(everything))):
            index = int((fisher.gains(everything, 1.0) - free).argmax())
            chosen.append(index)
            free[index] = torch.inf
            fisher = _moved(fisher, index, 1.0)
        while len(chosen) > k:
            losses = -fisher.gains(torch.tensor(chosen, device=query.device), -1.0)
            fisher = _moved(fisher, chosen.pop(int(losses.argmin())), -1.0)
        return torch.tensor(chosen, dtype=torch.int64, device=query.device)

    def _fisher(self, query: Query, k: int) -> _Fisher:
        with torch.no_grad():
            labeled = torch.softmax(query.network.head(query.labeled_features), dim=1).double()
        features, posteriors = query.features.double(), query.probabilities.double()
        share = 1 / (len(labeled) + k)
        known = _information(query.labeled_features.double(), labeled)
        pool = (known + _information(features, posteriors)) / (len(labeled) + len(features))
        size = features.shape[1] * query.n_classes
        gathered = self.ridge * torch.eye(size, dtype=torch.float64, device=query.device)
        gathered += share * known.reshape(size, size)
        inverse = torch.cholesky_inverse(torch.linalg.cholesky(gathered)).view_as(pool)
        roots = posteriors.sqrt()[:, None] * (
            torch.eye(query.n_classes, dtype=torch.float64, device=query.device) - posteriors[:, :, None]
        )
        return _Fisher(features, roots, inverse, pool, share, query.features.dtype)


def _moved(fisher: _Fisher, index: int, sign: float) -> _Fisher:
    inverse = fisher.updated(torch.tensor(index, device=fisher.features.device), sign)
    return replace(fisher, inverse=inverse)


def _information(features: Tensor, posteriors: Tensor) -> Tensor:
    """Return the sum of (f f^T) x (diag(p) - p p^T) over examples, (C, d, C, d)."""
    classes, width = posteriors.shape[1], features.shape[1]
    products = (posteriors[:, :, None] * features[:, None]).flatten(1)  # (n, C d)
    result = -(products.T @ products).view(classes, width, classes, width)
    for label in range(classes):
        result[label, :, label] += (features * posteriors[:, label, None]).T @ features
    return result
