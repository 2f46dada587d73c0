from __future__ import annotations

import warnings
from itertools import permutations, product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scikit_posthocs
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from albench.analysis.curves import areas
from albench.analysis.significance import (
    MOST_EXACT,
    holm,
    null_checks,
    penalties,
    signed_rank_p,
    signed_rank_tests,
    smallest_signed_rank_p,
)
from tests.reports.synthetic import Synthetic

NULL = {"random": 0.0, "a": 0.0, "b": 0.0, "c": 0.0}


def enumerated_p(values: list[float]) -> float:
    """Wilcoxon's two-sided p by flipping every sign: the simplest code that can be right."""
    ranks = stats.rankdata(np.abs(values))
    statistic = abs(float(ranks @ np.sign(values)))
    kept = ranks[np.array(values) != 0]
    sums = [abs(float(kept @ np.array(signs))) for signs in product((-1, 1), repeat=len(kept))]
    return float(np.mean([one >= statistic - 1e-9 for one in sums]))


def test_the_signed_rank_p_is_scipys_exact_one_without_zeros_and_ties() -> None:
    for count in (3, 6, 9, 25):
        values = np.random.default_rng(count).normal(0.3, 1, count)
        assert signed_rank_p(values) == pytest.approx(stats.wilcoxon(values, method="exact").pvalue, rel=1e-9)


def test_of_more_pairs_than_are_summed_up_the_signed_rank_p_is_normal_and_hardly_another() -> None:
    draws = np.random.default_rng(0)
    for shift in (0.0, 0.02, 0.08, 0.12):
        values = draws.normal(shift, 1, MOST_EXACT + 1)
        assert signed_rank_p(values) == pytest.approx(stats.wilcoxon(values, method="exact").pvalue, abs=5e-4)


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9))
def test_the_signed_rank_p_counts_sign_flips_with_zeros_and_ties(values: list[int]) -> None:
    assert signed_rank_p(values) == pytest.approx(enumerated_p([float(value) for value in values]))


@pytest.mark.parametrize("scale", [1e-7, 1.0, 1e7])
def test_what_differs_by_more_than_rounding_is_no_tie_at_any_scale(scale: float) -> None:
    values = scale * np.array([0.3, 0.1 + 0.2, 0.3 * (1 + 1e-9), -1e-9, 0.5, 0.4])
    assert signed_rank_p(values) == pytest.approx(enumerated_p([3, 3, 4, -1, 6, 5]))


def test_differences_that_are_alike_but_for_the_rounding_of_what_was_subtracted_are_ties() -> None:
    starts = np.array([0.61, 0.72, 0.83, 0.34, 0.55, 0.46])
    values = (starts + 1e-6 * np.array([1, 1, -1, 1, 2, 1])) - starts
    assert signed_rank_p(values, scale=0.83) == pytest.approx(enumerated_p([1, 1, -1, 1, 2, 1]))


@pytest.mark.parametrize("scale", [1e-7, 1e7])
def test_the_penalty_matrix_does_not_depend_on_the_scale_of_the_metric(scale: float, tmp_path: Path) -> None:
    rounds = Synthetic(seeds=range(5), noise=0.008).results(tmp_path).rounds
    scaled = rounds.assign(accuracy=scale * rounds["accuracy"])
    pd.testing.assert_frame_equal(penalties(scaled), penalties(rounds))


def test_with_zeros_the_exact_p_is_not_scipys_approximation() -> None:
    values = [0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            approximate = stats.wilcoxon(values, zero_method="pratt", method="asymptotic").pvalue
        except ValueError:  # as older releases of scipy call it
            approximate = stats.wilcoxon(values, zero_method="pratt", method="approx").pvalue
    assert signed_rank_p(values) == pytest.approx(2 / 2**7)
    assert abs(approximate - 2 / 2**7) > 1e-3


def test_nine_pairs_cannot_give_less_than_a_two_hundred_and_fifty_sixth() -> None:
    assert signed_rank_p(np.arange(1.0, 10.0)) == pytest.approx(smallest_signed_rank_p(9))
    assert smallest_signed_rank_p(9) == pytest.approx(0.00390625)


def test_no_difference_at_all_has_a_p_of_one_and_no_pair_has_none() -> None:
    assert signed_rank_p([0.0, 0.0]) == 1
    assert np.isnan(signed_rank_p([]))


def test_holm_is_that_of_scikit_posthocs() -> None:
    draws = np.random.default_rng(3)
    samples = [draws.normal(shift, 1, 12) for shift in (0, 0.4, 1.0, 2.0)]
    raw = scikit_posthocs.posthoc_wilcoxon(samples).to_numpy()
    expected = scikit_posthocs.posthoc_wilcoxon(samples, p_adjust="holm").to_numpy()
    pairs = np.triu_indices(4, 1)
    np.testing.assert_allclose(holm(raw[pairs]), expected[pairs])


def test_holm_leaves_out_what_could_not_be_tested() -> None:
    np.testing.assert_allclose(holm([0.01, np.nan, 0.04]), [0.02, np.nan, 0.04])
    assert len(holm([])) == 0


def test_comparisons_with_the_reference_are_corrected_for_their_number(tmp_path: Path) -> None:
    study = Synthetic(effects={"random": 0.0, "emoc": 0.1, "min": 0.002}, seeds=range(9))
    frame = signed_rank_tests(areas(study.results(tmp_path).rounds), "accuracy_area", "random").set_index("strategy")
    assert frame.loc["emoc", "p_wilcoxon"] == pytest.approx(2 / 2**9)
    assert frame.loc["emoc", "p_holm"] == pytest.approx(2 * 2 / 2**9)
    assert list(frame["p_holm"]) == pytest.approx(list(holm(frame["p_wilcoxon"].to_numpy())))


def test_each_cell_of_the_penalty_matrix_is_the_share_of_rounds_that_scipys_paired_test_calls_won(
    tmp_path: Path,
) -> None:
    rounds = Synthetic(seeds=range(5), noise=0.008).results(tmp_path).rounds
    found = penalties(rounds).set_index(["strategy", "other"])["share"]
    tables = {
        name: own.pivot(index="seed", columns="round", values="accuracy")
        for name, own in rounds[rounds["round"] > 0].groupby("strategy")
    }
    for first, second in found.index:
        test = stats.ttest_rel(tables[first], tables[second], axis=0)
        won = (test.pvalue < 0.05) & (test.statistic > 0)
        assert found[(first, second)] == pytest.approx(won.mean())
    assert found[("emoc", "random")] > 0.3


@pytest.mark.parametrize("n_seeds", [2, 3])
def test_the_same_lead_at_every_seed_wins_every_round_and_none_wins_nothing(n_seeds: int) -> None:
    index = pd.MultiIndex.from_product([list("abc"), range(n_seeds), range(1, 5)], names=["strategy", "seed", "round"])
    frame = index.to_frame(index=False).assign(setting="s")
    frame["accuracy"] = 0.1 * frame["seed"] + frame["strategy"].map({"a": 0.3, "b": 0.2, "c": 0.2})  # with rounding
    shares = penalties(frame).set_index(["strategy", "other"])["share"].to_dict()
    wins = {("a", "b"), ("a", "c")}
    assert shares == {pair: float(pair in wins) for pair in permutations("abc", 2)}


def test_the_penalty_matrix_has_the_settings_in_their_order_and_nothing_to_say_of_one_seed(tmp_path: Path) -> None:
    found = penalties(Synthetic(scenarios=("digits", "cifar100"), seeds=[0]).results(tmp_path).rounds)
    assert found["setting"].unique().tolist() == ["digits", "cifar100"]
    assert found["share"].isna().all()


def test_the_penalty_matrix_joins_on_the_seed(tmp_path: Path) -> None:
    rounds = Synthetic(missing={("emoc", 0): ""}, seeds=range(4)).results(tmp_path).rounds
    found = penalties(rounds).set_index(["strategy", "other"])["n_pairs"]
    assert (found[("emoc", "random")], found[("min", "random")]) == (3, 4)
    shuffled = penalties(rounds.sample(frac=1, random_state=0))
    merged = penalties(rounds).merge(shuffled, on=["setting", "strategy", "other"], suffixes=("", "_shuffled"))
    assert (merged["share"] == merged["share_shuffled"]).all()


def test_under_no_difference_a_cell_of_the_penalty_matrix_is_at_its_chance_level() -> None:
    draws = np.random.default_rng(11)
    index = pd.MultiIndex.from_product([list("abcdef"), range(9), range(1, 41)], names=["strategy", "seed", "round"])
    shares = []
    for _ in range(20):
        frame = index.to_frame(index=False).assign(setting="s", accuracy=draws.normal(size=len(index)))
        shares.append(penalties(frame)["share"].mean())
    assert np.mean(shares) == pytest.approx(0.025, abs=0.003)


def test_under_no_difference_false_positives_stay_at_their_level() -> None:
    draws = np.random.default_rng(5)
    single, family = 0, 0
    studies = 400
    for _ in range(studies):
        reference = draws.normal(size=9)
        p = [signed_rank_p(draws.normal(size=9) - reference) for _ in range(4)]
        single += sum(value < 0.05 for value in p)
        family += min(holm(p)) < 0.05
    assert single / (4 * studies) < 0.062  # an exact test of 9 pairs has level .0391; .05 and three standard errors
    assert family / studies < 0.083  # .05 and three standard errors


def test_the_null_check_compares_a_strategy_with_itself_under_another_stream(tmp_path: Path) -> None:
    study = Synthetic(effects={"random": 0.0, "random[stream=1]": 0.0, "emoc": 0.1}, seeds=range(5))
    choices = {
        "random": {"name": "random", "parameters": {"stream": 0}},
        "random[stream=1]": {"name": "random", "parameters": {"stream": 1}},
        "emoc": {"name": "emoc", "parameters": {"stream": 0}},
    }
    cells = areas(study.results(tmp_path).rounds)
    found = null_checks(cells, "accuracy_area", choices)
    assert len(found) == 1
    table = cells.pivot(index="seed", columns="strategy", values="accuracy_area")
    expected = stats.ttest_rel(table["random[stream=1]"], table["random"]).pvalue
    assert found.iloc[0]["p_t"] == pytest.approx(expected)
    lead = (table["random[stream=1]"] - table["random"]).mean()
    assert (found.iloc[0]["difference"], found.iloc[0]["n_pairs"]) == (pytest.approx(lead), 5)
