from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from albench.contracts.learner import Examples
from albench.errors import DivergedError
from albench.rng import stream
from albench.training.finetune import Finetune
from tests.training.models import LABELS, images, new_model

LEARNER = Finetune(initial_iterations=3, update_iterations=3, batch_size=4, learning_rate=0.01)


def test_images_are_seen_minus_the_mean_image_of_the_initial_set() -> None:
    one = new_model()
    expected = images(3, 1).astype(np.float64) - images(12).mean(axis=0)
    np.testing.assert_allclose(one.prepare(images(3, 1)).numpy(), expected, atol=1e-4)


def test_training_is_caffes_sgd_written_out_by_hand() -> None:
    """Momentum on the step, weight decay on biases too, biases at twice the rate, batches from the named stream."""
    one, other = new_model(), new_model()
    LEARNER.fit(one, Examples(images(12), LABELS))
    network = other.network
    rows = stream(0, "initial batches").integers(12, size=(3, 4))
    x, y = other.prepare(images(12)), torch.tensor([0, 1] * 6)
    steps = {name: torch.zeros_like(p) for name, p in network.named_parameters()}
    for batch in rows:
        network.zero_grad()
        F.cross_entropy(network(x[batch]), y[batch]).backward()
        with torch.no_grad():
            for name, p in network.named_parameters():
                assert p.grad is not None
                rate = LEARNER.learning_rate * (2 if name.endswith("bias") else 1)
                steps[name] = LEARNER.momentum * steps[name] + rate * (p.grad + LEARNER.weight_decay * p)
                p -= steps[name]
    for name, value in network.state_dict().items():
        torch.testing.assert_close(one.network.state_dict()[name], value, rtol=1e-4, atol=1e-6)


def test_update_batches_hold_old_and_new_examples_in_the_wanted_share(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[np.ndarray] = []
    monkeypatch.setattr(
        "albench.training.engine.execute", lambda model, plan, examples, numbers: seen.append(plan.rows)
    )
    learner = replace(LEARNER, update_iterations=500, batch_size=64)
    learner.update(new_model(), Examples(images(40), np.zeros(40, dtype=np.int64)), n_new=5, round_number=3)
    rows = seen[0]
    assert rows.min() >= 0
    assert rows.max() < 40
    share = (rows >= 35).mean()
    assert abs(share - 0.1) < 5 * np.sqrt(0.09 / rows.size)
    every = np.bincount(rows.ravel(), minlength=40)
    for counts in (every[:35], every[35:]):
        assert np.all(np.abs(counts - counts.mean()) < 6 * np.sqrt(counts.mean())), "each part is drawn uniformly"


def test_growing_keeps_the_outputs_of_the_classes_that_were_there() -> None:
    one = new_model()
    x = one.prepare(images(4))
    before = one.network(x)
    one.grow(9)
    after = one.network(x)
    assert one.classes == [5, 2, 9]
    torch.testing.assert_close(after[:, :2], before)
    assert one.network.head.bias[2] == 0


def test_a_new_head_row_depends_on_its_class_and_not_on_when_it_is_found() -> None:
    one, other = new_model(), new_model()
    for label in (9, 7):
        one.grow(label)
    for label in (7, 9):
        other.grow(label)
    torch.testing.assert_close(one.network.head.weight[2], other.network.head.weight[3], rtol=0, atol=0)


def test_predictions_are_labels_of_the_scenario() -> None:
    assert set(new_model().predict(images(30, 2)).tolist()) <= {5, 2}


def test_a_diverged_training_is_an_error_that_says_where() -> None:
    learner = replace(LEARNER, learning_rate=1e6, initial_iterations=60)
    with pytest.raises(
        DivergedError, match=r"by iteration \d+ of the initial training; lower learning_rate \(it is 1e\+06\)"
    ):
        learner.fit(new_model(), Examples(images(12), LABELS))


def test_weights_that_were_stored_and_loaded_predict_alike_and_train_alike() -> None:
    one, other = new_model(), new_model()
    LEARNER.fit(one, Examples(images(12), LABELS))
    one.grow(9)
    other.load(one.weights(), one.classes)
    for each in (one, other):
        LEARNER.update(each, Examples(images(14), np.array([*LABELS, 9, 9])), 2, 1)
    for name, value in one.weights().items():
        assert torch.equal(value, other.weights()[name]), name


def test_long_trainings_are_told_of_as_they_get_on() -> None:
    told: list[tuple[str, int, int]] = []
    one = new_model()
    one.watch = lambda *progress: told.append(progress)
    replace(LEARNER, initial_iterations=120).fit(one, Examples(images(12), LABELS))
    assert told == [("the initial training", done, 120) for done in (1, 51, 101, 120)]
