"""Whether a device multiplies bf16 numbers in hardware: without it they are ten times slower than fp32."""

from __future__ import annotations

from albench.processor import processor


def has_bf16(device: str) -> bool:
    """Return whether a device has instructions for bf16."""
    if device.startswith("cuda"):
        import torch

        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return processor().has_bf16
