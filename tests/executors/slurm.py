"""A real SLURM of this machine alone, for tests: its controller and its one node, as processes of their own.

As a program, ``python -m tests.executors.slurm FOLDER``, it prints the SLURM_CONF to use and runs until Ctrl+C.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psutil

from tests.executors.clusters import free_port, wait_until

PROGRAMS = ("slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol")
SETTINGS = {
    "ClusterName": "tests",
    "AuthType": "auth/none",  # one machine trusts itself: no munge
    "CredType": "cred/none",
    "SlurmUser": "root",
    "SlurmdUser": "root",
    "MpiDefault": "none",
    "ProctrackType": "proctrack/pgid",
    "TaskPlugin": "task/none",
    "SelectType": "select/cons_tres",
    "SelectTypeParameters": "CR_CPU",
    "GresTypes": "gpu",
    "KillWait": "5",  # seconds that a job has to end
    "SchedulerParameters": "sched_interval=1,bf_interval=1,batch_sched_delay=0",
    "ReturnToService": "2",
    "SlurmdParameters": "config_overrides",  # more processors than there are
}
CPUS = 4  # that SLURM believes in, so that several jobs run however few there are


def missing() -> str:
    """Why SLURM cannot be started and used here, empty where it can."""
    if find_spec("submitit") is None:
        return "there is no submitit: pip install 'albench[slurm]'"
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if absent:
        return f"there is no {absent[0]}: apt-get install slurm-wlm"
    return "" if os.getuid() == 0 else "SLURM's daemons want root"


def _configure(folder: Path) -> Path:
    host = socket.gethostname().partition(".")[0]
    memory = psutil.virtual_memory().total // 2**20 // 2
    own = {
        "SlurmctldHost": f"{host}(127.0.0.1)",
        "SlurmctldPort": str(free_port()),
        "SlurmdPort": str(free_port()),
        **{name: str(folder / name) for name in ("StateSaveLocation", "SlurmdSpoolDir")},
        **{f"{name}PidFile": str(folder / f"{name}.pid") for name in ("Slurmctld", "Slurmd")},
        **{f"{name}LogFile": str(folder / f"{name}.log") for name in ("Slurmctld", "Slurmd")},
    }
    node = f"NodeName={host} NodeAddr=127.0.0.1 CPUs={CPUS} RealMemory={memory} Gres=gpu:2 State=UNKNOWN"
    partition = f"PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP"
    for name in ("StateSaveLocation", "SlurmdSpoolDir"):
        Path(own[name]).mkdir(parents=True)
    lines = [f"{name}={value}" for name, value in {**SETTINGS, **own}.items()]
    (folder / "gres.conf").write_text("AutoDetect=off\nName=gpu File=/dev/null\nName=gpu File=/dev/zero\n")
    (folder / "slurm.conf").write_text("\n".join([*lines, node, partition, ""]))
    return folder / "slurm.conf"


@contextmanager
def slurm_cluster(folder: Path) -> Iterator[dict[str, str]]:
    """Give the environment in which SLURM's commands know a cluster, which ends with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, "SLURM_CONF": str(_configure(folder))}
    daemons: list[subprocess.Popen[bytes]] = []
    over = threading.Event()
    try:
        with (folder / "start.log").open("ab") as log:
            for words in (["slurmctld", "-D", "-c"], ["slurmd", "-D", "-c"]):
                daemons.append(subprocess.Popen(words, env=env, stdout=log, stderr=log))  # noqa: PERF401 - one by one
        wait_until(lambda: "idle" in _said(["sinfo", "-h"], env), f"the node of SLURM is idle; see {folder}")
        threading.Thread(target=_hurry, args=(env, over), daemon=True).start()
        yield env
    finally:
        over.set()
        _said(["scancel", "--me"], env)
        wait_until(lambda: not _said(["squeue", "-h"], env).strip(), "the jobs of SLURM have ended")
        for daemon in reversed(daemons):
            daemon.terminate()
            daemon.wait()


def _hurry(env: dict[str, str], over: threading.Event) -> None:
    """Let requeued jobs begin: SLURM would have them wait two minutes."""
    while not over.wait(1):
        for line in _said(["squeue", "-h", "-r", "-t", "PENDING", "-o", "%i %r"], env).splitlines():
            number, _, reason = line.partition(" ")
            if reason == "BeginTime":
                _said(["scontrol", "update", f"JobId={number}", "StartTime=now"], env)


def _said(words: list[str], env: dict[str, str]) -> str:
    return subprocess.run(words, env=env, capture_output=True, text=True, check=False).stdout


def jobs(env: dict[str, str]) -> dict[str, str]:
    """The states of the jobs that wait or run, by number."""
    lines = _said(["squeue", "-h", "-r", "-o", "%i %T"], env).splitlines()
    return dict(line.split() for line in lines)


def tell(env: dict[str, str], *words: str) -> None:
    """Run a command of SLURM."""
    subprocess.run(words, env=env, check=True, capture_output=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with slurm_cluster(Path(sys.argv[1]).resolve()) as environment:
        print(f"export SLURM_CONF={environment['SLURM_CONF']}", flush=True)
        signal.pause()
