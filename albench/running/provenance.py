"""Where a result comes from: versions, hardware, flags, command."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from albench.processor import processor

LIBRARIES = ("albench", "torch", "torchvision", "numpy", "scipy", "pandas", "scikit-learn", "safetensors")


def now() -> str:
    """Return the time in UTC, ISO 8601, whole seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def versions(distributions: Iterable[str] = ()) -> dict[str, str]:
    """Return the installed versions of the libraries that results rest on, and of further distributions."""
    found = {}
    for name in sorted({*LIBRARIES, *distributions}):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


@cache
def git_state(folder: Path) -> dict[str, Any] | None:
    """Return the commit and dirty flag of the checkout that albench itself runs from, or None."""
    git = shutil.which("git")
    if git is None or not (folder.parent / ".git").exists():
        return None

    def ask(*words: str) -> str:
        done = subprocess.run([git, "-C", str(folder), *words], capture_output=True, text=True, check=True)  # noqa: S603
        return done.stdout.strip()

    try:
        return {"commit": ask("rev-parse", "HEAD"), "dirty": bool(ask("status", "--porcelain"))}
    except subprocess.CalledProcessError:
        return None


def provenance(
    device: str, threads: int, product: str, command: list[str], distributions: Iterable[str]
) -> dict[str, Any]:
    """Return what a cell's result rests on besides its specification."""
    import torch

    on_gpu = device.startswith("cuda")
    return {
        "start": now(),
        "host": socket.gethostname(),
        "command": command,
        "python": platform.python_version(),
        "system": platform.platform(),
        "versions": versions(distributions),
        "git": git_state(Path(__file__).resolve().parent.parent),
        "device": device,
        "cpu": processor().name,
        "cpu_generation": processor().generation,
        "threads": threads,
        "product": product,
        "gpu": torch.cuda.get_device_name(device) if on_gpu else None,
        "driver": _driver() if on_gpu else None,
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "tf32": {
            "matmul": torch.backends.cuda.matmul.allow_tf32,
            "convolution": torch.backends.cudnn.allow_tf32,
        },
        "cublas_workspace": os.environ.get("CUBLAS_WORKSPACE_CONFIG"),
    }


@cache
def _driver() -> str | None:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    words = [tool, "--query-gpu=driver_version", "--format=csv,noheader"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip().splitlines()[0] if done.stdout.strip() else None


def command_line() -> list[str]:
    """Return the command that started this process, its first word as a user would type it."""
    return [Path(sys.argv[0]).name or "python", *sys.argv[1:]]
