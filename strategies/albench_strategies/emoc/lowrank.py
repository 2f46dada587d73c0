"""EMOC scores from low-rank gradients: most of what candidates would change lies in few directions.

The explicit layers' gradients of all candidates, scaled to unit norm, nearly lie in the space of their top r right
singular vectors V. So J g is replaced by (J V^T)(V g): two thin products instead of a thick one. And V itself nearly
lies in few combinations of a layer's inputs, so that J is built from patches a tenth as wide. The other layers stay
exact. How good that is gets measured, against exact scores of 32 random pairs on random images.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from albench_strategies.emoc.candidates import Gathered, Layout, gather
from albench_strategies.emoc.exact import many_position_changes
from albench_strategies.emoc.forms import Form, Side, add_single_gram, explicit
from albench_strategies.emoc.grams import Grams, finish
from albench_strategies.emoc.precision import matmul_precision, product_dtype
from albench_strategies.emoc.problem import Problem, is_single
from albench_strategies.emoc.row_sums import row_sums
from albench_strategies.emoc.spectrum import OVERSAMPLING, Probes, factored, rms_relative_error, top_directions
from albench_strategies.numerics.gradients.layers import Factors, Shape

RANKS = (64, 128, 256, 512)
CHECKED_PAIRS = 32
FIRST_SKETCH = 128
PILOT_IMAGES = 128  # on which errors are measured; with 24 they strayed by half
PILOT_MARGIN = 0.9  # of the tolerance, since the pilot images measure with an error of their own
WORTH_IT = 0.8  # of the exact path's cost, at the most


@dataclass(frozen=True)
class Estimate:
    """Scores, the rank they were computed at, and their measured rms relative error."""

    scores: Tensor
    rank: int
    error: float


def low_rank_scores(problem: Problem, tolerance: float, generator: torch.Generator) -> Estimate | None:
    """Return scores whose rms relative error, measured on 32 random pairs and 128 images, is at most `tolerance`.

    Pairs and images are drawn from `generator`. None where exact scores would cost about as much, or no rank is good
    enough.
    """
    forms, shapes = problem.forms(), problem.shapes()
    ranks = [rank for rank in RANKS if pays(shapes, forms, len(problem.images), len(problem), rank)]
    if not ranks:
        return None
    with matmul_precision(problem.precision, problem.images.device):
        return _LowRank(problem, forms, generator).grown(ranks, tolerance)


def pays(shapes: list[Shape], forms: list[Form], n_images: int, n_pairs: int, rank: int) -> bool:
    """Compare the multiply-adds with those of the exact path, in which the same Jacobian is built."""
    shared = thick = 0
    for shape, form in zip(shapes, forms, strict=True):
        # The backward passes to a layer's inputs and the product that builds J are about equal.
        shared += 2 * n_images * shape.functions * shape.positions * shape.weights
        if form is Form.explicit:
            thick += shape.weights
        else:
            shared += n_images * n_pairs * shape.positions * (shape.width + shape.functions * shape.outputs)
    rows = n_images * shapes[0].functions
    basis = thick * n_pairs * (2 * (max(rank, FIRST_SKETCH) + OVERSAMPLING) + rank)
    project = rows * (thick + n_pairs) * rank  # at the most: patches are narrowed, by how much is not known before
    pilot_images = min(n_images, PILOT_IMAGES)
    pilot = pilot_images * (shared / n_images + shapes[0].functions * thick * (rank + CHECKED_PAIRS))
    exact = shared + rows * n_pairs * thick
    return rank < n_pairs and shared + basis + project + pilot < WORTH_IT * exact


class _LowRank:
    """A problem whose explicit layers are projected; the checked pairs and the pilot images are drawn once."""

    def __init__(self, problem: Problem, forms: list[Form], generator: torch.Generator) -> None:
        self.problem, self.generator = problem, generator
        self.layout = Layout.of(problem, forms)
        device = problem.images.device
        self.checked = torch.randperm(len(problem), generator=generator)[:CHECKED_PAIRS].to(device)
        pilot = torch.randperm(len(problem.images), generator=generator)[:PILOT_IMAGES]
        self.pilot = problem.images[pilot.to(device)]
        held = torch.randperm(len(problem), generator=generator)[: problem.block_size(sum(self.layout.widths))]
        self.holds_all = len(held) == len(problem)
        self.held = gather(problem, self.layout, held.sort().values.to(device))
        self.norms = self.held.rows.norm(dim=1, keepdim=True).clamp(min=1e-30)
        self.held.rows.div_(self.norms)  # in place: this is the largest matrix of all
        self.check = gather(problem, self.layout, self.checked)

    def grown(self, ranks: list[int], tolerance: float) -> Estimate | None:
        """Return the estimate of the smallest rank whose error on the pilot images is small enough, or None."""
        jacobian, others = self._pilot_changes()
        exact = (others + jacobian @ self.check.rows.T).abs().sum(dim=0)
        found = self.held.rows[:0]
        for rank in ranks:
            if len(found) < min(rank, len(self.held.rows)):  # the cost of 64 is mostly that of 128
                found = top_directions(self.held.rows, max(rank, FIRST_SKETCH), self.generator)
            directions = found[:rank]
            probes = self._probes(directions)
            seen = torch.cat([probe.expanded() for probe in probes], dim=1)
            near = (jacobian @ seen.T) @ (self.check.rows @ directions.T).T
            error = rms_relative_error((others + near).abs().sum(dim=0), exact)
            if error <= PILOT_MARGIN * tolerance:
                return Estimate(self._scores(directions, probes), len(directions), error)
        return None

    def _probes(self, directions: Tensor) -> list[Probes]:
        """Return the directions of each explicit layer, factored over few combinations of its inputs."""
        sizes = (self.held.rows @ directions.T).square().mean(dim=0).sqrt()
        parts = torch.split(directions, self.layout.widths, dim=1)
        shapes = self.problem.shapes()
        return [
            factored(part, sizes, shapes[layer].width) for layer, part in zip(self.layout.explicit, parts, strict=True)
        ]

    def _pilot_changes(self) -> tuple[Tensor, Tensor]:
        """Return the pilot images' Jacobian of the explicit layers, and the checked pairs' changes through others."""
        jacobians, changes = [], []
        for images in torch.split(self.pilot, self._chunk_size()):
            factors = self.problem.jacobian(images)
            jacobians.append(torch.cat([explicit(factors[layer]) for layer in self.layout.explicit], dim=1))
            changes.append(self._other_changes(factors, self.check.others, len(jacobians[-1])))
        return torch.cat(jacobians), torch.cat(changes)

    def _scores(self, directions: Tensor, probes: list[Probes]) -> Tensor:
        """Score all pairs in one pass over the images."""
        pairs = self._coordinates(directions)

        def partial(images: Tensor) -> Tensor:
            factors = self.problem.jacobian(images)
            return self._near(factors, self._projected(factors, probes), pairs)

        total = torch.zeros(len(self.problem), dtype=torch.float64, device=self.checked.device)
        for part in self.problem.over_images(self._chunk_size(), partial):
            total += part
        return (total / len(self.problem.images)).to(self.problem.images.dtype)

    def _coordinates(self, directions: Tensor) -> Gathered:
        if self.holds_all:
            return Gathered((self.held.rows @ directions.T).mul_(self.norms), self.held.others)
        everything = torch.arange(len(self.problem), device=self.checked.device)
        return gather(self.problem, self.layout, everything, directions)

    def _near(self, factors: list[Factors], left: Tensor, pairs: Gathered) -> Tensor:
        """Return a chunk's sums of absolute changes of all pairs, float64, (n,)."""
        ours = [factors[layer] for layer in self.layout.others]
        grams = Grams.of([(x, side.factors) for x, side in _singles(ours, pairs.others) if side.factors is not None])
        weights = left.new_ones(len(left))
        rest = many_position_changes(self.problem, ours, pairs.others)
        if rest is None:
            return row_sums(left, pairs.rows, grams, weights, self.problem.precision)
        return finish(rest.addmm_(left, pairs.rows.T), grams, weights)

    def _other_changes(self, factors: list[Factors], sides: list[Side], rows: int) -> Tensor:
        """Return the checked pairs' changes through the layers that stay exact, (rows, m)."""
        ours = [factors[layer] for layer in self.layout.others]
        changes = many_position_changes(self.problem, ours, sides)
        changes = self.check.rows.new_zeros(rows, len(self.checked)) if changes is None else changes
        for x, side in _singles(ours, sides):
            add_single_gram(changes, x, side)
        return changes

    def _projected(self, factors: list[Factors], probes: list[Probes]) -> Tensor:
        """Return the products of a chunk's Jacobian with the directions, (images * F, r)."""
        projected: Tensor | None = None
        for layer, probe in zip(self.layout.explicit, probes, strict=True):
            narrow = Factors(self._narrowed(factors[layer].patches, probe.basis, layer), factors[layer].deltas)
            jacobian = explicit(narrow, self.problem.recorder.space, f"image {layer}")
            dtype = product_dtype(self.problem.precision, jacobian)
            if projected is not None and dtype == projected.dtype:
                projected.addmm_(jacobian, probe.weights.T)
                continue
            product = (jacobian.to(dtype) @ probe.weights.to(dtype).T).to(probe.weights.dtype)
            projected = product if projected is None else projected.add_(product)
        assert projected is not None
        return projected

    def _narrowed(self, patches: Tensor, basis: Tensor, layer: int) -> Tensor:
        shape = (*patches.shape[:-1], basis.shape[1])
        result = self.problem.recorder.space.take(f"narrow {layer}", shape, patches.dtype, patches.device)
        torch.mm(patches.flatten(0, -2), basis, out=result.flatten(0, -2))
        return result

    def _chunk_size(self) -> int:
        return self.problem.chunk_size(self.problem.shapes()[0].functions * max(*self.layout.widths, len(self.problem)))


def _singles(factors: list[Factors], sides: list[Side]) -> Iterator[tuple[Factors, Side]]:
    return ((x, side) for x, side in zip(factors, sides, strict=True) if is_single(side.form, x))
