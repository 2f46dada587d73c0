"""A network's weights and a state beside them, in one file that is whole or absent; no pickle.

The file is safetensors. Its metadata hold the state as JSON, and the CRC-32 of the state and of every tensor.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from albench.errors import DamageError
from albench.store.files import Check, unchecked, write_bytes

if TYPE_CHECKING:
    from torch import Tensor


def save_weights(path: Path, weights: Mapping[str, Tensor], state: Mapping[str, Any], check: Check = unchecked) -> None:
    """Write weights and a state; WriteError when the disk does not take them, and what `check` raises."""
    write_bytes(path, packed(weights, state), check)


def packed(weights: Mapping[str, Tensor], state: Mapping[str, Any]) -> bytes:
    """Return the content of a file of weights and a state.

    Writing it is left to others, since a path may be one that is no UTF-8, which safetensors itself does not take.
    """
    from safetensors.torch import save

    text = json.dumps(state)
    tensors = dict(weights)
    return bytes(save(tensors, metadata={"state": text, "check": _checksum(tensors, text)}))


def load_weights(data: bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return what `save_weights` wrote; DamageError when a byte of it has changed."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        end = 8 + int.from_bytes(data[:8], "little")  # the header's length comes first
        metadata = json.loads(data[8:end])["__metadata__"]
        weights: dict[str, Tensor] = load(data)
        if _checksum(weights, metadata["state"]) != metadata["check"]:
            raise DamageError("its checksum does not hold")
        return weights, dict(json.loads(metadata["state"]))
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError, RuntimeError, RecursionError) as error:
        raise DamageError(f"it is no whole file of weights ({type(error).__name__})") from None


def fingerprint_of(weights: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of weights, by name: equal networks have equal ones."""
    digest = hashlib.sha256()
    for part in _parts(weights):
        digest.update(part)
    return digest.hexdigest()


def _checksum(weights: Mapping[str, Tensor], state: str) -> str:
    value = zlib.crc32(state.encode())
    for part in _parts(weights):
        value = zlib.crc32(part, value)
    return f"{value:08x}"


def _parts(weights: Mapping[str, Tensor]) -> Iterator[Any]:
    """Yield all that makes up weights, as bytes: for each by name what it is, and its content."""
    import torch

    for name in sorted(weights):
        value = weights[name].contiguous()
        yield f"{name} {tuple(value.shape)} {value.dtype}\n".encode()
        yield value.reshape(-1).view(torch.uint8).numpy()
