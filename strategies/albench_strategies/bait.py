"""BAIT: the batch whose Fisher information leaves least of the pool's unexplained."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

import torch
from annotated_types import Ge, Gt
from torch import Tensor

from albench import Query, Strategy
from albench_strategies.numerics.geometry import CHUNK_ELEMENTS, singletons
from albench_strategies.numerics.gradients.last_layer import residuals_by_label


@dataclass(frozen=True)
class Bait(Strategy):
    """Query what leaves least of the pool's Fisher information unexplained, BAIT (Ash et al. 2021).

    The information of the last layer's weights is exact, computed from its factors. As in the authors' code a chosen
    example weighs K times as much as a labelled one, selecting picks `oversampling` times k forward and takes the
    least useful away again, and `ridge` is 1 (for CIFAR-10 theirs is .01).

    `fisher=binary` asks only whether the predicted class is right, one d x d matrix for all classes, as Huseljic et
    al. 2024 do. Take it where there are more than about 20 classes or features are wide: `full` inverts C d x C d.
    With 10 classes and 64 features on CIFAR-100 its 10 picks leave 89 to 90 % of the trace, those of `full` 85 to
    88 %, random ones 95 %, in a 60th of the time.

    Formula: tr(M^-1 F) - tr((M + K / n sum_S F_x)^-1 F), M = ridge I + sum over labelled F_x / n, F = mean over all
        images of F_x, F_x = (f f^T) x (diag(p) - p p^T), or f f^T q (1 - q) with q = max p, n = n_labeled + K
    Sets: exactly that of the set
    Cost: O(n_sets (K C^2 d^2 + K^2 C^2 d + K^3 C^3)) for sets, O(k (N' C^2 d^2 + C^3 d^3)) to select: more than ten
        forward passes of the common network from about C = 10 on, since C d x C d matrices are inverted instead of
        approximated; `fisher=binary` costs what C = 1 does
    Source: Ash, Goel, Krishnamurthy, Kakade 2021, Gone fishing: neural active learning with Fisher embeddings, NeurIPS,
        code github.com/JordanAsh/badge; Huseljic, Hahn, Herde, Rauch, Sick 2024, Fast fishing: approximating BAIT for
        efficient and scalable deep active image classification, ECML PKDD
    """

    results_version: ClassVar[int] = 2

    ridge: Annotated[float, Gt(0)] = 1.0
    oversampling: Annotated[int, Ge(1)] = 2
    fisher: Literal["full", "binary"] = "full"

    def score(self, query: Query) -> Tensor:
        """Return how much each example alone lowers the trace, (n_pool,), at least 0."""
        return self._gathered(query, 1).gains(singletons(len(query.pool), query.device))

    def score_sets(self, query: Query) -> Tensor:
        """Return how much each set lowers the trace, (n_sets,), at least 0."""
        return self._gathered(query, query.sets.shape[1]).gains(query.sets)

    def select(self, query: Query, k: int) -> Tensor:
        """Return k examples, greedily forward and backward, (min(k, n_pool),)."""
        gathered = self._gathered(query, k)
        everything = singletons(len(query.pool), query.device)
        free = torch.zeros_like(query.features[:, 0])
        chosen: list[int] = []
        for _ in range(min(self.oversampling * k, len(everything))):
            index = int((gathered.gains(everything) - free).argmax())
            chosen.append(index)
            free[index] = torch.inf
            gathered = gathered.moved(index, 1.0)
        while len(chosen) > k:
            losses = gathered.losses(torch.tensor(chosen, device=query.device)[:, None])
            gathered = gathered.moved(chosen.pop(int(losses.argmin())), -1.0)
        return torch.tensor(chosen, dtype=torch.int64, device=query.device)

    def _gathered(self, query: Query, k: int) -> _Gathered:
        with torch.no_grad():
            labeled = torch.softmax(query.network.head(query.labeled_features), dim=1).double()
        features, roots = query.features.double(), self._roots(query.probabilities.double())
        known = _information(query.labeled_features.double(), self._roots(labeled))
        pool = (known + _information(features, roots)) / (len(labeled) + len(features))
        n, size = len(labeled) + k, features.shape[1] * roots.shape[1]
        matrix = known.reshape(size, size) / n
        matrix.diagonal().add_(self.ridge)
        inverse = torch.cholesky_inverse(torch.linalg.cholesky(matrix)).view_as(pool)
        return _Gathered(features, roots, inverse, pool, k / n, query.features.dtype)

    def _roots(self, posteriors: Tensor) -> Tensor:
        """Return B of each example, (n, C, C), or (n, 1, 1) where only the predicted class counts."""
        if self.fisher == "binary":
            best = posteriors.amax(dim=1)
            return (best * (1 - best)).clamp_min(0).sqrt()[:, None, None]
        return posteriors.sqrt()[:, None] * residuals_by_label(posteriors)


@dataclass(frozen=True)
class _Gathered:
    """The Fisher information gathered so far, and that of the examples in the factors that its updates need, float64.

    That of an example is (f f^T) x (B B^T), for C classes with B = (p - e_y) sqrt(p_y) in column y. Matrices over
    (class, feature) pairs are kept as (C, d, C, d).
    """

    features: Tensor  # (n, d)
    roots: Tensor  # (n, C, C), B of each example
    inverse: Tensor  # (C, d, C, d), of the information gathered so far
    pool: Tensor  # (C, d, C, d), mean over all images
    share: float  # of one example in the information gathered
    dtype: torch.dtype  # of what is read off the inverse, whose own updates need float64

    def gains(self, sets: Tensor) -> Tensor:
        """Return how much adding all of each set, (n_sets, K), lowers the trace, (n_sets,)."""
        return self._change(sets, self.share, self.dtype)

    def losses(self, sets: Tensor) -> Tensor:
        """Return how much taking all of each set away raises the trace, (n_sets,)."""
        return -self._change(sets, -self.share, torch.float64)  # I - G may be nearly singular

    def moved(self, example: int, sign: float) -> _Gathered:
        """Return what is gathered after adding (sign 1) or taking away (-1) one example, by Woodbury's identity."""
        f, b = self.features[example], self.roots[example]
        reach = torch.einsum("aibj,j,bc->aic", self.inverse, f, b).flatten(0, 1)
        inner = torch.einsum("aic,i,ab->cb", reach.view(*self.inverse.shape[:2], -1), f, b)
        inner = torch.eye(len(inner), dtype=inner.dtype, device=inner.device) + sign * self.share * inner
        lowered: Tensor = reach @ torch.linalg.solve(inner, reach.T)
        return replace(self, inverse=self.inverse - sign * self.share * lowered.view_as(self.inverse))

    def _change(self, sets: Tensor, share: float, dtype: torch.dtype) -> Tensor:
        """Return tr((I + share V^T A V)^-1 share V^T A F A V) for the stacked factors V of each set, (n_sets,)."""
        (classes, width), size = self.inverse.shape[:2], sets.shape[1]
        flat = self.inverse.reshape(classes * width, -1)
        spread = (flat @ self.pool.reshape_as(flat) @ flat).view_as(self.inverse)
        step = max(1, CHUNK_ELEMENTS // (size * classes**2 * max(width, size)))
        found = []
        for part in torch.split(sets, step):
            f, b = self.features[part].to(dtype), self.roots[part].to(dtype)
            inner, outer = _seen(self.inverse.to(dtype), f, b), _seen(spread.to(dtype), f, b)
            eye = torch.eye(size * classes, dtype=dtype, device=sets.device)
            solved: Tensor = torch.linalg.solve(eye + share * inner, share * outer)
            found.append(solved.diagonal(dim1=1, dim2=2).sum(dim=1))
        return torch.cat(found)


def _seen(matrix: Tensor, features: Tensor, roots: Tensor) -> Tensor:
    """Return V^T matrix V, (s, K C, K C), for the factors V of sets of features (s, K, d) and roots (s, K, C, C)."""
    (n_sets, size, width), classes = features.shape, roots.shape[2]
    reach = features @ matrix.permute(3, 0, 2, 1).reshape(width, -1)  # (s, K, C C d)
    blocks = features @ reach.view(n_sets, size * classes**2, width).transpose(1, 2)
    blocks = blocks.view(n_sets, size, size, classes, classes)
    blocks = roots.transpose(2, 3)[:, :, None] @ blocks @ roots[:, None]
    return blocks.transpose(2, 3).reshape(n_sets, size * classes, size * classes)


def _information(features: Tensor, roots: Tensor) -> Tensor:
    """Return the sum of (f f^T) x (B B^T) over examples, (C, d, C, d)."""
    classes, width = roots.shape[1], features.shape[1]
    weights = roots @ roots.transpose(1, 2)  # (n, C, C)
    rows = [features.T @ (weights[:, row, :, None] * features[:, None]).flatten(1) for row in range(classes)]
    return torch.stack(rows).view(classes, width, classes, width)
