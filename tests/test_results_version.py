"""Who changes what a first-party component computes raises its `results_version`: stored results notice.

`python -m tests.golden` writes them. They were computed in float64 where a query is asked, so that other processors
agree to far more digits than are compared.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from albench.plugins.parameters import parse
from albench_strategies.adapters import TARGETS
from albench_strategies.posterior import LeastConfident
from tests import golden

CASES = golden.cases()


def unnamed() -> list[str]:
    """Return the first-party classes that do not say themselves under which version they compute."""
    return sorted({cls.__qualname__ for _, _, cls in golden.classes() if "results_version" not in vars(cls)})


def test_every_first_party_class_names_the_version_of_its_results() -> None:
    assert len(list(golden.classes())) > 40
    assert unnamed() == [], "set results_version: ClassVar[int] = 1 in the body of these classes"


def test_a_class_that_only_inherits_its_version_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(LeastConfident, "results_version")
    assert unnamed() == ["LeastConfident"]


@pytest.mark.parametrize(("kind", "text"), CASES, ids=[text for _, text in CASES])
def test_a_component_computes_what_its_version_computed(kind: str, text: str) -> None:
    wrong = golden.complaint(kind, text, golden.stored(kind).get(text), golden.computed(kind, text))
    assert wrong is None, wrong


def test_nothing_is_stored_that_is_not_computed() -> None:
    stored = {(kind, text) for kind in golden.KINDS for text in golden.stored(kind)}
    assert stored - set(CASES) == set(), "run python -m tests.golden"
    named = {(kind, name) for kind, name, _ in golden.classes()}
    assert named - {(kind, parse(text)[0]) for kind, text in CASES} == {("strategies", name) for name in TARGETS}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the stored results that may be written to."""
    monkeypatch.setattr(golden, "FOLDER", Path(shutil.copytree(golden.FOLDER, tmp_path / "golden")))
    return tmp_path / "golden"


def test_another_result_replaces_a_stored_one_only_under_a_raised_version(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(golden, "KINDS", ["strategies"])
    monkeypatch.setattr(golden, "cases", lambda: [("strategies", "min"), ("strategies", "max")])
    assert golden.main() == 0
    before = golden.stored("strategies")
    monkeypatch.setattr(LeastConfident, "score", lambda self, query: -1.001 * query.probabilities.amax(dim=1))
    assert golden.main() == 1
    assert capsys.readouterr().err == (
        "min computes something else than version 1 stored (score, score_sets): raise results_version of "
        "LeastConfident in albench_strategies.posterior above 1, then run python -m tests.golden\n"
    )
    assert golden.stored("strategies") == before
    monkeypatch.setattr(LeastConfident, "results_version", 2)
    assert golden.main() == 0
    after = golden.stored("strategies")
    assert (after["min"].version, after["max"]) == (2, before["max"])
    assert after["min"].results["score"] != before["min"].results["score"]
    monkeypatch.setattr(LeastConfident, "results_version", 1)
    assert golden.main() == 1
    assert capsys.readouterr().err.startswith("min is of version 1, and version 2 is stored: raise results_version")
    assert golden.stored("strategies") == after


def test_a_new_name_is_asked_for_and_written(folder: Path) -> None:
    (folder / "protocols.json").unlink()
    now = golden.computed("protocols", "top-k[query_size=7]")
    assert "has no stored result; run" in str(golden.complaint("protocols", "top-k[query_size=7]", None, now))
    assert golden.write("protocols", ["top-k[query_size=7]"]) == []
    assert golden.stored("protocols") == {"top-k[query_size=7]": now}


def test_a_raised_version_a_changed_default_and_a_new_parameter_are_noticed() -> None:
    now = golden.computed("strategies", "min")
    cases = {
        "min is of version 2, and 1 is stored; run": (now, replace(now, version=2)),
        "(the default of score): raise": (now, replace(now, defaults={**now.defaults, "score": "minimum"})),
        "other parameters or results than those that are stored; run": (replace(now, defaults={"stream": 0}), now),
    }
    for sentence, (old, new) in cases.items():
        assert sentence in str(golden.complaint("strategies", "min", old, new))
    assert golden.complaint("strategies", "min", now, now) is None


def test_floats_agree_within_the_tolerance_and_everything_else_exactly() -> None:
    now = golden.computed("strategies", "min")

    def moved(factor: float) -> golden.Golden:
        return replace(now, results={**now.results, "score": [value * factor for value in now.results["score"]]})

    assert golden.differences("strategies", now, moved(1 + 1e-6)) == []
    assert golden.differences("strategies", now, moved(1 + 1e-4)) == ["score"]
    picks = replace(now, results={**now.results, "select": now.results["select"][::-1]})
    assert golden.differences("strategies", now, picks) == ["select"]
