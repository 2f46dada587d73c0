"""What a clause of a contract is, and what examining a component by it gives."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from albench.contracts.component import Component
from albench.errors import AlbenchError, reason
from albench.plugins import parameters

Outcome = Literal["holds", "broken", "expected", "skipped"]
Check = Callable[[Any, "Budget"], None]


class ContractError(AlbenchError):
    """A component breaks a clause; the sentence tells its author what to do."""


class NotApplicableError(AlbenchError):
    """A clause says nothing about this component, and why."""


@dataclass(frozen=True)
class Budget:
    """What asking once about 400 examples and 50 sets may cost: processor time and memory."""

    cpu_seconds: float = 60.0
    memory_bytes: int = 2_000_000_000


@dataclass(frozen=True)
class Clause:
    """A promise that a component of a kind keeps, and the function that raises ContractError where it does not."""

    name: str
    promise: str
    check: Callable[..., None]  # (component, budget)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Finding:
    """What came of holding a component to a clause."""

    clause: str
    outcome: Outcome
    message: str

    @property
    def is_sound(self) -> bool:
        """Whether the component may pass."""
        return self.outcome != "broken"


def entering(clauses: list[Clause]) -> Callable[[str], Callable[[Check], Check]]:
    """Return a decorator that takes a promise and enters a function as the clause of its name.

    The function gets the component and the budget, and raises ContractError where the promise is not kept.
    """

    def promising(promise: str) -> Callable[[Check], Check]:
        def enter(check: Check) -> Check:
            clauses.append(Clause(check.__name__.strip("_").replace("_", "-"), promise, check))
            return check

        return enter

    return promising


def check_round_trip(component: Component) -> None:
    """Raise ContractError when a component's parameters do not survive being written as text and as JSON."""
    given = parameters.values(component)
    name, texts = parameters.parse(parameters.write("mine", given))
    as_text = parameters.build(type(component), texts, name)
    as_json = parameters.build(type(component), json.loads(json.dumps(given)), name)
    for rebuilt, form in ((as_text, "text"), (as_json, "JSON")):
        if rebuilt != component:
            raise ContractError(
                f"it comes back from {form} as {rebuilt}; use fields of type int, float, bool, str or Literal, "
                "and let __post_init__ change none"
            )


def examine(clause: Clause, component: Component, budget: Budget | None = None) -> Finding:
    """Hold a component to a clause; whatever it raises is part of the finding.

    A failure that the component's class declares in `expected_failures` is expected; one that is declared and does
    not happen is broken too, so that declarations do not outlive their reason.
    """
    declared = component.expected_failures.get(clause.name)
    try:
        with _one_thread():
            clause.check(component, budget or Budget())
    except NotApplicableError as error:
        return Finding(clause.name, "skipped", reason(error))
    except Exception as error:  # noqa: BLE001 - a component under examination may raise whatever it likes
        if declared is not None:
            return Finding(clause.name, "expected", f"declared: {declared}")
        return Finding(clause.name, "broken", _sentence(error))
    if declared is not None:
        return Finding(
            clause.name, "broken", f"it holds, and expected_failures declares {clause.name!r}; take it out of there"
        )
    return Finding(clause.name, "holds", clause.promise)


def undeclared(component: Component, clauses: Sequence[Clause]) -> list[Finding]:
    """Return a broken finding for each declared failure of a clause that does not exist."""
    known = [clause.name for clause in clauses]
    return [
        Finding(name, "broken", f"expected_failures names no clause of the contract; they are: {', '.join(known)}")
        for name in component.expected_failures
        if name not in known
    ]


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute as a cell does; more threads only get in each other's way on small tensors."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _sentence(error: Exception) -> str:
    if isinstance(error, AlbenchError):
        return reason(error)
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1]
    return f"it raised {reason(error)} at {Path(last.filename).name}:{last.lineno}; mend it, or say there what is wrong"
