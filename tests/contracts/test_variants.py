"""Variants of a scenario do what they say, and nothing at their defaults."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import albench
from albench.contracts.protocol import Labeled
from albench.contracts.scenario import Split
from albench.contracts.variants import answers
from albench.errors import DataError, RequestError
from albench.plugins.host import host
from albench.testing import ScenarioContract
from tests.conftest import SMALL as FEW_ITERATIONS

COUNTS = "known=3,novel=3,initial_per_class=5,pool_per_class=60,test_per_class=40"
PARTS = ("images", "labels", "initial", "pool", "test", "known")


def split(more: str = "", seed: int = 0, counts: str = COUNTS) -> Split:
    return albench.scenario(f"digits[{counts}{',' if more else ''}{more}]").split(seed).check()


def sizes(found: Split, order: list[int]) -> list[int]:
    return [int((found.labels[found.pool] == label).sum()) for label in order]


def order(seed: int = 0) -> list[int]:
    """The classes in the seed's order, known ones first."""
    return albench.stream(seed, "classes").permutation(10).tolist()


class TestContract(ScenarioContract):
    @pytest.fixture
    def scenario(self) -> albench.Scenario:
        text = f"digits[{COUNTS},imbalance=5,label_noise=0.2,duplicates=0.1,rejected=2]"
        return albench.scenario(text)


@pytest.mark.parametrize("default", ["imbalance=1", "label_noise=0", "duplicates=0", "rejected=0"])
def test_a_default_changes_nothing(default: str) -> None:
    plain, varied = split(), split(default)
    for part in PARTS:
        assert np.array_equal(getattr(plain, part), getattr(varied, part))
    assert plain.answers is None
    assert varied.answers is None
    assert plain.oracle is plain.labels
    assert list(plain.rejected) == []


def test_every_first_party_scenario_has_the_variants_at_defaults_that_change_nothing() -> None:
    expected = {"imbalance": 1.0, "label_noise": 0.0, "duplicates": 0.0, "rejected": 0}
    for entry in host().all_entries(["scenarios"]):
        fields = host().component_class("scenarios", entry.name).__dataclass_fields__
        assert {name: fields[name].default for name in expected} == expected, entry.name


@pytest.mark.parametrize("ratio", [2, 6, 60])
@pytest.mark.parametrize("seed", [0, 1])
def test_imbalance_is_the_ratio_of_the_largest_to_the_smallest_class_and_exponential(ratio: int, seed: int) -> None:
    plain, varied = split(seed=seed), split(f"imbalance={ratio}", seed)
    found = sizes(varied, order(seed)[:6])
    assert found == [round(60 * ratio ** -(position / 5)) for position in range(6)]
    assert found[0] / found[-1] == ratio
    assert set(varied.pool) < set(plain.pool)
    assert np.array_equal(varied.initial, plain.initial)
    assert np.array_equal(varied.test, plain.test)


def test_imbalance_of_whole_classes_leaves_each_its_share() -> None:
    counts = COUNTS.replace("=60", "=all")
    plain, varied = split(counts=counts), split("imbalance=4", counts=counts)
    pairs = zip(sizes(varied, order()[:6]), sizes(plain, order()[:6]), strict=True)
    assert [few for few, _ in pairs] == [
        round(n * 4 ** -(position / 5)) for position, n in enumerate(sizes(plain, order()[:6]))
    ]


def test_no_class_is_lost_to_imbalance() -> None:
    assert min(sizes(split("imbalance=1000000"), order()[:6])) == 1


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_label_noise_is_the_share_of_wrong_answers_uniform_over_the_other_classes(share: float) -> None:
    plain = split()
    wrong, moves, n = 0, np.zeros((10, 10)), 0
    for seed in range(40):
        found = split(f"label_noise={share}", seed)
        assert found.answers is not None
        assert np.array_equal(found.labels, plain.labels)
        outside = np.setdiff1d(np.arange(len(found.labels)), found.pool)
        assert np.array_equal(found.answers[outside], found.labels[outside])
        truth, said = found.labels[found.pool], found.answers[found.pool]
        assert set(said) <= {*found.known, *found.novel}
        wrong, n = wrong + int((truth != said).sum()), n + len(said)
        steps = [(order(seed).index(b) - order(seed).index(a)) % 6 for a, b in zip(truth, said, strict=True) if a != b]
        moves[0, :6] += np.bincount(steps, minlength=6)
    assert wrong / n == pytest.approx(share, abs=4 * (0.25 / n) ** 0.5)
    assert moves[0, 1:6] / wrong == pytest.approx(0.2, abs=4 * (0.16 / wrong) ** 0.5)


def test_wrong_answers_do_not_depend_on_the_order_of_the_pool() -> None:
    labels, pool = np.arange(60) % 6, np.arange(40)
    found = [
        answers(labels, order, range(5), [5], 0.5, albench.stream(0, "test")) for order in (pool, pool[::-1].copy())
    ]
    assert np.array_equal(*found)


@pytest.mark.parametrize("share", [0.1, 1.0])
def test_duplicates_are_rows_appended_that_repeat_this_share_of_the_pool(share: float) -> None:
    plain, varied = split(), split(f"duplicates={share}")
    n, n_added = len(plain.images), round(share * 360)
    assert len(varied.images) == len(varied.labels) == n + n_added
    assert len(varied.pool) == 360 + n_added
    assert set(varied.pool) == {*plain.pool.tolist(), *range(n, n + n_added)}
    added = {image.tobytes() for image in varied.images[n:]}
    assert added <= {image.tobytes() for image in plain.images[plain.pool]}
    pairs = {(image.tobytes(), int(label)) for image, label in zip(varied.images[n:], varied.labels[n:], strict=True)}
    assert pairs <= {(plain.images[row].tobytes(), int(plain.labels[row])) for row in plain.pool}
    assert np.array_equal(varied.images[:n], plain.images)


def test_rejected_classes_are_in_the_pool_alone_and_have_no_answer() -> None:
    plain, varied = split(), split("rejected=2")
    assert list(varied.rejected) == order()[6:8]
    assert sizes(varied, order()[:8]) == [60] * 8
    assert set(varied.pool) > set(plain.pool)
    assert np.array_equal(varied.test, plain.test)
    assert np.array_equal(varied.initial, plain.initial)
    assert varied.novel == plain.novel
    is_rejected = np.isin(varied.labels, varied.rejected)
    assert (varied.oracle[is_rejected] == -1).all()
    assert np.array_equal(varied.oracle[~is_rejected], varied.labels[~is_rejected])


def test_the_variants_go_together() -> None:
    found = split("imbalance=3,label_noise=0.5,duplicates=0.5,rejected=3")
    assert len(found.pool) == round(1.5 * sum(round(60 * 3 ** -(position / 8)) for position in range(9)))
    truth, said = found.labels[found.pool], found.oracle[found.pool]
    is_rejected = np.isin(truth, found.rejected)
    assert (said[is_rejected] == -1).all()
    assert not np.isin(said, found.rejected).any()
    assert 0.35 < (said != truth)[~is_rejected].mean() < 0.65


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ("known=5,novel=4,rejected=2", "known=5, novel=4, rejected=2 ask for 11 classes, and the data have 10"),
        ("known=1,novel=0,label_noise=0.1", "label_noise=0.1, and there is no other class to name; raise known"),
    ],
)
def test_a_variant_that_the_data_cannot_have_is_refused(more: str, sentence: str) -> None:
    with pytest.raises(RequestError, match=sentence):
        albench.scenario(f"digits[{more}]").split(0)


@pytest.mark.parametrize("more", ["imbalance=0.5", "label_noise=1.1", "duplicates=-1", "rejected=-1"])
def test_values_outside_of_their_range_are_refused(more: str) -> None:
    with pytest.raises(RequestError, match="input should be"):
        albench.scenario(f"digits[{more}]")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda own: {"answers": own.labels[:5]}, r"answers of shape \(5,\)"),
        (lambda own: {"answers": own.labels + 7}, "answers run from 7 to 16"),
        (lambda own: {"answers": own.labels - 2}, "answers run from -2 to"),
        (lambda own: {"rejected": own.known[:1]}, "a rejected class is in the initial set or in the test set"),
        (lambda own: {"answers": own.labels, "rejected": order()[6:8]}, "a rejected class has an answer"),
    ],
)
def test_answers_that_do_not_fit_are_refused(change: Any, sentence: str) -> None:
    found = split("rejected=2")
    with pytest.raises(DataError, match=sentence):
        replace(found, **change(found)).check()


def run(store: Path, more: str, protocol: str) -> Any:
    outcome = albench.run(
        strategies="random,badge,oracle-novel,all-labels", scenarios=f"digits[{COUNTS},{more}]", protocol=protocol,
        seeds=1, rounds=4, set={name: value for name, value in FEW_ITERATIONS.items() if name != "rounds"},
        store=store, report=True,
    )  # fmt: skip
    assert outcome.exit_code == 0, [status.reason for status in outcome.statuses]
    assert outcome.problems == []
    assert outcome.report is not None
    assert "could not be made" not in outcome.report.read_text(encoding="utf-8").partition("<script")[0]
    return outcome.rounds()


def test_rejected_answers_are_paid_for_leave_the_pool_and_teach_nothing(tmp_path: Path) -> None:
    frame = run(tmp_path, "rejected=3", "discovery,top-k[query_size=40]")
    found = split("rejected=3")
    for (_, strategy), own in frame.groupby(["setting", "strategy"]):
        asked = [rows.tolist() for rows in own.query_indices if rows is not None]
        flat = [row for rows in asked for row in rows]
        assert len(set(flat)) == len(flat)
        assert own.n_labeled.tolist() == [15, *(15 + np.cumsum([len(rows) for rows in asked]))]
        rejected = [int(np.isin(found.labels[rows], found.rejected).sum()) for rows in asked]
        assert own.n_rejected.tolist() == [0, *np.cumsum(rejected)]
        assert own.n_classes.max() <= 6, strategy
        for row, rows, count in zip(own[own["round"] > 0].itertuples(), asked, rejected, strict=True):
            if isinstance(row.query_class, str) and count:
                assert count == len(rows)
                assert (row.query_is_novel, row.train_seconds < 0.05) == (False, True)
    assert frame.n_rejected.max() > 0


def test_networks_learn_from_answers_and_are_tested_on_labels(tmp_path: Path) -> None:
    """With no answer right nobody finds a class but by mistake, and the queried set keeps its true class."""
    frame = run(tmp_path, "label_noise=1", "discovery")
    found = split("label_noise=1")
    for _, own in frame[frame.strategy != "all-labels"].groupby("strategy"):
        classes = set(found.known)
        for row in own[own["round"] > 0].itertuples():
            (label,) = set(found.labels[row.query_indices])
            assert row.query_class == found.class_names[label]
            classes |= set(found.oracle[row.query_indices].tolist())
            assert row.n_classes == len(classes)
            assert pd.isna(row.query_label) if label not in classes else row.query_label >= 0


def test_protocols_count_no_rejected_class_as_novel() -> None:
    labels = np.array([4, 7, 7, 1])
    labeled = Labeled(labels, [0, 1], [0, 1, 4], [str(label) for label in range(8)], np.array([4, -1, -1, 0]))
    assert albench.protocol("top-k").record(labeled) == {"n_novel_queried": 1}
    only = replace(labeled, labels=labels[1:3], answers=np.array([-1, -1]))
    assert albench.protocol("discovery").record(only) == {
        "query_class": "7", "query_is_novel": False, "query_label": None,
    }  # fmt: skip
