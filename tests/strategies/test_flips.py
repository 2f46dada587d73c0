"""prediction-flips against counts made by hand, over rounds in which outputs change their places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from albench.testing.probes import Probe, make_probe
from albench_strategies.flips import PredictionFlips, class_names


class Fixed(nn.Module):
    """A network whose logits are the images' own first numbers."""

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(n_classes, n_classes, bias=False)
        with torch.no_grad():
            self.head.weight.copy_(torch.eye(n_classes))

    def features(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1)[:, : self.head.in_features]


def asked(
    predictions: dict[int, int], labels: list[int], n_classes: int, number: int, memory: Mapping[str, Any]
) -> tuple[list[float], dict[str, Any]]:
    """Score pool examples of these ids, each predicted with the same confidence, and return what is remembered."""
    images = torch.zeros(len(predictions), 1, 6, 6)
    for place, output in enumerate(predictions.values()):
        images[place, 0, 0, output] = 2.0
    probe: Probe = replace(
        make_probe(),
        network=Fixed(n_classes).eval(),
        pool=images,
        labeled=torch.zeros(len(labels), 1, 6, 6),
        labels=torch.tensor(labels),
        pool_ids=torch.tensor(list(predictions)),
        round=number,
        memory=memory,
    )
    query = probe.query()
    return PredictionFlips().score(query).floor().tolist(), query.stored_memory()


def test_prediction_flips_counts_changes_of_the_predicted_class_over_rounds() -> None:
    counts, memory = asked({7: 0, 3: 1, 5: 0}, [0, 1], 2, 1, {})
    assert counts == [0, 0, 0]
    counts, memory = asked({7: 1, 3: 1, 5: 0}, [0, 1], 2, 2, memory)
    assert counts == [1, 0, 0]
    counts, memory = asked({5: 1, 7: 0}, [0, 1, 1], 2, 3, memory)
    assert counts == [1, 2], "an example keeps its count wherever it stands in the pool"


def test_prediction_flips_knows_a_class_whose_output_has_moved() -> None:
    """Class c, whose first label is the third, moves from output 2 to output 3 when another class is found."""
    _, memory = asked({1: 2, 2: 0}, [0, 1, 2], 3, 1, {})
    counts, _ = asked({1: 3, 2: 2}, [0, 1, 3, 2], 4, 2, memory)
    assert counts == [0, 1]


def test_prediction_flips_asks_for_the_least_confident_where_nothing_has_changed() -> None:
    query = make_probe().query()
    expected = 1 - query.probabilities.amax(dim=1)
    torch.testing.assert_close(PredictionFlips().score(query), expected)


def test_prediction_flips_gives_a_name_to_an_output_without_any_label() -> None:
    query = replace(make_probe(n_classes=4), labels=torch.tensor([2, 2, 0] * 4)).query()
    assert class_names(query).tolist() == [2, -2, 0, -4]


@pytest.mark.parametrize("calls", [1, 2])
def test_prediction_flips_counts_a_round_once_however_often_it_is_asked(calls: int) -> None:
    _, memory = asked({1: 0}, [0, 1], 2, 1, {})
    for _ in range(calls):
        counts, memory = asked({1: 1}, [0, 1], 2, 2, memory)
    assert counts == [1]
