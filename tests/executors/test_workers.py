"""What strategies do to their worker process, and what a run makes of it: real files, the real command line."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from albench.contracts.executor import Task
from albench.errors import MOST_TEXT
from albench.executors.log import KEPT_BYTES
from albench.executors.process import Process
from tests.conftest import SMALL, Cli, small_options, small_run
from tests.running.test_resume import rounds

HOSTILE = Path(__file__).parent / "hostile.py"
SHORT = small_options(**{**SMALL, "rounds": 1})
FAILING = (
    *("Asks", "Breaks", "Debugs", "Leaves", "Exits", "Forges", "Lies", "Closes", "Detached"),
    *("Overwrites", "OverwritesOne", "Shuffles", "Shouts", "Mumbles"),
)
DONE = ("Forks", "Prints", "clue", "random")
pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks for pipes as Linux shows them")


def words(store: Path, *strategies: str) -> list[str]:
    names = ",".join(name if name.islower() else f"{HOSTILE}:{name}" for name in strategies)
    return ["run", "--strategies", names, "--seeds", "1", *SHORT, "--store", str(store)]


def reasons(output: str) -> dict[str, str]:
    """What a run says at its end of the cells that failed, by strategy."""
    return dict(re.findall(r"^failed: digits / (\w+) / seed 0: (.*)$", output, re.MULTILINE))


@dataclass(frozen=True)
class Studied:
    """A study in which most goes wrong: its store, what was printed, and why cells failed."""

    store: Path
    out: str
    reasons: Mapping[str, str]


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Studied:
    store = tmp_path_factory.mktemp("workers") / "s"
    command = [sys.executable, "-m", "albench", *words(store, *FAILING, *DONE)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert ran.returncode == 1, ran.stderr
    assert f"{len(DONE)} of {len(FAILING + DONE)} cells done; {len(FAILING)} failed" in ran.stdout
    assert len(ran.stdout + ran.stderr) < 50_000
    return Studied(store, ran.stdout, reasons(ran.stderr))


SENTENCES = {
    "Asks": "EOFError: EOF when reading a line",
    "Breaks": "RuntimeError: breakpoint() in a worker process, which has no terminal; take it out",
    "Debugs": "BdbQuit",
    "Leaves": "it called sys.exit('bye')",
    "Exits": "its worker process died (exit code 3); its last words: no licence for the solver",
    "Forges": "something wrote to the pipe of its events what is no event",
    "Lies": "something wrote to the pipe of its events what is no event",
    "Closes": "something closed the pipe of its events",
    "Detached": "its worker process died (exit code 4)",
    "Overwrites": "it changed query.pool in place; work on a copy (query.pool.clone())",
    "OverwritesOne": "it changed query.labels in place",
    "Shuffles": "it changed query.pool in place",
    "Shouts": "ValueError: xxx",
    "Mumbles": "UnspeakableError: its message cannot be had",
}


@pytest.mark.parametrize("strategy", FAILING)
def test_what_a_strategy_does_to_its_process_is_its_own_failure_and_said(strategy: str, studied: Studied) -> None:
    assert SENTENCES[strategy] in studied.reasons[strategy]


def test_a_message_of_megabytes_is_cut_wherever_it_goes_and_says_how_much(studied: Studied) -> None:
    said = studied.reasons["Shouts"]
    assert re.search(r"x \[\.\.\. 19998\d{3} characters are left out here \.\.\.\] x+ and the end of it$", said)
    assert len(said) < MOST_TEXT + 200
    files = [path for path in studied.store.glob("cells/digits/Shouts/*/*") if path.suffix != ".safetensors"]
    assert {"cell.json", "log.txt"} <= {path.name for path in files}
    assert max(path.stat().st_size for path in files) < 50_000
    assert b"x" * MOST_TEXT not in (studied.store / "report.html").read_bytes()


def test_what_a_strategy_prints_keeps_its_beginning_and_its_end(studied: Studied) -> None:
    log = next(studied.store.glob("cells/digits/Prints/*/log.txt")).read_bytes()
    line = b"a line that nobody will read, number %d\n"
    printed = b"".join(line % number for number in range(60_000))
    mark = re.search(rb"\n\[\.\.\. (\d+) bytes are left out here \.\.\.\]\n", log)
    assert mark
    assert log.startswith(printed[:KEPT_BYTES])
    assert printed.endswith(log[mark.end() :])
    assert mark.start() + len(log) - mark.end() + int(mark[1]) == len(printed)
    assert len(log) < 3 * KEPT_BYTES + 100


def test_a_cell_is_computed_once_though_its_process_forks(studied: Studied) -> None:
    assert studied.out.count("/ Forks / seed 0: round 1:") == 1
    assert studied.out.count("/ Forks / seed 0: done") == 1
    assert not list(studied.store.glob("cells/digits/Forks/*/claim"))


def test_first_party_cells_leave_nothing_behind(studied: Studied) -> None:
    assert not [line for line in studied.out.splitlines() if "left behind" in line and "Forks" not in line]


def test_a_process_that_a_cell_changed_is_told_once_and_not_used_again(tmp_path: Path, cli: Cli) -> None:
    options = words(tmp_path / "s", "Patches", "random")
    options[options.index("--seeds") + 1] = "2"
    ran = cli(*options, "--jobs", 1)
    assert ran.code == 0, ran.err
    told = [line for line in ran.out.splitlines() if "left behind" in line]
    assert [line.split(" / ")[1] for line in told] == ["Patches"]
    for what in (
        "working folder",
        "umask",
        "environment",
        "handler of signals",
        "torch.nn.functional.relu",
        "torch.Tensor.mul",
    ):
        assert what in told[0]
    assert "the thread 'refresher'" in told[0]
    assert "the process sleep" in told[0]
    small_run(tmp_path / "alone", seeds=2, rounds=1)
    alone, beside = rounds(tmp_path / "alone"), rounds(tmp_path / "s")
    assert len(alone) == 2
    assert {name: beside[name] for name in alone} == alone


def test_a_cell_that_takes_too_long_has_failed_and_the_next_run_goes_on_with_it(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("albench.executors.watch.SILENT_SECONDS", 1.0)
    ran = cli(*words(tmp_path / "s", "Hangs"), "--cell-timeout", "25s")
    assert ran.code == 1
    assert "timed out after 25 seconds (--cell-timeout)" in reasons(ran.err)["Hangs"]
    assert re.search(r"Hangs / seed 0: silent: nothing heard for \d+ seconds?, since round 0; if it hangs", ran.out)
    assert ran.out.count("since round 0") <= 5, "after one second, two, four, eight and sixteen"
    assert "--retry-failed" not in ran.err
    folder = next((tmp_path / "s").glob("cells/digits/Hangs/*"))
    assert (folder / "checkpoint.safetensors").exists()
    assert not (folder / "claim").exists() or not psutil.pid_exists(_holder(folder / "claim"))
    dry = cli(*words(tmp_path / "s", "Hangs"), "--dry-run")
    assert "1 cells would run" in dry.out
    assert re.search(r"Hangs +0 +failed +0 +timed out after 25 seconds", dry.out)


def _holder(claim: Path) -> int:
    found = re.search(r'"pid": (\d+)', claim.read_text())
    assert found
    return int(found[1])


def test_a_worker_that_takes_too_much_memory_itself_or_in_a_child_is_ended_with_a_sentence(
    tmp_path: Path, cli: Cli
) -> None:
    ran = cli(*words(tmp_path / "s", "Eats", "EatsInChild", "random"), "--memory", "900M")
    assert ran.code == 1
    sentence = r"its worker process took ([\d.]+) GB of memory, and --memory allows 0.88 GB; allow more, .*"
    assert set(reasons(ran.err)) == {"Eats", "EatsInChild"}
    for said in reasons(ran.err).values():
        match = re.fullmatch(sentence, said)
        assert match, said
        assert 0.87 < float(match[1]) < 8
    assert "failed cells run again with --retry-failed" in ran.err
    assert not [one for one in psutil.Process().children(recursive=True) if "kept = []" in " ".join(one.cmdline())]


@pytest.mark.parametrize(
    ("option", "value"), [("--cell-timeout", "soon"), ("--cell-timeout", "-3s"), ("--memory", "8X"), ("--memory", "0G")]
)
def test_a_limit_that_is_none_is_refused_with_examples(option: str, value: str, tmp_path: Path, cli: Cli) -> None:
    ran = cli(*words(tmp_path / "s", "random"), option, value)
    assert ran.code == 2
    assert f"{option} {value!r}: write how " in ran.err


class Dying(Process):
    """A process that dies, for whatever reason, before it is given another cell."""

    def give(self, task: Task) -> None:
        self.process.kill()
        self.process.wait()
        super().give(task)


def test_a_worker_that_dies_between_two_cells_costs_none_of_them(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("albench.executors.local.Process", Dying)
    ran = cli(*words(tmp_path / "s", "random", "min"), "--jobs", 1)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.count(": done\n") == 2


def test_a_limit_holds_on_a_cluster_and_ends_a_cell_once(tmp_path: Path, cli: Cli) -> None:
    pytest.importorskip("distributed", reason="needs Dask: pip install 'albench[dask]'")
    ran = cli(*words(tmp_path / "s", "Hangs"), "--executor", "dask[jobs=1]", "--cell-timeout", "5s")
    assert ran.code == 1
    assert reasons(ran.err)["Hangs"].startswith("timed out after 5 seconds")


LOADS = """
import functools, sys
import albench.executors.leftovers as leftovers
before = leftovers.Before()
import torch, torch._dynamo
assert not [what for what in before.left() if "another" in what], before.left()
relu = torch.nn.functional.relu
wrapped = functools.wraps(relu)(lambda *args, **options: relu(*args, **options))
for other in (torch.nn.functional.dropout, torch.sigmoid, wrapped):
    torch.nn.functional.relu = other
    assert "another torch.nn.functional.relu" in before.left(), other
torch.nn.functional.relu = relu
assert not [what for what in before.left() if "another" in what], before.left()
"""


def test_what_torch_does_to_itself_when_it_loads_more_is_told_from_what_others_do_to_it() -> None:
    ran = subprocess.run([sys.executable, "-c", LOADS], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
