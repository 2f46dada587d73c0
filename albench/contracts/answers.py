"""What a strategy must answer: one finite number for each that it was asked about, or different pool indices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from albench.errors import StrategyError

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor


def check_shape(scores: Any, n: int, device: torch.device, method: str, of_what: str) -> Tensor:
    """Return scores that are a real tensor of shape (n,) on the device, or raise StrategyError."""
    from torch import Tensor

    due = f"{method}(query) must return one number a {of_what}, a tensor of shape ({n},) on {device}"
    if not isinstance(scores, Tensor):
        raise StrategyError(f"{due}; it returned a {type(scores).__name__}")
    if tuple(scores.shape) != (n,):
        raise StrategyError(f"{due}; it returned the shape {tuple(scores.shape)}")
    if scores.device != device:
        raise StrategyError(f"{due}; its scores are on {scores.device}")
    if scores.is_complex():
        raise StrategyError(f"{due}; its scores are complex")
    return scores


def check_scores(scores: Any, n: int, device: torch.device, method: str, of_what: str) -> NDArray[np.float64]:
    """Return scores as a float64 array of n finite numbers, or raise StrategyError."""
    import numpy as np

    tensor = check_shape(scores, n, device, method, of_what)
    values: NDArray[np.float64] = tensor.detach().cpu().double().numpy()
    bad = int((~np.isfinite(values)).sum())
    if bad:
        raise StrategyError(
            f"{method}(query) must return one finite number a {of_what}; {bad} of them are NaN or infinite, the first "
            f"at index {int(np.argmin(np.isfinite(values)))}"
        )
    return values


def check_selection(chosen: Any, k: int, n_pool: int) -> NDArray[np.int64]:
    """Return a selection as an int64 array of min(k, n_pool) different pool indices, or raise StrategyError."""
    import torch

    due = min(k, n_pool)
    wanted = (
        f"select(query, {k}) of a pool of {n_pool} must return {due} different pool indices, an int64 tensor ({due},)"
    )
    if not isinstance(chosen, torch.Tensor):
        raise StrategyError(f"{wanted}; it returned a {type(chosen).__name__}")
    if chosen.dtype != torch.int64 or tuple(chosen.shape) != (due,):
        raise StrategyError(f"{wanted}; it returned {chosen.dtype} of shape {tuple(chosen.shape)}")
    indices: NDArray[np.int64] = chosen.detach().cpu().numpy()
    if due and (indices.min() < 0 or indices.max() >= n_pool):
        raise StrategyError(f"{wanted}; it returned indices from {indices.min()} to {indices.max()}")
    twice = due - len(set(indices.tolist()))
    if twice:
        raise StrategyError(f"{wanted}; {twice} of its indices repeat others")
    return indices
