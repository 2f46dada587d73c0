"""The engine: executes an index plan with torch, one batch after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from albench.errors import DivergedError, SettingError
from albench.training.batches import SHIFT, Plan
from albench.training.sgd import FusedSgd

if TYPE_CHECKING:
    from albench.contracts.learner import Examples
    from albench.training.model import Model
    from albench.training.schedule import ScheduledLearner

LOOK_EVERY = 50  # iterations between looks at the loss: a look waits for the device


def execute(model: Model, plan: Plan, examples: Examples, numbers: ScheduledLearner) -> None:
    """Train a model's network on labelled examples as a plan says; DivergedError, SettingError."""
    inputs = _Inputs(model.prepare(examples.inputs), plan)
    targets = model.outputs(examples.labels)
    batches = torch.from_numpy(plan.rows).to(model.device)
    optimizer = make_optimizer(model, numbers)
    network = model.network
    in_half = numbers.precision == "bf16"
    half = torch.autocast(model.device.type, dtype=torch.bfloat16) if in_half else nullcontext()
    _set_training(network, plan)
    with _own_noise(plan.noise, model.device):
        for iteration, batch in enumerate(batches):
            _set_rate(optimizer, plan, iteration)
            with half:
                outputs = network(inputs.batch(batch, iteration))
            loss = F.cross_entropy(outputs.float(), targets[batch])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if iteration % LOOK_EVERY == 0 or iteration == len(plan) - 1:
                _check_finite(model, loss, iteration, plan.what, numbers.learning_rate)
                model.watch(plan.what, iteration + 1, len(plan))
    network.eval()


def _set_training(network: nn.Module, plan: Plan) -> None:
    """Set training mode; batch normalisation stays in eval mode where the plan freezes its statistics."""
    network.train()
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    if plan.frozen_statistics:
        for norm in norms:
            norm.eval()
    elif norms and plan.rows.shape[1] == 1:
        raise SettingError(
            f"{plan.what} has batches of one example, of which batch normalisation has no statistics; set batch_size "
            "to 2 or more, or choose a network without it"
        )


def make_optimizer(model: Model, numbers: ScheduledLearner) -> FusedSgd | torch.optim.Optimizer:
    """Return an optimiser at its start; biases learn at a rate of their own, as in Caffe's models."""
    named = list(model.network.named_parameters())
    biases = [value for name, value in named if name.rpartition(".")[2] == "bias"]
    weights = [value for name, value in named if name.rpartition(".")[2] != "bias"]
    rate = numbers.learning_rate
    groups: list[dict[str, Any]] = [
        {"params": weights, "lr": rate, "full_rate": rate},
        {"params": biases, "lr": rate * model.recipe.bias_rate, "full_rate": rate * model.recipe.bias_rate},
    ]
    if numbers.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=rate, weight_decay=numbers.weight_decay, fused=True)
    return FusedSgd(groups, numbers.momentum, numbers.weight_decay)


def _set_rate(optimizer: FusedSgd | torch.optim.Optimizer, plan: Plan, iteration: int) -> None:
    factor = float(plan.rates[iteration])
    if factor != (float(plan.rates[iteration - 1]) if iteration else 1.0):
        for group in optimizer.param_groups:
            group["lr"] = group["full_rate"] * factor


class _Inputs:
    """The examples on the device, from which batches are gathered as the plan sees them."""

    def __init__(self, inputs: Tensor, plan: Plan) -> None:
        # Rows of an NHWC tensor are gathered and seen as NCHW: the batch is in channels_last without a copy.
        self.rows = inputs.permute(0, 2, 3, 1) if inputs.ndim == 4 else inputs
        self.views = plan.views
        if plan.views is not None:
            self.flips = torch.from_numpy(plan.views.flips).to(inputs.device)
            self.shifts = torch.from_numpy(plan.views.shifts).to(inputs.device)

    def batch(self, rows: Tensor, iteration: int) -> Tensor:
        """Return the examples of these rows, (batch_size, ...)."""
        found = self.rows.index_select(0, rows)
        if self.views is not None:
            found = moved(found, self.flips[iteration], self.shifts[iteration])
        return found.permute(0, 3, 1, 2) if found.ndim == 4 else found


def moved(images: Tensor, flips: Tensor, shifts: Tensor) -> Tensor:
    """Return images (n, H, W, C), each moved by (down, right) pixels over zeros, then mirrored if wanted."""
    n, height, width, _ = images.shape
    padded = F.pad(images, (0, 0, SHIFT, SHIFT, SHIFT, SHIFT))
    along = torch.arange(width, device=images.device)
    columns = torch.where(flips[:, None], along.flip(0), along) + SHIFT - shifts[:, 1:]
    rows = torch.arange(height, device=images.device) + SHIFT - shifts[:, :1]
    example = torch.arange(n, device=images.device)[:, None, None]
    return padded[example, rows[:, :, None], columns[:, None, :]]


@contextmanager
def _own_noise(seed: int, device: torch.device) -> Iterator[None]:
    """Let layers such as dropout, which can only draw from torch's global generator, draw from the plan's seed."""
    on_gpu = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if on_gpu else []):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reach every GPU
        if on_gpu:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


def _check_finite(model: Model, loss: Tensor, iteration: int, what: str, rate: float) -> None:
    finite = bool(torch.isfinite(loss)) and all(bool(p.isfinite().all()) for p in model.network.parameters())
    if not finite:
        raise DivergedError(
            f"training diverged: the loss is {loss.item()} or a weight is not finite by iteration {iteration} of "
            f"{what}; lower learning_rate (it is {rate:g})"
        )
