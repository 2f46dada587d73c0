"""Files that components name: what they hold is part of a result, where they lie is not."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from torchvision.models import get_model

import albench
from albench.errors import RequestError
from albench.study.choice import Choice
from albench.study.study import Request, read_study
from tests.conftest import Cli, small_options

KEPT = """
from pathlib import Path
import albench, torch
from dataclasses import dataclass
@dataclass(frozen=True)
class Listed(albench.Strategy):
    table: albench.InputPath
    def score(self, query):
        return torch.full((len(query.pool),), float(len(list(Path(self.table).glob("*")))))
"""


def weights(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        torch.save(get_model("resnet18", weights=None, num_classes=2).state_dict(), path)
    return path


def network(path: Path) -> Choice:
    return Choice.of("networks", f'torchvision[name=resnet18,weights="{path}"]')


def test_the_identity_of_a_network_holds_the_hash_of_its_weights_and_not_their_path(tmp_path: Path) -> None:
    one, copy = weights(tmp_path / "a" / "w.pth", 1), tmp_path / "other name.bin"
    copy.write_bytes(one.read_bytes())
    digest = hashlib.sha256(one.read_bytes()).hexdigest()
    first, second, other = network(one), network(copy), network(weights(tmp_path / "b" / "w.pth", 2))
    assert first.identity() == second.identity() == ["torchvision", {"name": "resnet18", "weights": digest}, 1]
    assert first.label == second.label == f"torchvision[name=resnet18,weights={digest[:8]}]"
    assert other.identity() != first.identity()
    assert other.label != first.label
    assert str(tmp_path) not in json.dumps(first.stored())


def test_weights_that_change_after_the_plan_are_noticed_by_who_builds_from_it(tmp_path: Path) -> None:
    path = weights(tmp_path / "w.pth", 1)
    planned = Choice(**json.loads(json.dumps(asdict(network(path)))))
    assert planned.build().weights == str(path)
    weights(path, 2)
    with pytest.raises(RequestError, match=r"w\.pth has changed since the run was planned; run it again"):
        planned.build()


def test_a_folder_is_the_names_and_the_contents_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(KEPT)
    (tmp_path / "one" / "deep").mkdir(parents=True)
    (tmp_path / "one" / "deep" / "a.txt").write_text("a")

    def asked(folder: str) -> Choice:
        return Choice.of("strategies", f'{tmp_path}/own.py:Listed[table="{tmp_path / folder}"]')

    first = asked("one")
    (tmp_path / "one").rename(tmp_path / "two")
    assert asked("two").identity() == first.identity()
    (tmp_path / "two" / "deep" / "a.txt").rename(tmp_path / "two" / "deep" / "b.txt")
    renamed = asked("two")
    assert renamed.identity() != first.identity()
    (tmp_path / "two" / "deep" / "b.txt").write_text("b")
    assert asked("two").identity() not in (first.identity(), renamed.identity())


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RequestError) as caught:
        network(tmp_path / "gone.pth")
    assert str(caught.value).startswith(f"network 'torchvision': weights: {tmp_path}/gone.pth cannot be read (No such")


def test_an_empty_network_and_one_with_weights_are_two_settings(tmp_path: Path) -> None:
    path = weights(tmp_path / "w.pth", 1)
    asked = f'torchvision[name=resnet18],torchvision[name=resnet18,weights="{path}"]'
    study = read_study(Request(strategies="random", network=asked))
    assert [setting.network.build().weights for setting in study.settings] == [None, str(path)]
    assert len({setting.label for setting in study.settings}) == 2


def test_a_run_with_weights_goes_on_when_they_have_moved(tmp_path: Path, cli: Cli) -> None:
    path = weights(tmp_path / "w.pth", 1)
    words = ["--strategies", "random", "--seeds", "1", *small_options(), "--store", tmp_path / "s"]
    ran = cli("run", "--network", f'torchvision[name=resnet18,weights="{path}"]', *words)
    assert ran.code == 0, ran.err
    moved = path.rename(tmp_path / "moved.pth")
    again = cli("run", "--network", f'torchvision[name=resnet18,weights="{moved}"]', *words)
    assert "0 of 1 cells to run" in again.out
    assert albench.load(tmp_path / "s").network.unique().tolist() == [network(moved).label]
    for file in (tmp_path / "s").rglob("*.json"):
        record = json.loads(file.read_text())
        record.get("provenance", {}).pop("command", None)  # as a user typed it
        record.pop("commands", None)
        assert str(tmp_path) not in json.dumps(record), file
