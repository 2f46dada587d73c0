"""Watching the global random generators, which nothing that takes part may touch; seeding them for other libraries."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from albench.errors import AlbenchError, SettingError

_MEND = (
    "draw from `draws`, and do what draws by itself, as new layers do, inside torch.random.fork_rng(), "
    "after torch.manual_seed(int(draws.integers(2**63)))"
)


@contextmanager
def unchanged_generators(what: str, mend: str, error: type[AlbenchError]) -> Iterator[None]:
    """Raise an error that says what drew and how to mend it when the block moved a global generator."""
    before = global_states()
    yield
    for name, state in global_states().items():
        if state != before[name]:
            raise error(f"{what} drew from the global generator of {name}; {mend}")


def held_to_draws(what: str) -> Any:
    """Return a block in which a network may draw from what it is given alone; SettingError."""
    return unchanged_generators(f"{what}, its network", f"{_MEND}: else pairs of one seed differ", SettingError)


def held_still(what: str) -> Any:
    """Return a block in which a network may draw from nothing; SettingError."""
    mend = (
        "let no layer draw in eval mode: use torch.nn.Dropout as a layer of the module, or "
        "F.dropout(x, training=self.training)"
    )
    return unchanged_generators(f"{what}, its network", mend, SettingError)


def held_to_streams(what: str) -> Any:
    """Return a block in which a learner or a protocol may draw from named streams alone; SettingError."""
    mend = "draw from albench.stream(seed, purpose, ...) or from what it is given: else pairs of one seed differ"
    return unchanged_generators(f"{what}, it", mend, SettingError)


@contextmanager
def seeded_generators(seed: int) -> Iterator[None]:
    """Seed the global generators of Python, numpy and torch's CPU for a block, and put them back.

    For a strategy that calls a library which draws from them: take the seed from `query.generator`. 0 <= seed < 2**32.
    """
    kept = (torch.get_rng_state(), np.random.get_state(), random.getstate())  # noqa: NPY002 - the global one is meant
    torch.default_generator.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    random.seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(kept[0])
        np.random.set_state(kept[1])  # noqa: NPY002
        random.setstate(kept[2])


def global_states() -> dict[str, Any]:
    """Return the states of the global generators by name, to be compared."""
    state = np.random.get_state(legacy=False)  # noqa: NPY002 - the global generator is what is watched
    assert isinstance(state, dict)
    return {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "torch.cuda": [state.numpy().tobytes() for state in _cudaglobal_states()],
        "numpy": (state["state"]["key"].tobytes(), state["state"]["pos"]),
        "random": random.getstate(),
    }


def _cudaglobal_states() -> list[torch.Tensor]:
    return torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []  # type: ignore[no-untyped-call]
