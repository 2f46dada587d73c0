"""A network's weights and a state beside them, in one file that is whole or absent; no pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from albench.errors import StoreError
from albench.store.files import replacing

if TYPE_CHECKING:
    from torch import Tensor


def save_weights(path: Path, weights: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """Write weights as safetensors, the state as JSON in its metadata; WriteError when the disk does not take them."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    with replacing(path) as temporary:
        try:
            save_file(dict(weights), temporary, metadata={"state": json.dumps(state)})
        except SafetensorError as error:  # which does not say whether the system refused
            raise OSError(str(error)) from error


def load_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return what `save_weights` wrote; StoreError when the file is damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
            return weights, json.loads(file.metadata()["state"])
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise StoreError(f"{path} is damaged ({error}); delete it, and what it held is computed again") from None


def fingerprint_of(weights: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of weights, by name: equal networks have equal ones."""
    digest = hashlib.sha256()
    for name in sorted(weights):
        value = weights[name].contiguous()
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}\n".encode())
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()
