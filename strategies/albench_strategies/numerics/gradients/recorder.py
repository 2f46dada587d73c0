"""The factors of every layer's gradient, from one forward pass and one backward pass a function."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from albench import StrategyError
from albench_strategies.numerics.gradients import layers
from albench_strategies.numerics.gradients.collected import Narrow, NarrowAtMaxima, Whole
from albench_strategies.numerics.gradients.last_layer import residuals, residuals_by_label
from albench_strategies.numerics.gradients.layers import Factors, Narrowed
from albench_strategies.numerics.gradients.lowered import LOWER, lowered_backward
from albench_strategies.numerics.gradients.pooling import Maxima, Pooling
from albench_strategies.numerics.gradients.workspace import Workspace

AUTOGRAD = "emoc[path=autograd] takes any network, slowly"
Directions = Callable[[Tensor], Tensor]  # logits, (n, C), to F functions of them by their derivatives, (F, n, C)


def logits_jacobian(logits: Tensor) -> Tensor:
    """Return the directions whose backward passes give the Jacobian of the logits: unit vectors, (C, n, C)."""
    n, n_classes = logits.shape
    return torch.eye(n_classes, dtype=logits.dtype, device=logits.device)[:, None].expand(-1, n, -1)


def softmax_jacobian(logits: Tensor) -> Tensor:
    """Return the same for the softmax p of the logits: rows of diag(p) - p p^T, (C, n, C)."""
    p = torch.softmax(logits, dim=1)
    return (torch.diag_embed(p) - p[:, :, None] * p[:, None]).transpose(0, 1)


def loss_gradient(labels: Tensor) -> Directions:
    """Return the direction of the softmax loss's gradient for pairs of image and label: p - e_y, (1, n, C)."""

    def direction(logits: Tensor) -> Tensor:
        return residuals(torch.softmax(logits, dim=1), labels)[None]

    return direction


def every_label(logits: Tensor) -> Tensor:
    """Return the directions of the softmax loss's gradients under each label y: p - e_y, (C, n, C)."""
    return residuals_by_label(torch.softmax(logits, dim=1)).permute(2, 0, 1)


def summed_logits(logits: Tensor) -> Tensor:
    """Return the direction of the logits' sum over sqrt(C), whose gradient makes the pseudo-NTK, (1, n, C)."""
    return torch.full_like(logits, logits.shape[1] ** -0.5)[None]


class UnknownLayerError(StrategyError):
    """A layer's gradient has no factors, or its use hides them; autograd finds it all the same."""


@dataclass(frozen=True)
class _Pass:
    """A forward pass: what the layers take in and give out, and the logits, all in its graph.

    `inputs` and so on are what was recorded, in the layers' order; `maxima` those of a layer that is used by a maximum
    pooling alone. `head` is the place of a linear layer that gives the logits.
    """

    inputs: list[Tensor]
    outputs: list[Tensor]
    maxima: list[Maxima | None]
    logits: Tensor
    head: int | None

    def end(self, place: int, at_maxima: bool) -> Tensor:
        """Return what a layer's derivatives are taken by: its output, or that of its pooling."""
        maxima = self.maxima[place]
        return maxima.output if at_maxima and maxima is not None else self.outputs[place]


@dataclass(frozen=True)
class _Record:
    """What a layer took in, the version of it, and gave out; and the node of the graph that handed the latter on."""

    x: Tensor
    output: Tensor
    version: int
    node: Any


class Recorder:
    """A copy of a network that records what its layers with weights take in and give out.

    Raises UnknownLayerError for a layer with weights whose gradient has no factors, and for weights shared by two, and
    StrategyError for a batch norm with the statistics of its batch, where no image has a gradient of its own; the
    sentence names the `strategy` and ends with `advice`.
    """

    def __init__(self, network: nn.Module, linear_only: bool, strategy: str = "emoc", advice: str = AUTOGRAD) -> None:
        self.advice = advice
        names = _checked_names(network, linear_only, strategy, advice)
        self.network: nn.Module = copy.deepcopy(network).requires_grad_(False)
        self.network.to(memory_format=torch.channels_last)
        modules = dict(self.network.named_modules())
        self.names: dict[nn.Module, str] = {modules[name]: name for name in names}
        self.space = Workspace()

    def factors(self, images: Tensor, directions: Directions, lowered: Collection[int] = ()) -> list[Factors]:
        """Return each layer's factors for a batch; they last until the next call, which uses their memory again.

        Those of the layers at the places `lowered` are rounded to bf16; with any, the backward passes through
        convolutions are too. The forward pass and the directions never are.
        """
        run = self._run(images, bool(lowered))
        chosen = directions(run.logits.detach())
        kept = [self._whole(run, place, len(chosen), place in lowered) for place in range(len(self.names))]
        _collect(_backward(run.logits, run.outputs, chosen), kept)
        return [one.found() for one in kept]

    def jacobian(
        self,
        images: Tensor,
        directions: Directions,
        lowered: Collection[int] = (),
        bases: Mapping[int, Tensor] | None = None,
    ) -> list[Factors | Narrowed]:
        """Return the same with fewer backward passes where the head takes in fewer numbers than there are functions.

        A function's derivatives by what enters the head are its direction times the head's weights. So those by any
        layer below are a mixture of the derivatives of these numbers, and only the latter are had from backward passes.
        The layers at the places that have a basis, (d, k), are narrowed to it.
        """
        run, bases = self._run(images, bool(lowered)), bases or {}
        chosen = directions(run.logits.detach())

        def keep(place: int, functions: int) -> Whole | Narrow | NarrowAtMaxima:
            if place in bases:
                return self._narrow(run, place, functions, bases[place])
            return self._whole(run, place, functions, place in lowered)

        head, places = run.head, list(range(len(self.names)))
        if head is None or run.inputs[head].shape[1] >= len(chosen):
            kept = [keep(place, len(chosen)) for place in places]
            ends = [run.end(place, place in bases) for place in places]
            _collect(_backward(run.logits, ends, chosen), kept)
            return [one.found() for one in kept]
        features, places = run.inputs[head], [place for place in places if place != head]
        of_head = keep(head, len(chosen))
        _collect(((direction,) for direction in chosen), [of_head])
        below = [keep(place, features.shape[1]) for place in places]
        ends = [run.end(place, place in bases) for place in places]
        _collect(_backward(features, ends, logits_jacobian(features)), below)
        weight: Any = list(self.names)[head].weight
        found: list[Factors | Narrowed] = [one.found(chosen.transpose(0, 1) @ weight) for one in below]
        return [*found[:head], of_head.found(), *found[head:]]

    def factors_by_function(self, images: Tensor, directions: Directions) -> Iterator[list[Factors]]:
        """Yield each layer's factors for one function after another, where all at once need not be held.

        Those of the next function use the memory of these deltas again; the patches stay as they are.
        """
        run = self._run(images, lower=False)
        kept = [self._whole(run, place, 1, False) for place in range(len(self.names))]
        for found in _backward(run.logits, run.outputs, directions(run.logits.detach())):
            for one, delta in zip(kept, found, strict=True):
                one.take(0, delta)
            yield [one.found() for one in kept]

    def _whole(self, run: _Pass, place: int, functions: int, lowered: bool) -> Whole:
        (layer, name), output = list(self.names.items())[place], run.outputs[place]
        x = run.inputs[place].detach().to(LOWER if lowered else output.dtype)
        return Whole(layer, x, output, functions, self.space, name)

    def _narrow(self, run: _Pass, place: int, functions: int, basis: Tensor) -> Narrow | NarrowAtMaxima:
        layer, name = list(self.names.items())[place]
        x, maxima = run.inputs[place].detach().to(basis.dtype), run.maxima[place]
        if maxima is not None:
            return NarrowAtMaxima(layer, x, maxima, functions, basis, self.space, name)
        return Narrow(layer, x, run.outputs[place], functions, basis, self.space, name)

    def _run(self, images: Tensor, lower: bool) -> _Pass:
        if images.dim() == 4:
            images = images.contiguous(memory_format=torch.channels_last)
        with torch.enable_grad(), self._recording(lower) as record, Pooling() as pooling:
            logits: Tensor = self.network(images.detach().requires_grad_())
        for layer, name in self.names.items():
            if layer not in record:
                raise UnknownLayerError(f"layer {name!r} takes no part in the forward pass; {self.advice}")
            if record[layer].x._version != record[layer].version:
                raise StrategyError(f"the input of layer {name!r} is changed in place after its use; {self.advice}")
        if not bool(torch.isfinite(logits).all()):
            raise StrategyError(
                "the network's outputs are not finite, so no score is; train it with a lower learning rate"
            )
        found = [record[layer] for layer in self.names]
        inputs, outputs = [one.x for one in found], [one.output for one in found]
        maxima = [
            pooling.maxima(one.node, logits.grad_fn) if layers.is_plain_convolution(layer) else None
            for layer, one in zip(self.names, found, strict=True)
        ]
        return _Pass(inputs, outputs, maxima, logits, _head(list(self.names), inputs, outputs, logits))

    @contextmanager
    def _recording(self, lower: bool) -> Iterator[dict[nn.Module, _Record]]:
        record: dict[nn.Module, _Record] = {}

        def hook(module: nn.Module, inputs: Sequence[Any], output: Tensor) -> Tensor:
            if module in record:
                raise UnknownLayerError(f"layer {self.names[module]!r} is used twice in a forward pass; {self.advice}")
            if lower and type(module) is nn.Conv2d:
                output = lowered_backward(inputs[0], output, module)
            handed = output.clone()  # what follows may work in place
            record[module] = _Record(inputs[0], output, inputs[0]._version, handed.grad_fn)
            return handed

        handles = [module.register_forward_hook(hook) for module in self.names]
        try:
            yield record
        finally:
            for handle in handles:
                handle.remove()


def _backward(logits: Tensor, outputs: Sequence[Tensor], directions: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """Yield the derivatives of one function of the logits after another by the layers' outputs."""
    for index, direction in enumerate(directions):
        yield torch.autograd.grad(logits, outputs, direction, retain_graph=index < len(directions) - 1)


def _collect(derivatives: Iterable[tuple[Tensor, ...]], kept: Sequence[Whole | Narrow | NarrowAtMaxima]) -> None:
    for function, found in enumerate(derivatives):
        for one, delta in zip(kept, found, strict=True):
            one.take(function, delta)


def _head(modules: list[nn.Module], inputs: list[Tensor], outputs: list[Tensor], logits: Tensor) -> int | None:
    """Return the place of a linear layer whose output is the logits as it is; None without one, or without others."""
    end = logits.grad_fn
    if end is None or end.name() != "CloneBackward0" or len(modules) == 1:  # the recorder's clone
        return None
    for place, (module, output) in enumerate(zip(modules, outputs, strict=True)):
        if output.grad_fn is end.next_functions[0][0] and layers.is_linear(module) and inputs[place].dim() == 2:
            return place
    return None


def _has_factors(module: nn.Module) -> bool:
    unknown = {key for key, _ in module.named_parameters(recurse=False)} - {"weight", "bias"}
    return not unknown and layers.is_known(module)


def _checked_names(network: nn.Module, linear_only: bool, strategy: str, advice: str) -> list[str]:
    """Return the names of the layers to record, in the order of their modules; StrategyError."""
    names: list[str] = []
    owners: dict[nn.Parameter, str] = {}
    for name, module in network.named_modules():
        if layers.mixes_images(module):
            raise StrategyError(
                f"{strategy} takes the gradients of one image at a time, and layer {name!r} is a "
                f"{type(module).__name__} with the statistics of its batch; give it running statistics, or: {advice}"
            )
        own = list(module.parameters(recurse=False))
        if not own or (linear_only and not layers.is_linear(module)):
            continue
        if not _has_factors(module):
            raise UnknownLayerError(
                f"{strategy} knows the gradients of {layers.KNOWN}, and layer {name!r} is a "
                f"{type(module).__name__}; use {strategy}[layers=linear], or: {advice}"
            )
        for parameter in own:
            if parameter in owners:
                raise UnknownLayerError(f"layers {owners[parameter]!r} and {name!r} share their weights; {advice}")
            owners[parameter] = name
        names.append(name)
    if not names:
        raise UnknownLayerError(f"the network has no layer with weights that {strategy} knows; {advice}")
    return names
