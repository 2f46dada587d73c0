"""A network with its fine-tuning schedule: fit, update, predict, grow a class."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import skip_init

from albench.contracts.network import Network
from albench.contracts.query import FORWARD_BATCH
from albench.contracts.scenario import Images
from albench.errors import DivergedError
from albench.protocol import Protocol
from albench.rng import stream

LOSS_CHECK_EVERY = 50  # iterations between looks at the loss: a look waits for the device


class Learner:
    """The network of one cell, the mean image it subtracts, and the classes its outputs stand for.

    `classes[i]` is the scenario's class of output i. Images go in as uint8 on the scale 0..255 and are seen as float32
    minus the mean image of the initial labelled set, as in Caffe.
    """

    def __init__(
        self,
        recipe: Network,
        protocol: Protocol,
        seed: int,
        classes: Sequence[int],
        initial_images: Images,
        device: str,
    ) -> None:
        self.recipe = recipe
        self.protocol = protocol
        self.seed = seed
        self.classes = list(classes)
        self.device = torch.device(device)
        self.mean = torch.from_numpy(initial_images.mean(axis=0, dtype=np.float64).astype(np.float32)).to(self.device)
        channels, height, width = initial_images.shape[1:]
        draws = stream(seed, "initialisation")
        self.network: Any = self._place(recipe.build((channels, height, width), len(self.classes), draws))

    def prepare(self, images: Images) -> Tensor:
        """Return images as the network sees them, float32, (n, C, H, W), on the device."""
        pixels = torch.from_numpy(np.ascontiguousarray(images)).to(self.device)
        return (pixels.float() - self.mean).contiguous(memory_format=torch.channels_last)

    def outputs(self, labels: NDArray[np.int64]) -> Tensor:
        """Return the output index of each class label, int64, on the device; every class must be known."""
        index = {label: output for output, label in enumerate(self.classes)}
        return torch.tensor([index[label] for label in labels.tolist()], dtype=torch.int64, device=self.device)

    def fit(self, images: Images, labels: NDArray[np.int64]) -> None:
        """Train on the initial labelled set; batches are drawn uniformly with replacement."""
        draws = stream(self.seed, "initial batches")
        shape = (self.protocol.initial_iterations, self.protocol.batch_size)
        self._train(images, labels, draws.integers(len(images), size=shape), "the initial training")

    def update(self, images: Images, labels: NDArray[np.int64], n_new: int, round_number: int) -> None:
        """Fine-tune after a query whose examples are the last `n_new` rows.

        Each example of a mini-batch is an old one with probability `old_fraction`, else a new one (Kaeding et al.
        2016).
        """
        draws = stream(self.seed, "update batches", round_number)
        shape = (self.protocol.update_iterations, self.protocol.batch_size)
        n_old = len(images) - n_new
        is_old = draws.random(shape) < self.protocol.old_fraction
        place = draws.random(shape)
        rows = np.where(is_old, (place * n_old), n_old + (place * n_new)).astype(np.int64)
        self._train(images, labels, rows, f"the update of round {round_number}")

    def grow(self, label: int) -> None:
        """Add an output for a class that has just been found; its row depends on the class alone."""
        old = self.network.head
        new = self._new_head(old.in_features, old.out_features + 1)
        row = self.recipe.head_row(old.in_features, stream(self.seed, "head row", label))
        with torch.no_grad():
            new.weight.copy_(torch.cat([old.weight, torch.from_numpy(row).to(self.device)[None]]))
            new.bias.copy_(torch.cat([old.bias, old.bias.new_zeros(1)]))
        self.network.head = new
        self.classes.append(label)

    def predict(self, images: Images) -> NDArray[np.int64]:
        """Return the predicted class (the scenario's label) of each image."""
        self.network.eval()
        found = []
        with torch.no_grad():
            for start in range(0, len(images), FORWARD_BATCH):
                logits = self.network(self.prepare(images[start : start + FORWARD_BATCH]))
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

    def _new_head(self, n_features: int, n_classes: int) -> nn.Linear:
        """Return a head whose weights are still to be set; torch draws none from its global generator."""
        head: nn.Linear = skip_init(nn.Linear, n_features, n_classes, device=self.device)  # type: ignore[no-untyped-call]
        return head

    def _place(self, network: nn.Module) -> nn.Module:
        placed: nn.Module = network.to(device=self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return placed

    def _train(self, images: Images, labels: NDArray[np.int64], rows: NDArray[np.int64], what: str) -> None:
        # Rows of an NHWC tensor are gathered and seen as NCHW: the batch is in channels_last without a copy.
        pixels = self.prepare(images).permute(0, 2, 3, 1)
        targets = self.outputs(labels)
        batches = torch.from_numpy(rows).to(self.device)
        optimizer = self._optimizer()
        self.network.train()
        for iteration, batch in enumerate(batches):
            x = pixels.index_select(0, batch).permute(0, 3, 1, 2)
            loss = F.cross_entropy(self.network(x), targets[batch])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if iteration % LOSS_CHECK_EVERY == 0 or iteration == len(rows) - 1:
                self._check_finite(loss, iteration, what)
        self.network.eval()

    def _optimizer(self) -> torch.optim.SGD:
        """Return SGD with an empty momentum buffer; Caffe's models train biases at a rate of their own."""
        named = list(self.network.named_parameters())
        biases = [value for name, value in named if name.rpartition(".")[2] == "bias"]
        weights = [value for name, value in named if name.rpartition(".")[2] != "bias"]
        rate = self.protocol.learning_rate
        groups: list[dict[str, Any]] = [{"params": weights}, {"params": biases, "lr": rate * self.recipe.bias_rate}]
        return torch.optim.SGD(
            groups,
            lr=rate,
            momentum=self.protocol.momentum,
            weight_decay=self.protocol.weight_decay,
            fused=True,
        )

    def _check_finite(self, loss: Tensor, iteration: int, what: str) -> None:
        finite = bool(torch.isfinite(loss)) and all(bool(p.isfinite().all()) for p in self.network.parameters())
        if not finite:
            raise DivergedError(
                f"training diverged: the loss is {loss.item()} or a weight is not finite by iteration {iteration} "
                f"of {what}; lower learning_rate (it is {self.protocol.learning_rate:g})"
            )
