"""Leases: who works on what, dead or alive, on this host or another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from albench.errors import HeldError, LostError
from albench.store import leases
from albench.store.leases import Holder, holder, leased, live_holder


def write_claim(path: Path, present: Holder) -> None:
    path.write_text(json.dumps(asdict(present)), encoding="utf-8")


def this_process() -> Holder:
    return leases._new_holder()


def dead_process() -> Holder:
    process = subprocess.Popen([sys.executable, "-c", "pass"])
    started = leases._started(process.pid) or ""
    process.wait()
    return replace(this_process(), pid=process.pid, started=started)


def silent(path: Path, seconds: float = leases.SILENT_SECONDS + 1) -> None:
    """Let a claim be one that was not touched for so long."""
    before = path.stat().st_mtime - seconds
    os.utime(path, (before, before))


def test_a_lease_is_held_for_its_block_and_names_its_holder(tmp_path: Path) -> None:
    path = tmp_path / "claim"
    with leased(path, "the cell") as lease:
        assert holder(path) == replace(this_process(), token=lease.token)
        lease.check()
        with (
            pytest.raises(HeldError, match=rf"the cell is held by process {os.getpid()} on "),
            leased(path, "the cell"),
        ):
            pass
    assert list(tmp_path.iterdir()) == []


def test_the_claim_of_a_dead_process_is_taken_over_at_once(tmp_path: Path) -> None:
    path = tmp_path / "claim"
    write_claim(path, dead_process())
    assert live_holder(path) is None
    with leased(path, "the cell") as lease:
        assert holder(path) == lease.own
    assert list(tmp_path.iterdir()) == []


def test_a_reused_process_number_is_not_mistaken_for_the_holder(tmp_path: Path) -> None:
    path = tmp_path / "claim"
    write_claim(path, replace(this_process(), started="1"))
    assert live_holder(path) is None


def test_the_first_process_of_a_container_holds_a_lease_like_any_other(tmp_path: Path) -> None:
    path = tmp_path / "claim"
    first = replace(this_process(), pid=1, started=leases._started(1) or "", token="a1")
    write_claim(path, first)
    assert live_holder(path) == first


ELSEWHERE = {"host": "elsewhere", "boot": "another start", "namespace": "pid:[1]"}


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_process_that_cannot_be_asked_is_respected_until_it_is_silent_for_long(name: str, tmp_path: Path) -> None:
    """Of another host, of a host of the same name, or of another container on this host."""
    path = tmp_path / "claim"
    write_claim(path, replace(dead_process(), **{name: ELSEWHERE[name]}))
    with pytest.raises(HeldError, match="is held by process"), leased(path, "the cell"):
        pass
    silent(path)
    with leased(path, "the cell"):
        pass


def test_silence_is_measured_by_the_clock_of_the_disk_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "claim"
    write_claim(path, replace(dead_process(), host="elsewhere"))
    for shift in (-86_400, 86_400):
        now = time.time() + shift
        monkeypatch.setattr(time, "time", lambda now=now: now)
        assert live_holder(path) is not None


def test_a_holder_that_was_silent_for_too_long_loses_its_lease_and_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "claim"
    with leased(path, "the cell") as first:
        silent(path)
        with leased(path, "the cell") as second:
            with pytest.raises(
                LostError, match=rf"the cell is held by this run no more: process {os.getpid()} on .* has"
            ):
                first.check()
            second.check()
        with pytest.raises(LostError, match="its claim is gone"):
            first.check()


def test_a_holder_that_lost_its_lease_neither_removes_nor_touches_its_successors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "TOUCH_SECONDS", 0.01)
    path = tmp_path / "claim"
    with leased(path, "the cell"):
        path.unlink()
        write_claim(path, replace(this_process(), token="a0"))
        silent(path)
        before = path.stat().st_mtime
        time.sleep(0.1)
        assert path.stat().st_mtime == before
    assert holder(path) is not None


def test_a_holder_touches_its_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "TOUCH_SECONDS", 0.01)
    path = tmp_path / "claim"
    with leased(path, "the cell") as lease:
        os.utime(path, (0, 0))
        while path.stat().st_mtime == 0:
            time.sleep(0.01)
        lease.check()


def test_a_file_of_who_asked_for_a_lease_is_left_to_the_living_and_taken_from_the_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks_now, asked, of_others = (
        tmp_path / name for name in (f".claim.{'a' * 32}.new", f".claim.{'b' * 32}.new", ".x.new")
    )
    for path, seconds in (
        (asks_now, leases.SILENT_SECONDS - 100),
        (asked, leases.SILENT_SECONDS + 100),
        (of_others, 1e6),
    ):
        path.touch()
        os.utime(path, (time.time() - seconds,) * 2)
    with leased(tmp_path / "claim", "x"):
        assert {path.name for path in tmp_path.iterdir()} == {"claim", asks_now.name, of_others.name}
    link, paused = os.link, iter([True])

    def taken_for_dead(source: Path, target: Path) -> None:
        if next(paused, False):
            Path(source).unlink()
        link(source, target)

    monkeypatch.setattr(os, "link", taken_for_dead)
    with leased(tmp_path / "claim", "x") as lease:
        lease.check()


def test_a_claim_that_a_crash_left_empty_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "claim"
    path.write_text("")
    assert live_holder(path) is None
    with leased(path, "the cell"):
        assert live_holder(path) is not None


ODD = {
    "no json": "{",
    "no object": "[1]",
    "other fields": '{"host": "a", "pid": 1}',
    "a text for a number": None,
    "a list for a text": None,
    "deep": "[" * 100_000,
    "binary": "\x00\xff",
}


@pytest.mark.parametrize("fault", ODD)
def test_an_odd_claim_is_somebodys_until_it_is_silent_for_long(fault: str, tmp_path: Path) -> None:
    path = tmp_path / "claim"
    fields = asdict(this_process())
    fields |= {"pid": "1"} if fault == "a text for a number" else {"host": []} if fault == "a list for a text" else {}
    path.write_text(ODD[fault] or json.dumps(fields), encoding="latin-1")
    for wait in (False, True):
        refused = pytest.raises(HeldError, match="is held by an unknown process; wait for it, or stop it")
        with refused, leased(path, "the cell", wait):
            pass
    silent(path)
    with leased(path, "the cell") as lease:
        lease.check()


ENTER = """
import sys, time
from pathlib import Path
from albench.store.leases import leased
folder = Path(sys.argv[1])
with leased(folder / "claim", "it", wait=True) as lease:
    (folder / "inside").touch(exist_ok=False)
    time.sleep(0.05)
    lease.check()
    (folder / "inside").unlink()
"""


def test_processes_that_find_a_dead_claim_enter_one_after_another(tmp_path: Path) -> None:
    """Each makes a file that must not be there and removes it: two inside at once would fail."""
    write_claim(tmp_path / "claim", dead_process())
    command = [sys.executable, "-c", ENTER, str(tmp_path)]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(6)]
    for process in running:
        _, errors = process.communicate()
        assert process.returncode == 0, errors.decode()
    assert list(tmp_path.iterdir()) == []


def test_a_dead_claim_is_removed_once_though_whoever_began_to_died(tmp_path: Path) -> None:
    path = tmp_path / "claim"
    dead = dead_process()
    write_claim(path, dead)
    write_claim(path.with_name(f".claim.{dead.token}.dead"), replace(dead_process(), token="b1"))
    with leased(path, "the cell"):
        pass
    assert list(tmp_path.iterdir()) == []


FORK = """
import os, sys
from pathlib import Path
from albench.errors import LostError
from albench.store.leases import holder, leased
path = Path(sys.argv[1])
with leased(path, "it") as lease:
    parent = os.getpid()
    if os.fork():
        _, status = os.wait()
        assert os.waitstatus_to_exitcode(status) == 3, status
        assert holder(path) == lease.own
        lease.check()
    else:
        try:
            lease.check()
        except LostError as error:
            print(error)
if os.getpid() != parent:
    os._exit(3)
"""


def test_a_fork_of_a_holder_has_no_lease_and_takes_none_away(tmp_path: Path) -> None:
    ran = subprocess.run([sys.executable, "-uc", FORK, str(tmp_path / "claim")], capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "and not by a fork of it" in ran.stdout
    assert list(tmp_path.iterdir()) == []
