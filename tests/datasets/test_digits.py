"""The digits that come with scikit-learn."""

from __future__ import annotations

from collections import Counter

import numpy as np
from sklearn.datasets import load_digits

import albench


def test_digits_are_split_as_the_protocol_says() -> None:
    """5 + 5 classes, 20 initial, 40 pool and 80 test images of each: docs/protocol.md."""
    scenario = albench.scenario("digits")
    assert not scenario.reads_data
    split = scenario.split(3).check()
    assert (len(split.known), len(split.novel)) == (5, 5)
    counts = {name: Counter(split.labels[getattr(split, name)].tolist()) for name in ("initial", "pool", "test")}
    assert counts["initial"] == dict.fromkeys(split.known, 20)
    assert counts["pool"] == dict.fromkeys(range(10), 40)
    assert counts["test"] == dict.fromkeys(range(10), 80)


def test_grey_values_and_labels_are_scikit_learns() -> None:
    data = albench.scenario("digits").split(0)
    bunch = load_digits()
    own = Counter((label, tuple(image.ravel())) for label, image in zip(data.labels, data.images, strict=True))
    images = np.round(bunch.images / 16 * 255).reshape(len(bunch.target), -1).astype(int)
    assert own == Counter((label, tuple(image)) for label, image in zip(bunch.target, images, strict=True))
    assert list(data.class_names) == list("0123456789")
