from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

import albench
from albench.contracts.learner import Examples
from albench.rng import stream
from albench.training.engine import execute
from albench.training.model import Model
from albench.training.retrain import Retrain
from benchmarks import plain_residual
from tests.training.models import LABELS, images, new_model

LEARNER = Retrain(iterations=100, batch_size=8, learning_rate=1e-4)


def test_a_round_is_the_same_training_written_plainly_in_pytorch() -> None:
    """The network is built by hand from the streams' draws, grown in the order of class numbers, and trained by SGD."""
    found = [9, 7, 9, 7]  # 9 was found first
    labels = np.array([*LABELS, *found])
    one = new_model()
    for label in (9, 7):
        one.grow(label)
    LEARNER.update(one, Examples(images(16), labels), 2, 3)

    recipe = albench.network("cifar10-quick")
    network = recipe.build((1, 8, 8), 2, stream(0, "initialisation"))
    head = torch.nn.Linear(64, 4)
    with torch.no_grad():
        rows = [0.1 * stream(0, "head row", label).standard_normal(64) for label in (7, 9)]
        head.weight.copy_(torch.cat([network.head.weight, torch.tensor(np.array(rows), dtype=torch.float32)]))
        head.bias.zero_()
    network.head = head
    network.train()
    x = torch.tensor(images(16).astype(np.float32) - images(12).mean(axis=0, dtype=np.float64).astype(np.float32))
    outputs = {5: 0, 2: 1, 7: 2, 9: 3}
    y = torch.tensor([outputs[label] for label in labels.tolist()])
    biases = [p for name, p in network.named_parameters() if name.endswith("bias")]
    weights = [p for name, p in network.named_parameters() if not name.endswith("bias")]
    groups = [{"params": weights, "lr": 1e-4}, {"params": biases, "lr": 2e-4}]
    optimizer = torch.optim.SGD(groups, momentum=0.9, weight_decay=5e-4)
    for batch in stream(0, "retrain batches", 3).integers(16, size=(100, 8)):
        optimizer.zero_grad()
        F.cross_entropy(network(x[batch]), y[batch]).backward()
        optimizer.step()
    assert one.classes == [5, 2, 7, 9]
    for name, value in network.state_dict().items():
        torch.testing.assert_close(one.network.state_dict()[name], value, rtol=0, atol=1e-6)


def test_a_round_of_a_residual_network_is_a_plain_pytorch_training_of_it() -> None:
    learner = Retrain(iterations=100, batch_size=16, learning_rate=0.01)
    pictures, labels = images(16, side=16), np.array([*LABELS, 5, 2, 2, 5])
    one = Model(albench.network("resnet8"), 0, (5, 2), pictures[:12], "cpu")
    learner.update(one, Examples(pictures, labels), 2, 3)

    network = albench.network("resnet8").build((1, 16, 16), 2, stream(0, "initialisation"))
    plain = plain_residual.with_weights_of(network, plain_residual.PlainResNet8(1, 2))
    seen_first = pictures[:12].astype(np.float64)
    mean, std = (torch.tensor(float(each), dtype=torch.float32) for each in (seen_first.mean(), seen_first.std()))
    x = (torch.tensor(pictures).float() - mean) / std
    y = torch.tensor([[5, 2].index(label) for label in labels.tolist()])
    batches = torch.from_numpy(stream(0, "retrain batches", 3).integers(16, size=(100, 16)))
    plain_residual.train(plain, x, y, batches, 0.01, 0.9, 5e-4)
    values = plain.state_dict().values()
    for (name, value), expected in zip(one.network.state_dict().items(), values, strict=True):
        torch.testing.assert_close(value, expected, rtol=0, atol=1e-6, msg=name)


def test_the_initial_training_is_round_zero_of_the_streams() -> None:
    one, other = new_model(), new_model()
    examples = Examples(images(12), LABELS)
    LEARNER.fit(one, examples)
    rows = stream(0, "retrain batches", 0).integers(12, size=(100, 8))
    execute(other, LEARNER.plan("by hand", rows, 0, "retrain", 0), examples, LEARNER)
    for name, value in one.weights().items():
        assert torch.equal(value, other.weights()[name]), name


def test_what_was_trained_before_does_not_reach_the_next_round() -> None:
    one, other = new_model(), new_model()
    LEARNER.fit(one, Examples(images(12), LABELS))
    for each in (one, other):
        LEARNER.update(each, Examples(images(14), np.array([*LABELS, 5, 2])), 2, 1)
    for name, value in one.weights().items():
        assert torch.equal(value, other.weights()[name]), name


@pytest.mark.parametrize("order", [(9, 7), (7, 9)])
def test_the_order_in_which_classes_were_found_changes_nothing(order: tuple[int, int]) -> None:
    one = new_model()
    for label in order:
        one.grow(label)
    LEARNER.update(one, Examples(images(14), np.array([*LABELS, 7, 9])), 2, 1)
    assert one.classes == [5, 2, 7, 9]
