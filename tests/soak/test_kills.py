"""The short form of the trial of troubles; `make soak` goes on for hundreds of deaths."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.soak.common import work_folder
from tests.soak.kills import Tally, trials
from tests.soak.troubles import Trouble

TROUBLES = (
    Trouble("worker", "write", 6, minutes=60 * 24 * 400),
    Trouble("tree", "write", 4, minutes=-11, damaged="cell.json"),
    Trouble(full_bytes=5_000, damaged="rounds.jsonl"),
)


@dataclass
class Script(Tally):
    """Troubles that are told and not drawn."""

    waiting: list[Trouble] = field(default_factory=lambda: list(TROUBLES))

    def trouble(self, draws: random.Random) -> Trouble:
        return self.waiting.pop(0) if self.waiting else Trouble()


@pytest.mark.slow
def test_after_deaths_in_writes_a_full_disk_wrong_clocks_and_damage_a_study_ends_as_one_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ALBENCH_DATA", "ALBENCH_OFFLINE", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, "")  # which the folder sets, and which are put back
    tally = Script(most=1)
    with work_folder("short-kills") as root:
        trials(root, tally, random.Random(0), "min", seeds=1, rounds=6)
    assert tally.faults.count == 0, capsys.readouterr().out
    assert (tally.recomputed, tally.lost, tally.waiting) == (0, 0, [])
    assert tally.reported >= 4, "some before a death, so that one computed again would be seen"
    assert (tally.kills["worker"], tally.kills["tree"]) == (1, 1)
    assert (tally.troubles["full disk"], tally.troubles["other clock"], tally.troubles["damaged file"]) == (1, 2, 2)
