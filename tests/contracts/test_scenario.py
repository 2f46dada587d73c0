from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import albench
from albench.contracts.discovery_scenario import DiscoveryScenario, LabeledImages
from albench.errors import DataError, RequestError


def labeled(order: np.ndarray | None = None, with_test: bool = True) -> LabeledImages:
    images = np.arange(6 * 20 * 4, dtype=np.uint32).reshape(120, 1, 2, 2).astype(np.uint8)
    images[:, 0, 0, 0] = np.arange(120)
    labels = np.repeat(np.arange(6), 20)
    is_test = np.tile(np.arange(20) < 5, 6)
    order = np.arange(120) if order is None else order
    return LabeledImages.in_canonical_order(
        images[order], labels[order], list("abcdef"), is_test[order] if with_test else None
    )


@dataclass(frozen=True)
class Blocks(DiscoveryScenario):
    shuffle: int = 0
    with_test: bool = True

    def data(self) -> LabeledImages:
        order = np.random.default_rng(self.shuffle).permutation(120) if self.shuffle else None
        return labeled(order, self.with_test)


SMALL = Blocks(known=2, novel=3, initial_per_class=3, pool_per_class=6, test_per_class=4)


@given(st.integers(0, 10**6), st.booleans())
@settings(max_examples=30, deadline=None)
def test_a_split_has_the_counts_that_were_asked_for_and_shares_no_image(seed: int, with_test: bool) -> None:
    split = replace(SMALL, with_test=with_test).split(seed).check()
    assert (len(split.initial), len(split.pool), len(split.test)) == (2 * 3, 5 * 6, 5 * 4)
    assert set(split.labels[split.pool]) == set(split.known) | set(split.novel) == set(split.labels[split.test])
    assert len(split.novel) == 3
    if with_test:
        data = labeled()
        assert data.is_test is not None
        assert data.is_test[split.test].all()
        assert not data.is_test[np.concatenate([split.pool, split.initial])].any()


def test_the_same_data_in_another_order_give_the_same_split_and_fingerprint() -> None:
    one, other = SMALL, replace(SMALL, shuffle=5)
    assert one.fingerprint(0) == other.fingerprint(0)
    for part in ("images", "labels", "initial", "pool", "test"):
        assert np.array_equal(getattr(one.split(3), part), getattr(other.split(3), part))


def test_other_seeds_draw_other_classes_and_images() -> None:
    splits = [SMALL.split(seed) for seed in range(8)]
    assert len({tuple(split.known) for split in splits}) > 3
    assert len({tuple(split.pool) for split in splits}) == 8


def test_the_images_drawn_of_a_class_do_not_depend_on_the_other_classes() -> None:
    few, many = replace(SMALL, novel=0).split(4), SMALL.split(4)
    assert few.known == many.known
    assert np.array_equal(few.initial, many.initial)
    assert set(few.pool) < set(many.pool)


def test_the_order_of_the_pool_says_nothing_about_labels() -> None:
    """A strategy sees the pool's order: neighbours must be of one class as rarely as by chance."""
    same = [np.mean(np.diff(split.labels[split.pool]) == 0) for split in (SMALL.split(seed) for seed in range(40))]
    chance = (6 - 1) / (30 - 1)
    assert abs(np.mean(same) - chance) < 0.03


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"novel": 9}, "ask for 11 classes, and the data have 6"),
        ({"pool_per_class": 13}, "lower initial_per_class, pool_per_class or test_per_class"),
        ({"test_per_class": 6}, "5 of the test part, and 3 for the initial set, 6 for the pool and 6 for the test"),
    ],
)
def test_asking_for_more_than_the_data_have_is_an_error_with_the_numbers(change: dict[str, int], message: str) -> None:
    with pytest.raises(RequestError) as caught:
        replace(SMALL, **change).split(0)  # type: ignore[arg-type]
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": np.zeros((120, 1, 2, 2), dtype=np.float32)}, "must be uint8"),
        ({"labels": np.zeros(3, dtype=np.int64)}, r"120 images and labels of shape \(3,\)"),
        ({"labels": np.zeros(121, dtype=np.int64)}, r"120 images and labels of shape \(121,\)"),
        ({"test": np.zeros(0, dtype=np.int64)}, "'test' of the split is empty"),
        ({"pool": np.array([500])}, "rows outside the 120 images"),
        ({"test": SMALL.split(0).pool}, "share images"),
        ({"known": [0]}, "'known' names"),
    ],
)
def test_a_split_that_breaks_its_contract_is_an_error(change: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        replace(SMALL.split(0), **change).check()  # type: ignore[arg-type]


@pytest.mark.parametrize("n_labels", [2, 4])
@pytest.mark.parametrize("n_told", [3, 2, 4, None])
def test_images_that_lack_a_label_or_labels_that_lack_an_image_are_an_error(n_labels: int, n_told: int | None) -> None:
    images, is_test = np.zeros((3, 1, 2, 2), dtype=np.uint8), None if n_told is None else np.zeros(n_told, dtype=bool)
    with pytest.raises(DataError, match=f"there are 3 images and {n_labels} labels; each image needs one"):
        LabeledImages.in_canonical_order(images, np.zeros(n_labels), ["a"], is_test)


@pytest.mark.parametrize("n_told", [2, 4])
def test_images_that_are_not_told_to_be_of_the_test_part_or_not_are_an_error(n_told: int) -> None:
    with pytest.raises(
        DataError, match=f"there are 3 images and {n_told} marks of the test part; each image needs one"
    ):
        LabeledImages.in_canonical_order(
            np.zeros((3, 1, 2, 2), dtype=np.uint8), np.zeros(3), ["a"], np.zeros(n_told, dtype=bool)
        )


def test_digits_come_on_the_scale_of_the_networks() -> None:
    split = albench.scenario("digits").split(0)
    assert split.images.shape == (1797, 1, 8, 8)
    assert split.images.max() == 255
    assert len(split.known) == len(split.novel) == 5
