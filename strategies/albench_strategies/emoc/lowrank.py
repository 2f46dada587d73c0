"""EMOC scores from low-rank gradients: most of what candidates would change lies in few directions.

The explicit layers' gradients of all candidates, scaled to unit norm, nearly lie in the space of their top r right
singular vectors V. So J g is replaced by (J V^T)(V g): two thin products instead of a thick one. And V itself nearly
lies in few combinations of a layer's inputs, so that J is built from patches a tenth as wide. Where the study's product
allows bf16, those layers are computed in it. The other layers stay exact. How good all that is gets measured, against
exact scores of 128 random pairs on 64 random images.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from albench.products import inner, lower_dtype
from albench_strategies.emoc.candidates import Gathered, Layout, gather_projected, gather_unit
from albench_strategies.emoc.exact import many_position_changes
from albench_strategies.emoc.forms import Form, add_single_gram, explicit
from albench_strategies.emoc.grams import Grams, finish
from albench_strategies.emoc.precision import matmul_precision, product_dtype
from albench_strategies.emoc.problem import Problem, is_single
from albench_strategies.emoc.row_sums import row_sums
from albench_strategies.emoc.spectrum import Probes, factored, rms_relative_error, top_directions
from albench_strategies.emoc.worth import (
    CHECKED_PAIRS,
    LOOK_FAR,
    LOOK_IMAGES,
    SKETCHES,
    by_sketch,
    hopeless,
    looked_at,
    needs_look,
    paying_ranks,
    pilot_images,
)
from albench_strategies.numerics.gradients.layers import Factors, Narrowed, mixed

PILOT_MARGIN = 0.8  # of the tolerance, since few images and pairs measure with an error of their own
IMAGES_AT_ONCE = 64  # on the CPU; more gain nothing
TRIED_FROM = 0.95  # of that: what narrowed patches and bf16 add to the error of a rank alone


@dataclass(frozen=True)
class Estimate:
    """Scores, the rank they were computed at, and their measured rms relative error."""

    scores: Tensor
    rank: int
    error: float


def low_rank_scores(problem: Problem, tolerance: float, generator: torch.Generator) -> Estimate | None:
    """Return scores whose rms relative error, measured on 128 random pairs and 64 images, is at most `tolerance`.

    Pairs and images are drawn from `generator`. None where exact scores would cost about as much, or no rank is good
    enough.
    """
    forms = problem.forms()
    ranks = paying_ranks(problem.shapes(), forms, len(problem.images), len(problem))
    if not ranks:
        return None
    limit = PILOT_MARGIN * tolerance
    with matmul_precision(problem.precision, problem.images.device):
        low = _LowRank(problem, forms, generator)
        if needs_look(problem.shapes(), forms, len(problem.images), len(problem)) and low.seems_hopeless(ranks, limit):
            return None
        return low.estimate(ranks, limit)


@dataclass(frozen=True)
class _Trial:
    """A rank as it would be used: factored directions, all pairs' coordinates, and the pilot images' sums and error."""

    probes: list[Probes]
    pairs: Gathered
    sums: Tensor
    error: float


class _LowRank:
    """A problem whose explicit layers are projected; the checked pairs and the pilot images are drawn once.

    The pilot images are the first of all: what is computed on them to measure a rank is part of the scores.
    """

    def __init__(self, problem: Problem, forms: list[Form], generator: torch.Generator) -> None:
        self.generator = generator
        device = problem.images.device
        self.checked = torch.randperm(len(problem), generator=generator)[:CHECKED_PAIRS].to(device)
        order = torch.randperm(len(problem.images), generator=generator)
        self.problem = replace(problem, images=problem.images[order.to(device)])
        self.n_pilot = pilot_images(len(order))
        self.layout, self.shapes = Layout.of(problem, forms), problem.shapes()
        self.functions = max(shape.rows for shape in self.shapes)
        self.lower = lower_dtype(problem.images)
        self.lowered = self.layout.explicit if self.lower != problem.images.dtype else []
        held = torch.randperm(len(problem), generator=generator)[: problem.block_size(sum(self.layout.widths))]
        self.drawn, self.holds_all = held.to(device), len(held) == len(problem)
        self.check = gather_unit(self.problem, self.layout, self.checked)

    def seems_hopeless(self, ranks: list[int], limit: float) -> bool:
        """Tell whether no rank would do, by a look at few pairs and images."""
        few = gather_unit(self.problem, self.layout, self.drawn[: looked_at(len(self.drawn))], self.lowered)
        wanted = [rank for rank in ranks if rank <= SKETCHES[0]]
        if not wanted:
            return False
        directions = top_directions(few.rows, wanted[-1], self.generator)
        _, errors = self._errors_by_rank(directions, wanted, LOOK_IMAGES)
        return hopeless(errors, ranks[-1], LOOK_FAR * limit)

    def estimate(self, ranks: list[int], limit: float) -> Estimate | None:
        """Return the estimate of the smallest rank whose error on the pilot images is at most the limit, or None."""
        self.held = gather_unit(self.problem, self.layout, self.drawn.sort().values, self.lowered)
        for wanted in by_sketch(ranks):
            directions = top_directions(self.held.rows, wanted[-1], self.generator)
            exact, errors = self._errors_by_rank(directions, wanted, self.n_pilot)
            for rank in wanted:
                if errors[rank] > TRIED_FROM * limit:
                    continue
                trial = self._tried(directions[:rank], exact)
                if trial.error <= limit:
                    return Estimate(self._scores(trial), min(rank, len(directions)), trial.error)
            if len(directions) < wanted[-1] or hopeless(errors, ranks[-1], limit):
                return None
        return None

    def _errors_by_rank(self, directions: Tensor, ranks: list[int], n_images: int) -> tuple[Tensor, dict[int, float]]:
        """Return the checked pairs' exact sums on the first images, and each rank's error by itself."""
        rows = self.check.rows * self.check.lengths
        coordinates = inner(rows, directions)
        parts, split_rows = (torch.split(wide, self.layout.widths, dim=1) for wide in (directions, rows))
        exact, near = (torch.zeros(len(self.checked), dtype=torch.float64, device=self.checked.device) for _ in "en")
        nears = {rank: near.clone() for rank in ranks}
        for images in torch.split(self.problem.images[:n_images], self._chunk_size()):
            factors = self.problem.jacobian(images)
            others = self._other_changes([factors[layer] for layer in self.layout.others], len(images) * self.functions)
            whole, projected, start = others.clone(), others.new_zeros(len(others), len(directions)), 0
            for layer, part, row in zip(self.layout.explicit, parts, split_rows, strict=True):
                ours = factors[layer]
                jacobian = explicit(ours, self.problem.recorder.space, f"image {layer}")
                whole += mixed(inner(jacobian, row), ours.mixing)
                projected += mixed(inner(jacobian, part), ours.mixing)
            exact += whole.abs().sum(dim=0)
            for rank in ranks:
                others.addmm_(projected[:, start:rank], coordinates[:, start:rank].T)
                nears[rank] += others.abs().sum(dim=0)
                start = rank
        return exact, {rank: rms_relative_error(near, exact) for rank, near in nears.items()}

    def _tried(self, directions: Tensor, exact: Tensor) -> _Trial:
        """Compute on the pilot images as on all, and measure what comes out."""
        along = inner(self.held.rows, directions.to(self.lower)).to(directions.dtype)
        probes, pairs = self._probes(directions, along), self._coordinates(directions, along)
        sums = self._sums(probes, pairs, slice(0, self.n_pilot))
        return _Trial(probes, pairs, sums, rms_relative_error(sums[self.checked], exact))

    def _probes(self, directions: Tensor, along: Tensor) -> list[Probes]:
        """Return the directions of each explicit layer, factored over few combinations of its inputs."""
        sizes = along.square().mean(dim=0).sqrt()
        parts = torch.split(directions, self.layout.widths, dim=1)
        return [
            factored(part, sizes, self.shapes[layer].width).to(self.lower)
            for layer, part in zip(self.layout.explicit, parts, strict=True)
        ]

    def _coordinates(self, directions: Tensor, along: Tensor) -> Gathered:
        if self.holds_all:
            return replace(self.held, rows=along * self.held.lengths)
        everything = torch.arange(len(self.problem), device=self.checked.device)
        return gather_projected(self.problem, self.layout, everything, directions, self.lowered)

    def _scores(self, trial: _Trial) -> Tensor:
        """Score all pairs in one pass over the images that the trial has not seen."""
        rest = self._sums(trial.probes, trial.pairs, slice(self.n_pilot, None))
        return ((trial.sums + rest) / len(self.problem.images)).to(self.problem.images.dtype)

    def _sums(self, probes: list[Probes], pairs: Gathered, part: slice) -> Tensor:
        """Return the sums of absolute changes of all pairs over some images, float64, (n,)."""

        def partial(images: Tensor) -> Tensor:
            others, narrowed = self.problem.narrowed_jacobian(images, bases, self.lowered)
            return self._near(others, self._projected(narrowed, weights), pairs)

        bases = {layer: probe.basis for layer, probe in zip(self.layout.explicit, probes, strict=True)}
        weights = [probe.by_input(self.shapes[layer].groups) for layer, probe in zip(bases, probes, strict=True)]
        total = torch.zeros(len(self.problem), dtype=torch.float64, device=self.checked.device)
        for found in self.problem.over_images(self._narrow_chunk_size(weights), partial, part):
            total += found
        return total

    def _near(self, ours: list[Factors], left: Tensor, pairs: Gathered) -> Tensor:
        """Return a chunk's sums of absolute changes of all pairs, float64, (n,)."""
        singles = ((x, side.factors) for x, side in zip(ours, pairs.others, strict=True) if is_single(side.form, x))
        grams = Grams.of([(x, other) for x, other in singles if other is not None], shared=True)
        weights = left.new_ones(len(left))
        rest = many_position_changes(self.problem, ours, pairs.others)
        if rest is None:
            return row_sums(left, pairs.rows, grams, weights, self.problem.precision)
        return finish(rest.addmm_(left, pairs.rows.T), grams, weights)

    def _other_changes(self, ours: list[Factors], rows: int) -> Tensor:
        """Return the checked pairs' changes through the layers that stay exact, (rows, m)."""
        sides = self.check.others
        changes = many_position_changes(self.problem, ours, sides)
        changes = self.check.rows.new_zeros(rows, len(self.checked)) if changes is None else changes
        for x, side in zip(ours, sides, strict=True):
            if is_single(side.form, x):
                add_single_gram(changes, x, side)
        return changes

    def _projected(self, narrowed: list[Narrowed], weights: list[Tensor]) -> Tensor:
        """Return the products of a chunk's Jacobian with the directions, (images * F, r)."""
        projected: Tensor | None = None
        for ours, weight in zip(narrowed, weights, strict=True):
            functions, n, _ = ours.products.shape
            dtype = product_dtype(self.problem.precision, ours.products)
            part = inner(ours.products.flatten(0, 1).to(dtype), weight.to(dtype)).to(self.problem.images.dtype)
            by_image = part.view(functions, n, -1).transpose(0, 1).flatten(0, 1)
            part = mixed(by_image, ours.mixing)
            projected = part if projected is None else projected.add_(part)
        assert projected is not None
        return projected

    def _narrow_chunk_size(self, weights: list[Tensor]) -> int:
        widest = max(weight.shape[1] for weight in weights)
        size = self.problem.chunk_size(self.functions * max(widest, len(self.problem)))
        return size if self.checked.is_cuda else min(size, IMAGES_AT_ONCE)

    def _chunk_size(self) -> int:
        explicit = [self.shapes[layer] for layer in self.layout.explicit]
        largest = max(shape.functions * shape.weights for shape in explicit)
        return self.problem.chunk_size(max(largest, self.functions * len(self.problem)))
