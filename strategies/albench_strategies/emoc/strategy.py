"""EMOC as a strategy: which (image, label) pairs a query needs, and how a set's value comes from theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from annotated_types import Ge, Lt
from torch import Tensor

from albench import Query, Strategy
from albench_strategies.emoc.tiers import pair_scores


@dataclass(frozen=True)
class Emoc(Strategy):
    """Query what is expected to change the network's outputs most (Kaeding et al. 2016, eq. 2 to 5).

    The score of a candidate x' with label y is the mean over images x of the L1 norm of J_x grad L(x', y), with J_x
    the Jacobian of the outputs and L the softmax loss. `label` says which y: one for the whole candidate set (the most
    probable one of its mean posterior), each example's own, or the expectation over all (eq. 2). `expectation`
    limits the images x, which are all labelled and pool images, to a random number of them. `layers=linear` takes the
    weights of linear layers alone. `tolerance` bounds the rms relative error of the scores, measured each round on 128
    random pairs; 0 asks for exact scores. `path=autograd` takes networks with layers that the structured path does not
    know, slowly and exactly. `precision` is that of matrix products on CUDA.

    Formula: mean_x || J_x grad_theta L(x', y) ||_1, theta all weights
    Sets: the mean over the set's examples, all with the label y that is most probable in the set
    Cost: O(N N' C P) exactly, far less within `tolerance` (docs/emoc.md): more than ten forward passes, because every
        candidate's gradient meets every image's Jacobian
    Source: Kaeding, Rodner, Freytag, Denzler 2016, Active and continuous exploration with deep neural networks and
        expected model output changes, arXiv:1612.06129
    """

    results_version: ClassVar[int] = 2

    output: Literal["logits", "softmax"] = "logits"
    label: Literal["set", "example", "expected"] = "set"
    expectation: Annotated[int, Ge(1)] | None = None
    layers: Literal["all", "linear"] = "all"
    tolerance: Annotated[float, Ge(0), Lt(1)] = 0.01
    path: Literal["structured", "autograd"] = "structured"
    precision: Literal["fp32", "tf32", "bf16"] = "tf32"

    def __post_init__(self) -> None:
        """Check what Python users may pass past the validation of text and TOML."""
        if not 0 <= self.tolerance < 1:
            raise ValueError(f"tolerance: it must be at least 0 and below 1 (it is {self.tolerance})")
        if self.expectation is not None and self.expectation < 1:
            raise ValueError(f"expectation: it must be at least 1 (it is {self.expectation})")

    def score(self, query: Query) -> Tensor:
        """Return the expected model output change of each pool example, (n_pool,), at least 0.

        Outside of sets an example is a set of its own, so that label=set and label=example agree.
        """
        return self._example_scores(query, torch.arange(len(query.pool), device=query.device))

    def score_sets(self, query: Query) -> Tensor:
        """Return the mean over each set's examples, (n_sets,): for sets of one size the ranking of eq. 5."""
        if self.label != "set":
            used, place = torch.unique(query.sets, return_inverse=True)
            return self._example_scores(query, used)[place].mean(dim=1)
        label = query.probabilities[query.sets].mean(dim=1).argmax(dim=1)
        code = query.sets * query.n_classes + label[:, None]
        pairs, place = torch.unique(code, return_inverse=True)
        scores = self._pair_scores(query, pairs // query.n_classes, pairs % query.n_classes)
        return scores[place].mean(dim=1)

    def _example_scores(self, query: Query, examples: Tensor) -> Tensor:
        posterior = query.probabilities[examples]
        if self.label != "expected":
            return self._pair_scores(query, examples, posterior.argmax(dim=1))
        labels = torch.arange(query.n_classes, device=query.device).repeat(len(examples))
        scores = self._pair_scores(query, examples.repeat_interleave(query.n_classes), labels)
        return (scores.view_as(posterior) * posterior).sum(dim=1)

    def _pair_scores(self, query: Query, examples: Tensor, labels: Tensor) -> Tensor:
        return pair_scores(
            query,
            self._expectation_images(query),
            examples,
            labels,
            softmax=self.output == "softmax",
            linear_only=self.layers == "linear",
            tolerance=self.tolerance,
            path=self.path,
            precision=self.precision,
        )

    def _expectation_images(self, query: Query) -> Tensor:
        return random_images(query, torch.cat([query.labeled, query.pool]), self.expectation)


def random_images(query: Query, images: Tensor, n: int | None) -> Tensor:
    """Return n of the images, drawn from the strategy's stream and noted; all with n None, or with no more than n."""
    if n is None or n >= len(images):
        return images
    query.note("approximation", f"the expectation is over {n} random images")
    chosen = torch.randperm(len(images), generator=query.generator)[:n]
    return images[chosen.to(images.device)]
