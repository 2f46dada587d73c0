from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from albench.analysis.bands import difference_curves, difference_curves_to, simultaneous_factor
from albench.analysis.intervals import t_quantile
from tests.reports.synthetic import Synthetic


def walks(draws: np.random.Generator, seeds: int, rounds: int) -> np.ndarray:
    return np.cumsum(draws.normal(size=(seeds, rounds)), axis=1) + draws.normal(size=(seeds, rounds))


@pytest.mark.parametrize("seeds", [9, 300])
def test_at_one_round_the_band_is_the_t_interval(seeds: int) -> None:
    values = np.random.default_rng(0).normal(size=(seeds, 1))
    assert simultaneous_factor(values) == pytest.approx(t_quantile(0.975, seeds - 1), rel=0.06)


def test_the_band_is_wider_than_the_t_interval_and_narrower_than_bonferronis() -> None:
    values = walks(np.random.default_rng(1), 9, 30)
    assert t_quantile(0.975, 8) < simultaneous_factor(values) < t_quantile(1 - 0.025 / 30, 8)


def simulated_factor(values: np.ndarray) -> float:
    """The quantile among samples of Gaussian curves with the observed correlation, shrunk by 1/N, in float64."""
    n, r = values.shape
    correlation = (1 - 1 / n) * np.corrcoef(values.T) + np.eye(r) / n
    samples = np.random.default_rng(7).normal(size=(6000, n, r)) @ np.linalg.cholesky(correlation).T
    studentised = np.abs(samples.mean(axis=1)) * np.sqrt(n) / samples.std(axis=1, ddof=1)
    return float(np.quantile(studentised.max(axis=1), 0.95))


@pytest.mark.parametrize("seeds", [5, 9, 25])
def test_rounds_that_move_together_give_no_wider_band_than_their_correlation_asks_for(seeds: int) -> None:
    draws = np.random.default_rng(seeds)
    values = draws.normal(size=(seeds, 1)) + 0.05 * draws.normal(size=(seeds, 40))
    assert simultaneous_factor(values) == pytest.approx(simulated_factor(values), rel=0.06)  # both are simulations


def test_of_many_seeds_the_band_is_as_wide_as_from_samples_of_whole_curves() -> None:
    values = walks(np.random.default_rng(4), 260, 5)
    assert simultaneous_factor(values) == pytest.approx(simulated_factor(values), rel=0.04)


def test_the_bands_to_several_references_are_those_to_each_alone(tmp_path: Path) -> None:
    rounds = Synthetic(seeds=range(5), missing={("min", 2): ""}).results(tmp_path / "store").rounds
    together = difference_curves_to(rounds, ["random", "emoc"])
    for reference in ("random", "emoc"):
        pd.testing.assert_frame_equal(together[reference], difference_curves(rounds, reference))


@pytest.mark.parametrize("seeds", [2, 3, 9])
def test_the_band_covers_the_whole_true_curve_about_as_often_as_it_says(seeds: int) -> None:
    draws = np.random.default_rng(2)
    covered, trials = 0, 150
    for _ in range(trials):
        values = walks(draws, seeds, 20)
        studentised = np.abs(values.mean(axis=0)) * np.sqrt(seeds) / values.std(axis=0, ddof=1)
        covered += studentised.max() <= simultaneous_factor(values)
    assert covered / trials > 0.9  # .95 less three standard errors


def test_the_band_is_the_same_every_time() -> None:
    values = walks(np.random.default_rng(3), 5, 10)
    assert simultaneous_factor(values) == simultaneous_factor(values)


def test_the_band_is_as_wide_whichever_of_two_strategies_is_the_reference() -> None:
    for seed in range(4):
        values = walks(np.random.default_rng(seed), 5, 10)
        assert simultaneous_factor(values) == simultaneous_factor(-values)


def test_one_seed_gives_no_band_and_equal_curves_a_band_of_no_width() -> None:
    assert np.isnan(simultaneous_factor(np.ones((1, 4))))
    assert simultaneous_factor(np.full((3, 4), 0.1)) == 0


def test_difference_curves_are_means_of_differences_at_the_same_seed(tmp_path: Path) -> None:
    rounds = Synthetic(missing={("emoc", 0): ""}, seeds=range(4)).results(tmp_path).rounds
    curves = difference_curves(rounds, "random").set_index(["strategy", "round"])
    accuracy = rounds.set_index(["strategy", "seed", "round"])["accuracy"]
    expected = np.mean([accuracy["emoc", seed, 5] - accuracy["random", seed, 5] for seed in (1, 2, 3)])
    assert curves.loc[("emoc", 5), "mean"] == pytest.approx(expected)
    assert curves.loc[("emoc", 5), "n_pairs"] == 3
    assert curves.loc[("min", 5), "n_pairs"] == 4
    low, mean, high = curves.loc[("min", 3), ["low", "mean", "high"]]
    assert low < mean < high


def test_a_band_is_a_factor_of_the_standard_error_cut_to_what_shares_can_differ_by(tmp_path: Path) -> None:
    rounds = Synthetic(seeds=range(4)).results(tmp_path).rounds
    tables = {
        name: own.pivot(index="seed", columns="round", values="accuracy") for name, own in rounds.groupby("strategy")
    }
    d = (tables["emoc"] - tables["random"]).to_numpy()
    found = difference_curves(rounds, "random").query("strategy == 'emoc'")
    half = simultaneous_factor(d) * d.std(axis=0, ddof=1) / np.sqrt(4)
    np.testing.assert_allclose(found["high"] - found["mean"], half, atol=1e-12)
    np.testing.assert_allclose(found["mean"] - found["low"], half, atol=1e-12)
    few = difference_curves(rounds[rounds["seed"] < 2].assign(accuracy=10 * rounds["accuracy"]), "random")
    assert (few["low"].min(), few["high"].max()) == (-1, 1)


def test_before_the_first_query_paired_strategies_are_equal(tmp_path: Path) -> None:
    curves = difference_curves(Synthetic().results(tmp_path).rounds, "random")
    first = curves[curves["round"] == 0]
    assert (first[["mean", "low", "high"]] == 0).all(axis=None)


def test_a_seed_of_fewer_rounds_ends_the_curve_and_is_not_left_out(tmp_path: Path) -> None:
    rounds = Synthetic(seeds=range(4)).results(tmp_path).rounds
    is_short = (rounds["strategy"] == "emoc") & (rounds["seed"] == 2)
    curves = difference_curves(rounds[~is_short | (rounds["round"] < 4)], "random")
    assert curves.loc[curves["strategy"] == "emoc", ["round", "n_pairs"]].to_numpy().tolist() == [
        [number, 4] for number in range(4)
    ]
    assert curves.loc[curves["strategy"] == "min", "round"].tolist() == list(range(7))


def test_a_reference_that_did_not_run_gives_no_difference(tmp_path: Path) -> None:
    assert difference_curves(Synthetic().results(tmp_path).rounds, "nobody").empty
