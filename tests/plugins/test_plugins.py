from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import albench
from albench.errors import RequestError
from albench.hookspecs import KINDS
from albench.plugins.host import PluginHost, host
from albench.study.choice import Choice
from tests.conftest import Cli, PluginFolder

GOOD = """
import albench
@albench.hookimpl
def albench_strategies():
    return {"good": "good:Good"}
class Good(albench.Strategy):
    "Fine."
    def score(self, query):
        return query.logits[:, 0]
"""

FAULTS = {
    "import error": (
        "import no_such_module\n",
        "cannot be imported (ModuleNotFoundError: No module named 'no_such_module')",
    ),
    "exit on import": ("raise SystemExit(3)\n", "cannot be imported (SystemExit: 3)"),
    "unknown argument": (
        "import albench\n@albench.hookimpl\ndef albench_strategies(colour):\n    return {}\n",
        "colour",
    ),
    "misspelt hook": (
        "import albench\n@albench.hookimpl\ndef albench_strategeis():\n    return {}\n",
        "there is no hook 'albench_strategeis'; did you mean 'albench_strategies'?",
    ),
    "raising hook": (
        "import albench\n@albench.hookimpl\ndef albench_strategies():\n    raise KeyError('oops')\n",
        "albench_strategies raised KeyError: 'oops'",
    ),
    "no mapping": (
        "import albench\n@albench.hookimpl\ndef albench_strategies():\n    return ['a']\n",
        "albench_strategies returned a list; return a mapping",
    ),
    "bad name": (
        "import albench\n@albench.hookimpl\ndef albench_strategies():\n    return {'Bad Name': 'a:B'}\n",
        "offers the name 'Bad Name'",
    ),
    "bad target": (
        "import albench\n@albench.hookimpl\ndef albench_strategies():\n    return {'bad': 'a.B'}\n",
        "write it as 'package.module:Class'",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_one_bad_plugin_is_reported_with_its_distribution_and_everything_else_goes_on(
    fault: str, plugins: PluginFolder, cli: Cli
) -> None:
    source, message = FAULTS[fault]
    plugins.install("faulty", source, version="2.3")
    plugins.install("good", GOOD)
    found = [str(problem) for problem in PluginHost().problems]
    assert len(found) == 1
    assert found[0].startswith("plugin 'faulty' of faulty 2.3: ")
    assert message in found[0]
    assert isinstance(albench.strategy("good"), albench.Strategy)
    assert albench.strategy("random") is not None
    listed = cli("list", "strategies")
    assert listed.code == 0
    assert "good:Good" in listed.out
    assert listed.err.count("warning: plugin 'faulty' of faulty 2.3") == 1
    doctor = cli("doctor")
    assert doctor.code == 0
    assert "faulty 2.3" in doctor.out


def test_a_name_taken_twice_is_a_warning_that_names_both_and_using_it_is_an_error(plugins: PluginFolder) -> None:
    plugins.install("good", GOOD)
    plugins.install("other", GOOD.replace("good:Good", "other:Good"), version="4.0")
    assert [str(problem) for problem in host().problems] == [
        "plugin 'other' of other 4.0: offers the strategy 'good', which plugin 'good' of good 1.0 offers too; "
        "neither can be used while both are installed"
    ]
    with pytest.raises(RequestError, match=r"taken by plugin 'good' of good 1\.0 and plugin 'other' of other 4\.0"):
        albench.strategy("good")
    assert albench.strategy("min") is not None


def test_two_distributions_with_one_entry_point_name_both_load_and_it_is_said(plugins: PluginFolder) -> None:
    plugins.install("good", GOOD, entry="twin")
    plugins.install(
        "other", GOOD.replace("'good'", "'other'").replace('"good"', '"other"').replace("good:", "other:"), entry="twin"
    )
    assert [str(problem) for problem in host().problems] == [
        "plugin 'twin' of other 1.0: has the entry-point name of plugin 'twin' of good 1.0; name it after its own package"
    ]
    assert albench.strategy("good") is not None
    assert albench.strategy("other") is not None


def test_an_unknown_name_gets_a_suggestion_and_a_mention_of_plugins_that_failed(plugins: PluginFolder) -> None:
    plugins.install("faulty", "import no_such_module\n")
    with pytest.raises(RequestError) as caught:
        albench.strategy("randon")
    assert "there is no strategy 'randon'; did you mean 'random'?" in str(caught.value)
    assert "plugin 'faulty' of faulty 1.0" in str(caught.value)


def test_a_component_whose_module_cannot_be_imported_is_an_error_only_when_it_is_used(plugins: PluginFolder) -> None:
    plugins.install(
        "lazy", "import albench\n@albench.hookimpl\ndef albench_strategies():\n    return {'lazy': 'not_there:Lazy'}\n"
    )
    assert "lazy" in host().names("strategies")
    assert host().problems == []
    with pytest.raises(
        RequestError, match=r"'lazy' \(not_there:Lazy\) of plugin 'lazy' of lazy 1\.0 cannot be imported"
    ):
        albench.strategy("lazy")


def test_a_component_of_another_kind_is_refused_by_name(plugins: PluginFolder) -> None:
    plugins.install(
        "mixed",
        "import albench\n@albench.hookimpl\ndef albench_strategies():\n    return {'mixed': 'albench.networks.cifar10_quick:Cifar10Quick'}\n",
    )
    with pytest.raises(RequestError, match=r"'mixed' .* is no class derived from albench\.Strategy"):
        albench.strategy("mixed")


def test_albench_plugins_chooses_which_plugins_are_loaded(
    plugins: PluginFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins.install("good", GOOD)
    monkeypatch.setenv("ALBENCH_PLUGINS", "good, albench")
    assert PluginHost().names("strategies") == ["good"]
    monkeypatch.setenv("ALBENCH_PLUGINS", "")
    assert all(PluginHost().names(kind) == [] for kind in KINDS)
    monkeypatch.setenv("ALBENCH_PLUGINS", "godo")
    assert "is named in ALBENCH_PLUGINS" in str(PluginHost().problems[0])


def test_an_observer_sees_every_round_and_one_that_raises_costs_nothing(plugins: PluginFolder, tmp_path: Path) -> None:
    from tests.conftest import small_run

    seen = tmp_path / "seen.jsonl"
    plugins.install(
        "observer",
        "import albench, json\n@albench.hookimpl\ndef albench_round_recorded(cell, record):\n"
        f"    with open({str(seen)!r}, 'a') as file:\n"
        "        file.write(json.dumps([cell['strategy']['name'], record['round']]) + '\\n')\n",
    )
    plugins.install(
        "raising",
        "import albench\n@albench.hookimpl\ndef albench_round_recorded(cell, record):\n    raise OSError('no tracker')\n",
    )
    outcome = small_run(tmp_path / "store")
    assert outcome.exit_code == 0
    assert [json.loads(line) for line in seen.read_text().splitlines()] == [["random", 0], ["random", 1], ["random", 2]]
    log = next((tmp_path / "store").glob("cells/*/*/*/log.txt")).read_text()
    assert "plugin 'raising' of raising 1.0: albench_round_recorded raised OSError: no tracker" in log


WRAPPED = """
import albench
from dataclasses import dataclass
@albench.hookimpl
def albench_strategies():
    return {"wide": "wrapped:Wrapped[query=Badge,width=3]", "plain": "wrapped:Wrapped", "wrong": "wrapped:Wrapped[width"}
@dataclass(frozen=True)
class Wrapped(albench.Strategy):
    "One class under two names."
    results_version = 1
    query: str = "none-given"
    width: int = 1
    def score(self, query):
        return query.logits[:, 0] * self.width
"""


def test_a_target_may_carry_defaults_and_a_label_names_what_differs_from_them(plugins: PluginFolder) -> None:
    plugins.install("wrapped", WRAPPED)
    assert [str(problem) for problem in host().problems] == [
        "plugin 'wrapped' of wrapped 1.0: albench_strategies maps 'wrong' to 'wrapped:Wrapped[width'; write it as "
        "'package.module:Class'"
    ]
    labels = {
        "wide": "wide", "wide[width=3]": "wide", "wide[width=1]": "wide[width=1]", "wide[query=x]": "wide[query=x]",
        "plain": "plain", "plain[width=3]": "plain[width=3]",
    }  # fmt: skip
    assert {text: Choice.of("strategies", text).label for text in labels} == labels
    wide: Any = albench.strategy("wide")
    assert (wide.query, wide.width) == ("Badge", 3)
    keys = {text: Choice.of("strategies", text).identity() for text in ("wide", "wide[width=3]", "wide[width=1]")}
    assert keys["wide"] == keys["wide[width=3]"] == ["wide", {"query": "Badge", "width": 3}, 1]
    assert keys["wide[width=1]"] == ["wide", {"query": "Badge"}, 1]


def test_first_party_components_come_through_entry_points() -> None:
    owners = {entry.plugin.name for entry in host().all_entries() if entry.plugin.distribution == "albench"}
    assert owners == {"albench", "albench_strategies", "albench_datasets", "albench_reports"}
    assert host().problems == []
