from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import albench
from albench.errors import HeldError, StoreError
from albench.store import claims
from albench.store.cell import CellFolder
from albench.store.claims import Holder, claimed, holder, live_holder
from albench.store.files import replacing, write_json
from albench.store.store import Store
from tests.conftest import small_run


def dead_process() -> Holder:
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    found = Holder(claims.socket.gethostname(), process.pid, claims._started(process.pid) or "")
    process.wait()
    return found


def test_a_claim_is_held_for_its_block_and_names_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "claim"
    with claimed(path, "the cell"):
        assert holder(path) == Holder(claims.socket.gethostname(), os.getpid(), claims._started(os.getpid()) or "")
        with (
            pytest.raises(HeldError, match=rf"the cell is held by process {os.getpid()} on "),
            claimed(path, "the cell"),
        ):
            pass
    assert holder(path) is None


def test_the_claim_of_a_dead_process_is_taken_over_at_once(tmp_path: Path) -> None:
    path = tmp_path / "claim"
    write_json(path, vars(dead_process()))
    assert live_holder(path) is None
    with claimed(path, "the cell"):
        present = holder(path)
        assert present is not None
        assert present.pid == os.getpid()


def test_a_reused_process_number_is_not_mistaken_for_the_holder(tmp_path: Path) -> None:
    path = tmp_path / "claim"
    write_json(path, {"host": claims.socket.gethostname(), "pid": os.getpid(), "started": "1"})
    assert live_holder(path) is None


def test_a_claim_of_another_host_is_respected_while_its_holder_touches_it(tmp_path: Path) -> None:
    path = tmp_path / "claim"
    write_json(path, {"host": "elsewhere", "pid": 1, "started": "1"})
    with pytest.raises(HeldError, match="process 1 on elsewhere"), claimed(path, "the cell"):
        pass
    old = time.time() - claims.SILENT_SECONDS - 1
    os.utime(path, (old, old))
    with claimed(path, "the cell"):
        pass


def test_a_holder_touches_its_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "TOUCH_SECONDS", 0.01)
    path = tmp_path / "claim"
    with claimed(path, "the cell"):
        os.utime(path, (0, 0))
        while path.stat().st_mtime == 0:
            time.sleep(0.01)


def test_a_claim_that_a_crash_left_empty_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "claim"
    path.write_text("")
    assert live_holder(path) is None
    with claimed(path, "the cell"):
        assert live_holder(path) is not None


ENTER = """
import sys, time
from pathlib import Path
from albench.store.claims import claimed
folder = Path(sys.argv[1])
with claimed(folder / "claim", "it", wait=True):
    (folder / "inside").touch(exist_ok=False)
    time.sleep(0.05)
    (folder / "inside").unlink()
"""


def test_processes_that_find_a_dead_claim_enter_one_after_another(tmp_path: Path) -> None:
    """Each makes a file that must not be there and removes it: two inside at once would fail."""
    write_json(tmp_path / "claim", vars(dead_process()))
    command = [sys.executable, "-c", ENTER, str(tmp_path)]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(6)]
    for process in running:
        _, errors = process.communicate()
        assert process.returncode == 0, errors.decode()
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_whole_or_absent(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_a_study_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"is no store: there is no study\.json in it"):
        Store(tmp_path).study()


def test_a_store_of_another_schema_is_refused_with_what_to_do(tmp_path: Path) -> None:
    write_json(tmp_path / "study.json", {"schema": 99})
    with pytest.raises(
        StoreError, match="has schema 99 and this version of albench reads 2; use the version that wrote it"
    ):
        Store(tmp_path).study()
    small_run(tmp_path / "s")
    folder = Store(tmp_path / "s").cell(**Store(tmp_path / "s").cells()[0])
    info = folder.info()
    write_json(folder.path / "cell.json", {**info, "schema": 0})
    with pytest.raises(StoreError, match="has schema 0"):
        Store(tmp_path / "s").statuses()


def test_a_store_holds_several_settings_each_with_the_rounds_that_were_asked_of_it(tmp_path: Path) -> None:
    small_run(tmp_path)
    small_run(tmp_path, n_sets=7, rounds=1)
    cells = {cell["protocol"]: cell for cell in Store(tmp_path).cells()}
    assert {label: cell["rounds"] for label, cell in cells.items()} == {
        "discovery[n_sets=6,set_size=5]": 2,
        "discovery[n_sets=7,set_size=5]": 1,
    }
    assert [status.status for status in Store(tmp_path).statuses()] == ["done", "done"]
    assert albench.load(tmp_path).groupby("setting")["round"].max().tolist() == [2, 1]


def test_provenance_names_versions_hardware_and_command(tmp_path: Path) -> None:
    small_run(tmp_path)
    found = Store(tmp_path).cell(**Store(tmp_path).cells()[0]).info()["provenance"]
    assert found["command"] == ["albench", "run"]
    assert found["threads"] == 1
    assert found["device"] == "cpu"
    assert found["cpu"]
    assert {"albench", "torch", "numpy"} <= set(found["versions"])


def test_the_rounds_file_is_repaired_from_the_checkpoint(tmp_path: Path) -> None:
    small_run(tmp_path)
    folder = Store(tmp_path).cell(**Store(tmp_path).cells()[0])
    path = folder.path / "rounds.jsonl"
    whole = path.read_text()
    for damaged in (whole[:-20], "", whole + '{"round": 9', whole * 2):
        path.write_text(damaged)
        folder.restore()
        assert path.read_text() == whole


def test_a_line_cut_short_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "rounds.jsonl").write_text(json.dumps({"round": 0}) + "\n" + '{"round": 1')
    assert CellFolder(tmp_path).rows() == [{"round": 0}]


def test_a_damaged_checkpoint_fails_its_cell_with_what_to_do(tmp_path: Path) -> None:
    small_run(tmp_path)
    folder = Store(tmp_path).cell(**Store(tmp_path).cells()[0])
    (folder.path / "checkpoint.safetensors").write_bytes(b"\x00" * 10)
    outcome = small_run(tmp_path, rounds=3)
    assert outcome.statuses[0].status == "failed"
    assert "checkpoint.safetensors is damaged" in outcome.statuses[0].reason


def test_more_rounds_of_one_strategy_are_more_rounds_of_its_setting(tmp_path: Path) -> None:
    small_run(tmp_path, "random,min", rounds=1)
    small_run(tmp_path, "random", rounds=2)
    statuses = {status.strategy: status.status for status in Store(tmp_path).statuses()}
    assert statuses == {"random": "done", "min": "missing"}, "strategies are compared over one budget"


def test_cells_by_other_code_of_a_label_are_asked_for_no_more_and_their_folders_stay(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    source = "import albench\nclass Mine(albench.Strategy):\n    def score(self, query):\n        return {}query.logits[:, 0]\n"
    path.write_text(source.format(""), encoding="utf-8")
    small_run(tmp_path / "s", f"{path}:Mine,random", seeds=2)
    path.write_text(source.format("-"), encoding="utf-8")
    small_run(tmp_path / "s", f"{path}:Mine", seeds=[0])
    cells = [(cell["strategy"], cell["seed"]) for cell in Store(tmp_path / "s").cells()]
    assert cells == [("random", 0), ("random", 1), ("Mine", 0)]
    assert len(list((tmp_path / "s").glob("cells/digits/Mine/*"))) == 3
    path.write_text(source.format(""), encoding="utf-8")
    again = small_run(tmp_path / "s", f"{path}:Mine", seeds=2)
    assert [status.status for status in again.statuses] == ["done", "done"], "found again when the code comes back"
    assert len(list((tmp_path / "s").glob("cells/digits/Mine/*"))) == 3


@pytest.mark.parametrize("where", ["name", "source"])
def test_a_report_runs_no_code_that_a_store_names(where: str, tmp_path: Path) -> None:
    small_run(tmp_path / "s")
    evil = tmp_path / "evil.py"
    evil.write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass Evil: pass\n", encoding="utf-8")
    study = json.loads((tmp_path / "s" / "study.json").read_text(encoding="utf-8"))
    for setting in study["settings"].values():
        for part in ("scenario", "protocol", "learner", "network"):
            setting[part][where] = f"{evil}:Evil" if where == "name" else str(evil)
    for strategy in study["strategies"].values():
        strategy[where] = f"{evil}:Evil" if where == "name" else str(evil)
    (tmp_path / "s" / "study.json").write_text(json.dumps(study), encoding="utf-8")
    albench.load(tmp_path / "s")
    page = albench.report(tmp_path / "s", tmp_path / "page.html")
    assert "a report runs no code that results name" in page.read_text(encoding="utf-8")
    assert not (tmp_path / "ran").exists()
