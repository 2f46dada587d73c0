"""Adapters keep the contract of a strategy, and finish a run."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

import albench
from albench.contracts.strategy import Strategy
from albench.testing import StrategyContract
from albench_strategies.adapters import TARGETS
from tests.conftest import small_run

PACKAGES = {"skal": "skactiveml", "baal": "baal"}
MINUTES = {  # which holding them to the contract takes: `albench check` does
    "skal-cost-embedding",
    "skal-error-reduction",
    "skal-log-loss-reduction",
    "skal-quire",
    "skal-value-of-information",
}


def _param(name: str) -> object:
    package = PACKAGES[name.partition("-")[0]]
    absent = find_spec(package) is None
    return pytest.param(name, marks=pytest.mark.skipif(absent, reason=f"{package} is not installed"))


class TestAdapters(StrategyContract):
    @pytest.fixture(params=[_param(name) for name in TARGETS if name not in MINUTES])
    def strategy(self, request: pytest.FixtureRequest) -> Strategy:
        return albench.strategy(request.param)


@pytest.mark.parametrize("library", [_param("skal-badge"), _param("baal-bald")])
def test_every_adapter_finishes_a_run_under_top_k(library: str, tmp_path: Path) -> None:
    prefix = library.partition("-")[0]
    names = [name for name in TARGETS if name.startswith(prefix) and name not in MINUTES]
    values = {"query_size": 4, "initial_iterations": 4, "update_iterations": 2, "batch_size": 8}
    options = {"protocol": "top-k", "set": values, "rounds": 2, "seeds": 1, "report": False}
    outcome = albench.run(strategies=names, store=tmp_path / "store", **options)
    assert {status.strategy: status.status for status in outcome.statuses} == dict.fromkeys(names, "done")
    asked = albench.load(tmp_path / "store").query("round > 0")
    assert all(row.notes["library"].startswith(("scikit-activeml 1.0", "baal 2.1")) for row in asked.itertuples())


@pytest.mark.skipif(find_spec("skactiveml") is None, reason="scikit-activeml is not installed")
def test_an_adapter_that_values_no_examples_is_refused_under_discovery(tmp_path: Path) -> None:
    with pytest.raises(albench.RequestError, match="it ranks no candidate sets"):
        small_run(tmp_path / "store", "skal-typiclust")
