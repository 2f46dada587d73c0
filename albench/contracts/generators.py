"""Watching the global random generators, which nothing that takes part may touch."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from albench.errors import AlbenchError, SettingError

_MEND = (
    "draw from `draws`, and do what only draws from torch's own generator inside torch.random.fork_rng(), "
    "after torch.manual_seed(int(draws.integers(2**63)))"
)


@contextmanager
def unchanged_generators(what: str, mend: str, error: type[AlbenchError]) -> Iterator[None]:
    """Raise an error that says what drew and how to mend it when the block moved a global generator."""
    before = _states()
    yield
    for name, state in _states().items():
        if state != before[name]:
            raise error(f"{what} drew from the global generator of {name}; {mend}")


def held_to_draws(what: str) -> Any:
    """Return a block in which a network may draw from what it is given alone; SettingError."""
    return unchanged_generators(f"{what}, its network", f"{_MEND}: else pairs of one seed differ", SettingError)


def held_to_streams(what: str) -> Any:
    """Return a block in which a learner or a protocol may draw from named streams alone; SettingError."""
    mend = "draw from albench.stream(seed, purpose, ...) or from what it is given: else pairs of one seed differ"
    return unchanged_generators(f"{what}, it", mend, SettingError)


def _states() -> dict[str, Any]:
    state = np.random.get_state(legacy=False)  # noqa: NPY002 - the global generator is what is watched
    assert isinstance(state, dict)
    return {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "torch.cuda": [state.numpy().tobytes() for state in _cuda_states()],
        "numpy": (state["state"]["key"].tobytes(), state["state"]["pos"]),
        "random": random.getstate(),
    }


def _cuda_states() -> list[torch.Tensor]:
    return torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
