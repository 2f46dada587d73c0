"""The machine: device, driver, versions."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

import torch

from albench.processor import processor
from albench.running.provenance import versions
from benchmarks.on_gpu.section import Session


def measure(session: Session) -> None:
    """Leave one row that describes the machine; without a GPU `capability` is null."""
    session.row(
        **(_gpu() if torch.cuda.is_available() else {"name": processor().name, "capability": None}),
        processor=processor().name,
        cores=len(os.sched_getaffinity(0)),
        python=platform.python_version(),
        cuda=torch.version.cuda,
        cudnn=torch.backends.cudnn.version(),
        versions={**versions(), "triton": _triton()},
    )


def _gpu() -> dict[str, object]:
    from albench.running.provenance import _driver

    found = torch.cuda.get_device_properties(0)
    return {
        "name": found.name,
        "capability": [found.major, found.minor],
        "memory_bytes": found.total_memory,
        "multiprocessors": found.multi_processor_count,
        "driver": _driver(),
    }


def _triton() -> str:
    try:
        return version("triton")
    except PackageNotFoundError:
        return "not installed"
