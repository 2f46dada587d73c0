"""Whether a component draws from a global random generator, or depends on the state of one that it puts back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from albench.contracts.generators import global_states, seeded_generators
from albench.errors import reason
from albench.testing.clauses import ContractError, NotApplicableError


@contextmanager
def only_draws() -> Iterator[None]:
    """Raise ContractError with what the block raises where it moved a global generator; other clauses tell the rest."""
    before = global_states()
    try:
        yield
    except Exception as error:
        kind = NotApplicableError if global_states() == before else ContractError
        raise kind(reason(error)) from error


def check_global_state(ask: Callable[[], Tensor]) -> None:
    """Raise ContractError when an answer changes with the state of the global generators, and with nothing else.

    That is what drawing inside ``torch.random.fork_rng()`` without seeding comes to: the state is put back, and what
    ran before decides what was drawn.
    """
    answers = []
    for seed in (1, 1, 2):
        with seeded_generators(seed):
            answers.append(ask())
    first, again, other = answers
    if torch.equal(first, again) and not torch.equal(first, other):
        raise ContractError(
            "its answer depends on the state of a global generator, though it puts that back; inside "
            "torch.random.fork_rng(), seed from query.generator first: "
            "torch.manual_seed(int(torch.randint(2**62, (), generator=query.generator)))"
        )
