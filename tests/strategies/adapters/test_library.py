"""What adapters say of a library that is absent, is another one than they know, or fails."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import albench
from albench_strategies.adapters import TARGETS, baal, skactiveml
from albench_strategies.adapters.recipes import RECIPES
from tests.conftest import Cli, PluginFolder
from tests.strategies.adapters.arrays import make_arrays, seed_of, stream

KNOWN = """
class Badge:
    def __init__(self, random_state=None):
        self.seed = random_state
    def query(self, X, y, candidates=None, batch_size=1, return_utilities=False):
        BODY
"""
Fake = Callable[[str], None]


@pytest.fixture
def fake(plugins: PluginFolder, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Install a library of version 1.7.0, from the source of its pool, in the place of scikit-activeml."""

    def install(source: str) -> None:
        (plugins.root / "fake_activeml").mkdir()
        (plugins.root / "fake_activeml" / "__init__.py").write_text("", encoding="utf-8")
        (plugins.root / "fake_activeml" / "pool.py").write_text(source, encoding="utf-8")
        info = plugins.root / "fake_activeml-1.7.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-activeml\nVersion: 1.7.0\n", encoding="utf-8")
        found = replace(skactiveml.LIBRARY, distribution="fake-activeml", package="fake_activeml")
        monkeypatch.setattr(skactiveml, "LIBRARY", found)
        monkeypatch.setattr(skactiveml, "MODULE", "fake_activeml.pool")
        monkeypatch.setitem(RECIPES, "badge", replace(RECIPES["badge"], model=""))  # the real library may be absent

    return install


@pytest.fixture
def no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (skactiveml, baal):
        monkeypatch.setattr(module, "LIBRARY", replace(module.LIBRARY, package="no_such_package"))


@pytest.mark.usefixtures("no_library")
def test_a_run_with_a_library_that_is_absent_exits_2_and_names_the_extra(cli: Cli, tmp_path: Path) -> None:
    ran = cli("run", "--strategies", "random,skal-badge", "--store", tmp_path / "store")
    assert ran.code == 2
    assert "skal-badge asks scikit-activeml, which is not installed; pip install 'albench[skactiveml]'" in ran.err
    assert not (tmp_path / "store").exists()
    ran = cli("run", "--strategies", "baal-bald", "--store", tmp_path / "store")
    assert ran.code == 2
    assert "baal-bald asks baal, which is not installed; pip install 'albench[baal]'" in ran.err


@pytest.mark.usefixtures("no_library")
def test_adapters_are_listed_and_shown_without_their_library(cli: Cli) -> None:
    listed = cli("list", "strategies", "--format", "json").out
    assert all(f'"{name}"' in listed for name in TARGETS)
    assert cli("show", "skal-badge").code == 0


@pytest.mark.usefixtures("no_library")
def test_check_skips_a_component_whose_library_is_absent_and_says_so() -> None:
    from albench.testing.check import check_component

    for name in ("skal-badge", "baal-bald"):
        (found,) = check_component("strategies", name)
        assert (found.clause, found.outcome) == ("builds", "skipped")
        assert "which is not installed; pip install 'albench[" in found.message


def test_a_name_that_no_adapter_has_is_refused() -> None:
    with pytest.raises(albench.RequestError, match="there is no adapter of 'bagde'"):
        skactiveml.Skal("bagde")
    with pytest.raises(albench.RequestError, match=r"there is no adapter of 'bold'|asks baal, which is not installed"):
        baal.Baal(heuristic="bold")


def test_a_strategy_that_the_library_has_no_longer_is_one_sentence(fake: Fake) -> None:
    fake("class Badger: pass\n")
    with pytest.raises(albench.RequestError) as raised:
        albench.strategy("skal-badge")
    assert str(raised.value) == (
        "skal-badge does not know the interface of fake-activeml 1.7.0: there is no Badge in fake_activeml.pool; "
        "pip install 'albench[skactiveml]' brings fake-activeml>=1.0,<1.1"
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("random_state", "generator", "Badge takes other arguments, got an unexpected keyword argument 'random_state'"),
        ("batch_size", "n", "Badge.query takes other arguments, got an unexpected keyword argument 'batch_size'"),
        ("X, y, ", "X, y, *, pool, ", "Badge.query takes other arguments, missing a required argument: 'pool'"),
    ],
)
def test_a_changed_interface_is_one_sentence_before_anything_runs(fake: Fake, old: str, new: str, said: str) -> None:
    fake(KNOWN.replace(old, new).replace("BODY", "return [16], None"))
    with pytest.raises(albench.RequestError) as raised:
        albench.strategy("skal-badge")
    assert f"skal-badge does not know the interface of fake-activeml 1.7.0: {said}" in str(raised.value)


def _asked(fake: Fake, body: str) -> list[int]:
    fake(KNOWN.replace("BODY", body))
    return albench.strategy("skal-badge").select(make_arrays().query(), 3).tolist()


def test_a_library_s_own_error_comes_with_the_strategy_s_name(fake: Fake) -> None:
    with pytest.raises(albench.StrategyError) as raised:
        _asked(fake, "raise ValueError('no such metric')")
    assert str(raised.value) == "skal-badge: fake-activeml 1.7.0 raised ValueError: no such metric"


def test_a_library_that_cannot_be_imported_is_one_sentence(fake: Fake) -> None:
    fake("import not_there_either\n")
    with pytest.raises(
        albench.RequestError, match=r"skal-badge: fake-activeml 1\.7\.0 cannot be imported \(ModuleNotF"
    ):
        albench.strategy("skal-badge")


def test_an_example_that_the_library_picks_twice_is_replaced_by_another(fake: Fake) -> None:
    body = "return ([16, 20, 16] if candidates is None else candidates[:batch_size]), None"
    assert _asked(fake, body) == [0, 4, 1]


def test_a_library_that_selects_nothing_is_one_sentence(fake: Fake) -> None:
    with pytest.raises(albench.StrategyError, match=r"fake-activeml 1\.7\.0 selected nothing where 3 were asked for"):
        _asked(fake, "return [], None")


def test_a_utility_that_is_not_finite_is_one_sentence(fake: Fake) -> None:
    fake(KNOWN.replace("BODY", "return [16], [[float('nan')] * 56]"))
    with pytest.raises(albench.StrategyError, match=r"skal-badge: fake-activeml 1\.7\.0 gave 40 of 40"):
        albench.strategy("skal-badge").score(make_arrays().query())


def test_a_library_draws_from_the_strategy_s_stream_and_moves_no_global_generator(fake: Fake) -> None:
    drawing = "import numpy; self.seed = numpy.random.randint(40); return [16, 17, 16 + 2 + self.seed % 38], None"
    fake(KNOWN.replace("BODY", drawing))
    strategy, query = albench.strategy("skal-badge"), make_arrays().query()
    before = (torch.get_rng_state(), np.random.get_state()[1:3], random.getstate())
    picks = strategy.select(query, 3).tolist()
    after = (torch.get_rng_state(), np.random.get_state()[1:3], random.getstate())
    assert torch.equal(before[0], after[0])
    np.testing.assert_equal(before[1:], after[1:])
    assert picks[2] == 2 + np.random.RandomState(seed_of(stream())).randint(40) % 38


def test_a_round_notes_the_library_and_how_often_it_warned(fake: Fake) -> None:
    fake(KNOWN.replace("BODY", "import warnings; warnings.warn('hm'); return [16], None"))
    query = make_arrays().query()
    albench.strategy("skal-badge").select(query, 1)
    assert query.notes == {"library": "fake-activeml 1.7.0", "library_warnings": 1}
