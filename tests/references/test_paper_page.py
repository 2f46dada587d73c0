"""docs/paper.md says of each sentence of the paper what the seeds of the reference say, and no more."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from docs import generate_paper
from docs.paper_claims import claims

ROOT = Path(__file__).parent.parent.parent
SENTENCES = ("gain", "discover", "max", "keeps", "equal", "ahead", "always", "control")
LEVEL = {"emoc": 0.06, "min": 0.02, "1vs2": 0.0205, "max": -0.03, "random": 0.0, "random[stream=1]": 0.0}
CLASSES = {"emoc": 3.0, "min": 2.0, "1vs2": 2.0, "max": -2.0, "random": 0.0, "random[stream=1]": 0.0}


def study(level: dict[str, float], classes: dict[str, float], seeds: int = 5, noise: float = 0.001) -> pd.DataFrame:
    """Ten rounds in which strategies stand apart by what is given, with some noise."""
    draws = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "setting": "cifar100",
            "strategy": strategy,
            "seed": seed,
            "round": number,
            "n_labeled": 1000 + 25 * number,
            "accuracy": 0.3 + 0.005 * number + (level[strategy] + noise * draws.normal() if number else 0),
            "n_classes": 12.0 + (classes[strategy] + 0.1 * draws.normal() if number else 0),
            "query_seconds": 1.0,
        }
        for strategy in level
        for seed in range(seeds)
        for number in range(11)
    )


def verdicts(rounds: pd.DataFrame) -> dict[str, str]:
    found = claims(rounds)
    return dict(zip(SENTENCES, [one.verdict for one in found], strict=True))


def test_the_page_and_its_figure_are_current() -> None:
    assert not generate_paper.stale(), "run python docs/generate_paper.py"
    assert (ROOT / "docs" / "paper" / "curves-cifar100.svg").exists()


def test_sentences_hold_where_the_seeds_say_so() -> None:
    found = verdicts(study(LEVEL, CLASSES))
    assert found.pop("control") == "cannot tell"
    assert set(found.values()) == {"holds"}


def test_sentences_fail_where_the_seeds_say_the_contrary() -> None:
    turned = {name: -value for name, value in LEVEL.items()} | {"1vs2": 0.05}
    found = verdicts(study(turned, {name: -value for name, value in CLASSES.items()}))
    assert found.pop("control") == "cannot tell"
    assert set(found.values()) == {"fails"}


def test_one_of_several_that_fails_makes_the_sentence_fail() -> None:
    found = verdicts(study(LEVEL | {"min": -0.02}, CLASSES))
    assert found["gain"] == "fails"
    assert found["discover"] == found["ahead"] == "holds"


def test_noise_and_single_seeds_cannot_tell() -> None:
    noisy = verdicts(study(LEVEL, CLASSES, noise=0.5))
    assert {noisy[name] for name in ("gain", "max", "equal", "ahead")} == {"cannot tell"}
    assert set(verdicts(study(LEVEL, CLASSES, seeds=1)).values()) == {"cannot tell"}


def said_of_max(rounds: pd.DataFrame, column: str, scale: float, digits: int) -> str:
    """What max is apart from random, one of four comparisons, in the words of the page."""
    height = {}
    for strategy in ("max", "random"):
        table = rounds[rounds["strategy"] == strategy].pivot_table(index="seed", columns="round", values=column)
        height[strategy] = np.trapezoid(table.to_numpy(), dx=0.1, axis=1)
    apart = scale * (height["max"] - height["random"])
    half = stats.t.ppf(1 - 0.025 / 4, 4) * apart.std(ddof=1) / math.sqrt(5)
    low, high = apart.mean() - half, apart.mean() + half
    return f"`max` {apart.mean():+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})"


def test_differences_are_of_mean_heights_with_intervals_that_hold_together() -> None:
    rounds = study(LEVEL, CLASSES, noise=0.02)
    assert claims(rounds)[2].found == f"{said_of_max(rounds, 'accuracy', 100, 2)} points"


def test_differences_of_classes_may_be_of_several_classes() -> None:
    draws, apart = np.random.default_rng(1), study(LEVEL, CLASSES)
    for seed in range(5):
        apart.loc[(apart["strategy"] == "max") & (apart["seed"] == seed), "n_classes"] += draws.normal()
    assert claims(apart)[3].found == f"{said_of_max(apart, 'n_classes', 1, 1)} classes"


def test_updates_that_another_leads_are_not_counted() -> None:
    rounds = study(LEVEL, CLASSES)
    late = (rounds["strategy"] == "random") & (rounds["round"] > 8)
    rounds.loc[late, "accuracy"] = 0.9
    claim = claims(rounds)[6]
    assert (claim.found, claim.verdict) == ("its mean is the highest in 8 of 10", "fails")
