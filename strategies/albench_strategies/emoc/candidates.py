"""The candidates' gradients as low-rank scoring needs them: explicit layers side by side in one row a pair."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import torch
from torch import Tensor

from albench_strategies.emoc.forms import Form, Side, explicit
from albench_strategies.emoc.problem import Problem, joined
from albench_strategies.numerics.gradients.layers import Factors


@dataclass(frozen=True)
class Layout:
    """Which layers are explicit, and so projected, and where each stands in a row."""

    forms: list[Form]
    widths: list[int]

    @classmethod
    def of(cls, problem: Problem, forms: list[Form]) -> Layout:
        """Lay out the layers of a problem."""
        shapes = zip(problem.shapes(), forms, strict=True)
        return cls(forms, [shape.weights for shape, form in shapes if form is Form.explicit])

    @property
    def explicit(self) -> list[int]:
        """The explicit layers."""
        return [layer for layer, form in enumerate(self.forms) if form is Form.explicit]

    @property
    def others(self) -> list[int]:
        """The layers that stay exact."""
        return [layer for layer, form in enumerate(self.forms) if form is not Form.explicit]

    @property
    def starts(self) -> list[int]:
        """Where each explicit layer begins in a row."""
        return [0, *accumulate(self.widths)][:-1]


@dataclass(frozen=True)
class Gathered:
    """Some pairs: `rows` of explicit gradients, (m, K), and the other layers' sides."""

    rows: Tensor
    others: list[Side]


def gather(problem: Problem, layout: Layout, pairs: Tensor, directions: Tensor | None = None) -> Gathered:
    """Return the gradients of pairs; with `directions`, (r, K), the rows are projected on them: (m, r)."""
    width = sum(layout.widths) if directions is None else len(directions)
    rows = problem.images.new_empty(len(pairs), width)
    parts = None if directions is None else torch.split(directions, layout.widths, dim=1)
    kept: list[list[Factors]] = [[] for _ in layout.others]
    gradients: list[list[Tensor]] = [[] for _ in layout.others]
    for place, factors in problem.gradients(pairs):
        for position, (layer, start) in enumerate(zip(layout.explicit, layout.starts, strict=True)):
            gradient = explicit(factors[layer], problem.recorder.space, f"piece {layer}")
            if parts is None:
                rows[place, start : start + gradient.shape[1]] = gradient
            elif position == 0:
                torch.mm(gradient, parts[0].T, out=rows[place])
            else:
                rows[place].addmm_(gradient, parts[position].T)
        for position, layer in enumerate(layout.others):
            if layout.forms[layer] is Form.half:
                gradients[position].append(explicit(factors[layer]))
            else:
                kept[position].append(Factors(factors[layer].patches.clone(), factors[layer].deltas.clone()))
    sides = [
        Side(layout.forms[layer], None, joined(kept[position]))
        if kept[position]
        else Side(layout.forms[layer], torch.cat(gradients[position]))
        for position, layer in enumerate(layout.others)
    ]
    return Gathered(rows, sides)
