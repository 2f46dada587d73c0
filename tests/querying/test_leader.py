"""--strategy-from: the strategy that leads in a store, how sure that is, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import albench
from albench.store.sealed import seal, unseal
from tests.querying.conftest import Photos
from tests.reports.synthetic import Synthetic

EFFECTS = {"min": 0.09, "random": 0.0, "max": 0.0}


def asked(photos: Photos, store: Path, *more: object, output: str = "next.csv") -> Any:
    where = ["--labeled", photos.labeled, "--unlabeled", photos.unlabeled, "-o", photos.root / output]
    small = ["--set", "size=8", "--set", "grey=true", "--set", "iterations=5", "--set", "batch_size=8"]
    return photos.cli("query", *where, "-k", 3, *small, "--strategy-from", store, *more)


def store(root: Path, **changes: Any) -> Path:
    return Synthetic(**{"effects": EFFECTS, "seeds": range(5), "noise": 0.001, **changes}).write(root / "store")


def test_the_strategy_of_a_sure_lead_is_taken(photos: Photos, tmp_path: Path) -> None:
    ran = asked(photos, store(tmp_path))
    assert ran.code == 0, ran.err
    assert ran.out.startswith("min chose 3 of 76")
    assert f"min leads in {tmp_path}/store under digits: accuracy " in ran.out
    assert "the mean over labels and 5 seeds." in ran.out
    assert "It alone is the leading group: 5 seeds tell it from the 2 other strategies, with 95 % confidence" in ran.out
    assert "points behind; 5 pairs of cells find a true difference of 0." in ran.out
    assert "Those results are of other data (digits) than what is labelled here" in ran.out
    assert "They were made with the learner finetune, here retrain[batch_size=8,iterations=5]." in ran.out
    assert "min leads in" in (photos.root / "next.html").read_text(encoding="utf-8")


def test_a_shared_lead_is_said_to_be_shared(photos: Photos, tmp_path: Path) -> None:
    effects = {"coreset": 0.06, "min": 0.061, "random": 0.0}
    ran = asked(photos, store(tmp_path, effects=effects, noise=0.01))
    best, other = ("min", "coreset") if ran.out.startswith("min") else ("coreset", "min")
    assert ran.out.startswith(f"{best} chose 3")
    assert f"That is not sure: it shares the leading group with {other}; 5 seeds cannot tell them apart." in ran.out
    assert f"{other} follows 0." in ran.out


def test_one_seed_tells_nothing(photos: Photos, tmp_path: Path) -> None:
    ran = asked(photos, store(tmp_path, seeds=[3]))
    assert "That is not sure: it shares the leading group with " in ran.out
    assert "1 seed cannot tell them apart. There are too few" in ran.out.replace("\n", " ")


def test_numbers_are_those_of_the_leaderboard(photos: Photos, tmp_path: Path) -> None:
    path = store(tmp_path)
    board = albench.load(path)
    last = board[board["strategy"] == "min"].groupby("seed")
    areas = []
    for _, cell in last:
        n, accuracy = cell["n_labeled"].to_numpy(), cell["accuracy"].to_numpy()
        areas.append(sum((accuracy[1:] + accuracy[:-1]) / 2 * (n[1:] - n[:-1])) / (n[-1] - n[0]))
    assert f"accuracy {100 * sum(areas) / len(areas):.1f} %" in asked(photos, path).out


def test_an_archive_and_one_of_several_settings(photos: Photos, tmp_path: Path) -> None:
    path = store(tmp_path, scenarios=("digits", "cifar100"))
    albench.export(path, tmp_path / "store.zip")
    ran = asked(photos, tmp_path / "store.zip")
    assert (ran.code, "store.zip has 2 settings: 'digits', 'cifar100'; name one with --setting" in ran.err) == (2, True)
    ran = asked(photos, tmp_path / "store.zip", "--setting", "cifar10")
    assert "has no setting 'cifar10'; did you mean 'cifar100'?; it has 'digits', 'cifar100'" in ran.err
    ran = asked(photos, tmp_path / "store.zip", "--setting", "cifar100")
    assert ran.code == 0, ran.err
    assert "leads in" in ran.out
    assert "under cifar100: accuracy" in ran.out


REFUSED: dict[str, tuple[Mapping[str, Any], str]] = {
    "one strategy": ({"effects": {"min": 0.1}}, "has finished cells of min alone under digits, so that none leads"),
    "no finished cell": (
        {"seeds": [0], "missing": dict.fromkeys([("min", 0), ("random", 0), ("max", 0)], "ValueError: no")},
        "has no finished cell; let its run end, or name a strategy with --strategy",
    ),
    "no pair": (
        {"seeds": [0, 1], "effects": {"min": 0.1, "random": 0.0}, "missing": {("min", 0): "", ("random", 1): ""}},
        "has no seed at which random and another strategy have both finished, so that nothing can be compared",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_where_nothing_is_compared_nothing_leads(case: str, photos: Photos, tmp_path: Path) -> None:
    changes, sentence = REFUSED[case]
    ran = asked(photos, store(tmp_path, **changes))
    assert (ran.code, ran.out) == (2, "")
    assert sentence in ran.err


def test_what_is_no_store_is_refused(photos: Photos, tmp_path: Path) -> None:
    assert "gone" in asked(photos, tmp_path / "gone").err


@pytest.mark.parametrize(
    "change", [{"source": "evil.py"}, {"name": "./evil.py:Evil"}, {"source": "evil.py", "label": "Evil\x1b[2J"}]
)
def test_code_that_a_store_names_is_never_run(
    change: dict[str, str], photos: Photos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil.py").write_text("raise SystemExit('it ran')")
    path = store(tmp_path) / "study.json"
    study = unseal(path.read_bytes())
    study["strategies"]["min"] |= change
    path.write_bytes(seal(study))
    ran = asked(photos, tmp_path / "store")
    assert ran.code == 2, ran.out
    assert "is a class of a file, and nothing runs code that a store names; name it with --strategy" in ran.err
    assert "\x1b" not in ran.err + ran.out


def test_results_of_these_very_data_are_not_said_to_be_of_others(photos: Photos, tmp_path: Path) -> None:
    look = f'images[path="{photos.labeled}",size=8,grey=true,initial_per_class=1,test_per_class=1]'
    learner = "retrain[iterations=5,batch_size=8]"
    ran = photos.cli(
        "run", "--scenarios", look, "--protocol", "top-k[query_size=2]", "--learner", learner, "--strategies",
        "min,random", "--seeds", 2, "--rounds", 2, "--jobs", 1, "--store", tmp_path / "own",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    said = asked(photos, tmp_path / "own").out
    assert "leads in" in said
    assert "other data" not in said
    assert "They were made with" not in said
    photos.label([str(min(photos.unlabeled.rglob("*.png")).relative_to(photos.unlabeled))])
    assert "Those results are of other data (images[" in asked(photos, tmp_path / "own", output="b.csv").out
