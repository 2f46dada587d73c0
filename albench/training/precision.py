"""Whether a device multiplies bf16 numbers in hardware: without it they are ten times slower than fp32."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_FLAGS = {"avx512_bf16", "amx_bf16", "bf16", "svebf16"}  # of /proc/cpuinfo, x86 and Arm


@cache
def has_bf16(device: str) -> bool:
    """Return whether a device has instructions for bf16."""
    if device.startswith("cuda"):
        import torch

        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    flags = next((line for line in lines if line.lower().startswith(("flags", "features"))), "")
    return bool(_FLAGS & set(flags.partition(":")[2].split()))
