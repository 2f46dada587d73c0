"""The numbers of a training by stochastic gradient descent, which learners share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt, Lt

from albench.contracts.learner import Learner
from albench.errors import RequestError
from albench.rng import stream
from albench.training.batches import Plan, RateSchedule, draw_views, rate_factors
from albench.training.precision import has_bf16


@dataclass(frozen=True)
class ScheduledLearner(Learner):
    """Mini-batches, an optimiser and a learning-rate schedule; the defaults are the paper's (Kaeding et al. 2016).

    Where the paper gives no number the decision and its reason are in docs/protocol.md.
    """

    results_version: ClassVar[int] = 1

    batch_size: Annotated[int, Ge(1)] = 64
    learning_rate: Annotated[float, Gt(0)] = 1e-4
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.9  # of sgd
    weight_decay: Annotated[float, Ge(0)] = 5e-4  # of all parameters, biases included; adamw's is decoupled
    optimizer: Literal["sgd", "adamw"] = "sgd"
    schedule: RateSchedule = "constant"  # of the learning rate, over each training anew
    warmup_iterations: Annotated[int, Ge(0)] = 0  # iterations over which the learning rate rises linearly
    augmentation: Literal["none", "flip-crop"] = "none"  # flip-crop: mirrored at random, moved by up to 4 pixels
    precision: Literal["fp32", "bf16"] = "fp32"  # bf16: products of the training alone, where there are instructions

    def check_input(self, shape: tuple[int, ...]) -> None:
        """Refuse to mirror and move what is no image."""
        if self.augmentation != "none" and len(shape) != 3:
            raise RequestError(
                f"augmentation={self.augmentation} is for images, and the scenario gives features; leave it out"
            )

    def check_device(self, device: str) -> None:
        """Refuse bf16 where the processor has no instructions for it."""
        if self.precision == "bf16" and not has_bf16(device):
            raise RequestError(
                f"precision=bf16 needs a processor with instructions for it (AVX512-BF16, AMX), and {device} here has "
                "none; leave it out"
            )

    def plan(self, what: str, rows: object, seed: int, purpose: str, round_number: int) -> Plan:
        """Return the plan that sees these rows, (iterations, batch_size), with views from the seed's own streams."""
        import numpy as np

        drawn = np.asarray(rows, dtype=np.int64)
        shape = (drawn.shape[0], drawn.shape[1])
        views = None
        if self.augmentation != "none":
            views = draw_views(shape, stream(seed, f"{purpose} views", round_number))
        return Plan(
            what=what,
            rows=drawn,
            rates=rate_factors(self.schedule, self.warmup_iterations, shape[0]),
            views=views,
            noise=int(stream(seed, f"{purpose} noise", round_number).integers(2**63)),
        )
