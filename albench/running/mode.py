"""How torch computes in this process: set for a cell, and put back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch

from albench.products.matmul import current, use
from albench.running.memory import keep_freed

Setting = tuple[Callable[[], Any], Callable[[Any], Any]]


def _precision() -> tuple[str | None, ...]:
    """Return how exactly float32 is multiplied: under torch's older name, and by each backend.

    The older name cannot be read where a backend was set by itself.
    """
    try:
        older = torch.get_float32_matmul_precision()
    except RuntimeError:
        older = None
    return (older, *(backend.fp32_precision for backend in _BACKENDS))


def _set_precision(value: tuple[str | None, ...]) -> None:
    older, *own = value
    if older is not None:
        torch.set_float32_matmul_precision(older)  # before the backends, to which it writes
    for backend, precision in zip(_BACKENDS, own, strict=True):
        backend.fp32_precision = precision


def _flushes_denormal() -> bool:
    """Return whether numbers near zero count as zero, which torch does not tell."""
    return bool((torch.full((1,), 1e-310, dtype=torch.float64) * 0.5 == 0).item())


_cudnn, _onednn = cast("Any", torch.backends.cudnn), cast("Any", torch.backends.mkldnn)
_BACKENDS: tuple[Any, ...] = (
    torch.backends,  # which the others inherit from
    torch.backends.cuda.matmul,
    *(_cudnn.conv, _cudnn.rnn),
    *(_onednn.matmul, _onednn.conv, _onednn.rnn),
)
_SETTINGS: dict[str, Setting] = {
    "gradient mode": (torch.is_grad_enabled, torch.set_grad_enabled),
    "default dtype": (torch.get_default_dtype, torch.set_default_dtype),
    "matrix product": (current, use),
    "number of threads": (torch.get_num_threads, torch.set_num_threads),
    "float32 precision": (_precision, _set_precision),
    "deterministic mode": (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    "cuDNN benchmark mode": (
        lambda: torch.backends.cudnn.benchmark,
        lambda value: setattr(torch.backends.cudnn, "benchmark", value),
    ),
    "search for anomalies": (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    "treatment of tiny numbers": (_flushes_denormal, torch.set_flush_denormal),
}
_prepared: dict[str, Any] = {}


def prepare_torch(device: str, threads: int, product: str) -> None:
    """Set what a result's bits depend on, whatever this process did before; on a GPU deterministic algorithms too.

    And let the process keep the memory that trainings free, on which no bit depends.
    """
    keep_freed()
    torch.set_num_threads(threads)
    use(product)
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)
    torch.set_float32_matmul_precision("highest")  # fp32 means fp32
    _onednn.conv.fp32_precision = "ieee"
    if device.startswith("cuda"):
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.allow_tf32 = False
        torch.use_deterministic_algorithms(True)
    _prepared.update((name, read()) for name, (read, _) in _SETTINGS.items())


def changed_since_prepared() -> list[str]:
    """Return the settings that differ from what `prepare_torch` left; none where it was never called."""
    return [name for name, value in _prepared.items() if _SETTINGS[name][0]() != value]


@contextmanager
def settings_kept() -> Iterator[list[str]]:
    """Put torch's settings back after the block; the list then names those that it had changed."""
    before = {name: read() for name, (read, _) in _SETTINGS.items()}
    changed: list[str] = []
    try:
        yield changed
    finally:
        changed += [name for name, (read, _) in _SETTINGS.items() if read() != before[name]]
        for name in changed:
            _SETTINGS[name][1](before[name])
