"""``albench check`` on installed plugins."""

from __future__ import annotations

import json
from pathlib import Path

from albench.testing import STRATEGY_CLAUSES
from tests.conftest import Cli, PluginFolder, small_run

GOOD = "def score(self, query):\n    return query.logits[:, 0]"
BAD = "def score(self, query):\n    import torch\n    return torch.rand(len(query.pool))"
LATE = """
def score(self, query):
    return query.logits[:, 0] / (0 if query.logits.shape[1] > 5 else 1)
"""


def test_check_says_that_a_sound_plugin_keeps_its_contract(plugins: PluginFolder, cli: Cli) -> None:
    plugins.install_strategy("sound", GOOD)
    ran = cli("check", "plugin_sound")
    assert ran.code == 0, ran.out
    assert f"ok      strategies  sound: {len(STRATEGY_CLAUSES) + 1} holds, 0 expected, 0 skipped, 0 broken" in ran.out
    assert "all 1 components keep their contracts" in ran.out


def test_check_names_the_clause_that_a_plugin_breaks_and_exits_1(plugins: PluginFolder, cli: Cli) -> None:
    plugins.install_strategy("noisy", BAD)
    plugins.install_strategy("sound", GOOD)
    ran = cli("check", "plugin-noisy", "--format", "json")
    assert ran.code == 1
    rows = json.loads(ran.out)
    assert {row["name"] for row in rows} == {"noisy"}
    broken = {row["clause"]: row["message"] for row in rows if row["outcome"] == "broken"}
    assert "draw from query.generator" in broken["own-randomness"]
    assert "1 of 1 components break their contract: strategy noisy" in cli("check", "plugin_noisy").out


def test_check_reports_a_plugin_that_cannot_be_imported(plugins: PluginFolder, cli: Cli) -> None:
    plugins.install("plugin_torn", "import no_such_module\n")
    ran = cli("check", "plugin_torn")
    assert ran.code == 1
    assert "broken loads: plugin_torn cannot be imported (ModuleNotFoundError" in ran.out


def test_check_reports_a_target_that_cannot_be_imported_and_goes_on(plugins: PluginFolder, cli: Cli) -> None:
    source = "import albench\n@albench.hookimpl\ndef albench_strategies():\n    return {'gone': 'plugin_gone:Gone'}\n"
    plugins.install("plugin_gone", source)
    ran = cli("check", "plugin_gone")
    assert ran.code == 1
    assert "broken builds: the strategy 'gone' (plugin_gone:Gone)" in ran.out


def test_check_skips_a_strategy_without_defaults_and_says_how_to_test_it(plugins: PluginFolder, cli: Cli) -> None:
    plugins.install_strategy("needy", f"power: float\n{GOOD}".replace("power: float", "power: float = _need"))
    (plugins.root / "plugin_needy.py").write_text(
        "from dataclasses import dataclass, field\nimport albench\n@albench.hookimpl\ndef albench_strategies():\n"
        "    return {'needy': 'plugin_needy:Needy'}\n@dataclass(frozen=True)\nclass Needy(albench.Strategy):\n"
        "    'Needs a power.'\n    power: float = field(kw_only=True)\n"
        "    def score(self, query):\n        return query.logits[:, 0]\n",
        encoding="utf-8",
    )
    ran = cli("check", "plugin_needy")
    assert ran.code == 0
    assert "skipped builds: it has no default for power; test it with the contract class" in ran.out
    assert "all 0 components keep their contracts, 1 aside that could not be built here" in ran.out


def test_check_of_an_unknown_package_exits_2_and_helps(cli: Cli) -> None:
    ran = cli("check", "albench_strategeis")
    assert ran.code == 2
    assert "did you mean 'albench_strategies'?" in ran.err


def test_a_strategy_that_breaks_its_contract_only_at_run_time_fails_its_cell_alone(
    plugins: PluginFolder, cli: Cli, tmp_path: Path
) -> None:
    plugins.install_strategy("late", LATE)
    assert cli("check", "plugin_late").code == 0
    outcome = small_run(tmp_path / "store", "late,random", rounds=8)
    statuses = {status.strategy: status for status in outcome.statuses}
    assert statuses["random"].status == "done"
    assert statuses["late"].status == "failed"
    assert "are NaN or infinite" in str(statuses["late"].reason)
