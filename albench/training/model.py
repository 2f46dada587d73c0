"""The network of one cell: built, grown, trained and asked; held to its streams."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from albench.contracts.generators import held_still, held_to_draws
from albench.contracts.network import Network
from albench.contracts.query import FORWARD_BATCH
from albench.contracts.scenario import Inputs
from albench.errors import AlbenchError, SettingError, reason
from albench.rng import stream

Watch = Callable[[str, int, int], None]  # (what is trained, iterations done, iterations in all)


def unwatched(what: str, done: int, total: int) -> None:
    """Watch nothing."""


class Model:
    """The network of one cell, how its inputs are prepared, and the classes that its outputs stand for.

    `classes[i]` is the scenario's class of output i; `known` are those of the initial set. `watch` is told how long
    trainings get on.
    """

    def __init__(
        self,
        recipe: Network,
        seed: int,
        known: Sequence[int],
        initial: Inputs,
        device: str,
        watch: Watch = unwatched,
    ) -> None:
        self.recipe = recipe
        self.seed = seed
        self.known = list(known)
        self.device = torch.device(device)
        self.watch = watch
        self._shape = initial.shape[1:]
        with held_to_draws("preparing inputs"):
            self._preparation = recipe.preparation(initial)
        self.rebuild()
        self.network.eval()
        with self._fitting("given"), torch.no_grad():
            self.network(self.prepare(initial[:1]))

    def rebuild(self) -> None:
        """Start over: the network of the known classes with the seed's initial weights, which never differ."""
        self.classes = list(self.known)
        with held_to_draws("building"), self._fitting("building for"):
            network = self.recipe.build(self._shape, len(self.classes), stream(self.seed, "initialisation"))
        head = getattr(network, "head", None)
        if not isinstance(head, nn.Linear) or head.bias is None:
            raise SettingError(
                "building, its network got no linear layer with a bias as its head; name its last one so"
            )
        if head.out_features != len(self.classes):
            raise SettingError(f"building, its network got {head.out_features} outputs for {len(self.classes)} classes")
        self.network: Any = network.to(device=self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def prepare(self, inputs: Inputs) -> Tensor:
        """Return inputs as the network sees them, float32, (n, C, H, W) or (n, d), on the device."""
        with held_to_draws("preparing inputs"):
            prepared: Any = self._preparation(inputs)
        if not isinstance(prepared, Tensor) or prepared.dtype != torch.float32 or len(prepared) != len(inputs):
            found = (
                f"{prepared.dtype} {tuple(prepared.shape)}" if isinstance(prepared, Tensor) else type(prepared).__name__
            )
            raise SettingError(
                f"preparing {len(inputs)} inputs, its network gave {found}; return a float32 tensor with a row for each"
            )
        placed = prepared.to(self.device)
        return placed.contiguous(memory_format=torch.channels_last) if placed.ndim == 4 else placed.contiguous()

    def outputs(self, labels: NDArray[np.int64]) -> Tensor:
        """Return the output index of each class label, int64, on the device; every class must be known."""
        index = {label: output for output, label in enumerate(self.classes)}
        return torch.tensor([index[label] for label in labels.tolist()], dtype=torch.int64, device=self.device)

    def grow(self, label: int) -> None:
        """Add an output for a class that has just been found; its row depends on the class alone."""
        old = self.network.head
        new = self._new_head(old.in_features, old.out_features + 1)
        with held_to_draws("growing"):
            row = np.asarray(self.recipe.head_row(old.in_features, stream(self.seed, "head row", label)))
        if row.shape != (old.in_features,):
            raise SettingError(
                f"growing, its network gave a head row of shape {row.shape}; return ({old.in_features},)"
            )
        with torch.no_grad():
            new.weight.copy_(torch.cat([old.weight, torch.from_numpy(row).to(self.device)[None]]))
            new.bias.copy_(torch.cat([old.bias, old.bias.new_zeros(1)]))
        self.network.head = new
        self.classes.append(label)

    def predict(self, inputs: Inputs) -> NDArray[np.int64]:
        """Return the predicted class (the scenario's label) of each input."""
        self.network.eval()
        found = []
        with held_still("predicting"), torch.no_grad():
            for start in range(0, len(inputs), FORWARD_BATCH):
                logits = self.network(self.prepare(inputs[start : start + FORWARD_BATCH]))
                found.append(logits.argmax(dim=1).cpu().numpy())
        predicted: NDArray[np.int64] = np.asarray(self.classes, dtype=np.int64)[np.concatenate(found)]
        return predicted

    def snapshot(self) -> Any:
        """Return a copy of the network in eval mode, for a strategy to look at."""
        network = copy.deepcopy(self.network)
        network.eval()
        return network

    def weights(self) -> dict[str, Tensor]:
        """Return the network's weights on the CPU, by name."""
        return {name: value.detach().cpu().contiguous() for name, value in self.network.state_dict().items()}

    def load(self, weights: dict[str, Tensor], classes: Sequence[int]) -> None:
        """Take over stored weights and the classes of their outputs."""
        head = self.network.head
        if len(classes) != head.out_features:
            self.network.head = self._new_head(head.in_features, len(classes))
        self.network.load_state_dict(weights)
        self.classes = list(classes)

    @contextmanager
    def _fitting(self, doing: str) -> Iterator[None]:
        """Say what inputs the network had to take where it raises something of its own."""
        try:
            yield
        except AlbenchError:
            raise
        except Exception as error:
            raise SettingError(
                f"{doing} inputs of shape {self._shape}, its network raised {reason(error)}; mend it, or choose one "
                "that takes them with --network"
            ) from error

    def _new_head(self, n_features: int, n_classes: int) -> nn.Linear:
        """Return a head whose weights are still to be set; what it draws itself leaves no trace."""
        with torch.random.fork_rng(devices=[]):  # torch's skip_init would bring in its compiler: seconds of imports
            head = nn.Linear(n_features, n_classes)
        return head.to(self.device)
