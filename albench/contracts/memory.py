"""What a strategy may remember from round to round: finite tensors and plain values, 64 MB in all."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from albench.errors import StrategyError, shown

MOST_BYTES = 64_000_000
MOST_NAME = 200  # characters


class Memory(Mapping[str, Any]):
    """A strategy's memory as it reads it: names to tensors on the query's device, or plain values; it cannot be set.

    What is in it is part of the cell's checkpoint, so that a resumed run reads what an uninterrupted one would.
    """

    def __init__(self, kept: Mapping[str, Any], device: torch.device) -> None:
        self._kept = {
            name: value.to(device) if isinstance(value, Tensor) else _copied(value) for name, value in kept.items()
        }
        self._device = device
        self._sizes = {name: size_of(value) for name, value in self._kept.items()}
        self._total = sum(self._sizes.values())

    def __getitem__(self, name: str) -> Any:
        value = self._kept[name]
        return value if isinstance(value, Tensor) else _copied(value)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._kept))  # the order in which a resumed run knows them too

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, name: Any, value: Any) -> None:
        """Keep a value under a name, None forgets it; StrategyError for what cannot be kept. For `Query.remember`."""
        where = f"remember({shown(name)}, ...)"
        if not (isinstance(name, str) and 0 < len(name) <= MOST_NAME and name.isprintable()):
            raise StrategyError(f"{where}: a name is a printable text of at most {MOST_NAME} characters")
        if value is None:
            self._kept.pop(name, None)
            self._total -= self._sizes.pop(name, 0)
            return
        kept = _tensor(value, where).to(self._device) if isinstance(value, Tensor) else _plain(value, where)
        size = size_of(kept)
        total = self._total - self._sizes.get(name, 0) + size
        if total > MOST_BYTES:
            raise StrategyError(
                f"{where}: the memory would take {total / 1e6:.1f} MB, and {MOST_BYTES / 1e6:.0f} MB are the most; "
                "keep less, or forget a name with remember(name, None)"
            )
        self._kept[name], self._sizes[name], self._total = kept, size, total

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors in it, by name; it shares them."""
        return {name: value for name, value in self._kept.items() if isinstance(value, Tensor)}

    def stored(self) -> dict[str, Any]:
        """Return everything in it as a checkpoint keeps it, tensors on the CPU."""
        return {
            name: value.detach().cpu().contiguous() if isinstance(value, Tensor) else value
            for name, value in sorted(self._kept.items())
        }


def size_of(value: Any) -> int:
    """Return the bytes that a checkpoint takes for a kept value."""
    return value.numel() * value.element_size() if isinstance(value, Tensor) else len(json.dumps(value))


def _tensor(value: Tensor, where: str) -> Tensor:
    if value.layout != torch.strided or value.is_quantized or value.is_complex() or value.is_meta:
        raise StrategyError(f"{where}: a tensor that is kept is dense and real; keep its parts")
    if value.is_floating_point() and not bool(torch.isfinite(value.double()).all()):
        raise StrategyError(f"{where}: the tensor holds NaN or infinite numbers; keep finite ones")
    return value.detach().clone().contiguous()


def _plain(value: Any, where: str) -> Any:
    """Return a plain value as JSON gives it back; StrategyError for any other."""
    if not _is_plain(value, depth=0):
        raise StrategyError(
            f"{where}: a {type(value).__name__} is no tensor and no plain value; keep a tensor, a finite number, a "
            "text, or lists and mappings (with texts as names) of these"
        )
    return _copied(value)


def _is_plain(value: Any, depth: int) -> bool:
    if depth > 20:
        return False
    if type(value) is float:
        return math.isfinite(value)
    if type(value) is int:
        return abs(value) < 2**63
    if type(value) is list:
        return all(_is_plain(item, depth + 1) for item in value)
    if type(value) is dict:
        return all(type(key) is str and _is_plain(item, depth + 1) for key, item in value.items())
    return value is None or type(value) in (bool, str)


def _copied(value: Any) -> Any:
    return json.loads(json.dumps(value)) if isinstance(value, (list, dict)) else value
