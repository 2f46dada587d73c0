"""Time and peak memory of a block, with the device synchronised."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import torch


@dataclass
class Measurement:
    """A context manager: seconds and the memory that the block needed at its peak beyond what was in use.

    `peak_memory_bytes` is the device's on CUDA, the process's resident set on Linux, and None where neither can be
    measured.
    """

    device: torch.device
    seconds: float = 0.0
    peak_memory_bytes: int | None = None
    _start: float = 0.0
    _before: int | None = None

    def __enter__(self) -> Measurement:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
            torch.cuda.reset_peak_memory_stats(self.device)
            self._before = torch.cuda.memory_allocated(self.device)
        else:
            self._before = _reset_peak_resident()
        self._start = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        self.seconds = time.perf_counter() - self._start
        peak = torch.cuda.max_memory_allocated(self.device) if self.device.type == "cuda" else _resident("VmHWM")
        if peak is not None and self._before is not None:
            self.peak_memory_bytes = max(0, peak - self._before)


def _reset_peak_resident() -> int | None:
    """Start a new peak of this process's resident memory; return what it is now."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # 5: reset the high-water mark (proc(5))
    except OSError:
        return None
    return _resident("VmRSS")


def _resident(field: str) -> int | None:
    try:
        match = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    except OSError:
        return None
    return int(match[1]) * 1024 if match else None
