"""The most likely model output change: what a network would say once it had been trained with a label more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from annotated_types import Ge, Gt
from torch import Tensor
from torch.nn import functional as F

from albench import Query, Strategy, StrategyError
from albench_strategies.emoc.strategy import random_images
from albench_strategies.emoc.tangent import TangentKernel

ADVICE = "take a strategy that needs no gradient of every weight"


@dataclass(frozen=True)
class Mlmoc(Strategy):
    """Query what would change the outputs most once trained with, by tangent kernel, MLMOC (Mohamadi et al. 2022).

    For each candidate x', labelled y' as the network is most sure of, the network linearised around its weights is
    trained to convergence on the labelled images with and without (x', y'), and the L2 distances between the two's
    outputs are summed over the pool. Such training is solving with the empirical tangent kernel k: the inner products
    of the gradients of the logits' sum over sqrt(C), the authors' pseudo-NTK. One factorisation, in float64, serves all
    candidates, since a further row changes the solution by one step of block elimination.

    `ridge` is added to the kernel's diagonal, in units of its mean; on CIFAR-100 all below 1e-4 rank alike.
    `expectation` limits the images x to a random number of the pool. `layers=linear` takes the weights of linear
    layers alone, for networks with other layers than the kernel knows, or with very many weights.

    Departures: the common network is trained by the softmax loss, the paper's by least squares on one-hot labels, as
    retraining is there and here; the ridge is always there, where the authors' code adds one of 1e-5 and more in late
    rounds; that code scores a random subset of the pool and has other objectives too, as the number of predictions that
    change.

    Formula: sum_x ||f_(L + (x', y'))(x) - f_L(x)||_2 = sum_x |r(x, x')| ||e_y' - m(x')||_2 / (r(x', x') + s), with
        r(x, x') = k(x, x') - k(x, L) (K + s I)^-1 k(L, x'), m(x') = f(x') + k(x', L) (K + s I)^-1 (Y - f(L)), K = k(L,
        L), s = `ridge` tr(K) / n_labeled, x the pool images, L the labelled ones and Y their one-hot labels
    Sets: the mean over the set's examples; the paper scores single examples and takes the best
    Cost: O(n_labeled^3 + N^2 P): more than ten forward passes, because the gradient of every image, of P numbers, meets
        that of every other
    Source: Mohamadi, Bae, Sutherland 2022, Making look-ahead active learning strategies feasible with neural tangent
        kernels, NeurIPS; pseudo-NTK: Mohamadi, Bae, Sutherland 2023, A fast, well-founded approximation to the
        empirical neural tangent kernel, ICML
    """

    results_version: ClassVar[int] = 1

    ridge: Annotated[float, Gt(0)] = 1e-4
    expectation: Annotated[int, Ge(1)] | None = None
    layers: Literal["all", "linear"] = "all"

    def score(self, query: Query) -> Tensor:
        """Return how far the outputs for the pool would move in all, (n_pool,), at least 0."""
        kernel = TangentKernel(query.network, self.layers == "linear", "mlmoc", ADVICE)
        fit = self._fit(kernel.matrix(query.labeled, query.labeled))
        reached = fit.reached(kernel.matrix(query.labeled, query.pool))
        variance = (kernel.diagonal(query.pool) - reached.square().sum(dim=0)).clamp_min(0)
        change = self._total_covariance(query, kernel, fit, reached) / (variance + fit.jitter)
        scores: Tensor = change * _surprise(query, fit, reached)
        if not bool(torch.isfinite(scores).all()):
            raise StrategyError(
                "MLMOC scores are not finite: the network's gradients overflow; lower its learning rate"
            )
        if not bool(scores.any()):
            query.note("warning", "all MLMOC scores are 0: no weight would change an output; the first was chosen")
        return scores

    def _fit(self, gram: Tensor) -> _Fit:
        """Factorise the kernel on the labelled images, (n_labeled, n_labeled), once for all candidates."""
        jitter = self.ridge * gram.diagonal().mean().clamp_min(torch.finfo(gram.dtype).tiny)
        root, failed = torch.linalg.cholesky_ex((gram + gram.T) / 2 + jitter * torch.eye(len(gram)).to(gram))
        if bool(failed) and bool(jitter.isfinite()):  # otherwise the scores are not finite, and that is said
            raise StrategyError(
                f"the kernel of the labelled images is singular with ridge={self.ridge}; "
                f"set mlmoc[ridge={max(10 * self.ridge, 1e-6):g}]"
            )
        return _Fit(root, jitter)

    def _total_covariance(self, query: Query, kernel: TangentKernel, fit: _Fit, reached: Tensor) -> Tensor:
        """Return the sum over images x of |k(x, x') - k(x, L) (K + jitter)^-1 k(L, x')| for each candidate x'."""
        images = random_images(query, query.pool, self.expectation)
        whole = len(images) == len(query.pool)
        seen = reached if whole else fit.reached(kernel.matrix(query.labeled, images))
        total = torch.zeros(len(query.pool), dtype=torch.float64, device=query.device)
        for rows, columns, values in kernel.blocks(images, query.pool):
            total[columns] += values.addmm_(seen[:, rows].T, reached[:, columns], alpha=-1).abs_().sum(dim=0)
        return total


@dataclass(frozen=True)
class _Fit:
    """The kernel on the labelled images as its Cholesky factor, and what was added to its diagonal."""

    root: Tensor  # (n_labeled, n_labeled)
    jitter: Tensor

    def reached(self, columns: Tensor) -> Tensor:
        """Return root^-1 times columns, (n_labeled, n), whose inner products are k(x, L) (K + jitter)^-1 k(L, x')."""
        found: Tensor = torch.linalg.solve_triangular(self.root, columns, upper=False)
        return found


def _surprise(query: Query, fit: _Fit, reached: Tensor) -> Tensor:
    """Return the distance from each candidate's most likely label to what the fit says of it, (n_pool,)."""
    with torch.no_grad():
        trained = query.network.head(query.labeled_features).double()
    missing = F.one_hot(query.labels, query.n_classes) - trained
    mean = query.logits.double() + reached.T @ fit.reached(missing)
    likely = F.one_hot(query.logits.argmax(dim=1), query.n_classes)
    distance: Tensor = (likely - mean).norm(dim=1)
    return distance
