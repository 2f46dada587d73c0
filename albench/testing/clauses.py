"""What a clause of a contract is, and what examining a component by it gives."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from albench.contracts.component import Component
from albench.errors import AlbenchError, RequestError, reason, shown
from albench.plugins import parameters

Outcome = Literal["holds", "broken", "expected", "skipped"]
Check = Callable[[Any, "Budget"], None]


_PLAIN = "use fields of type int, float, bool, str or Literal, and let __post_init__ change none"


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
    """A promise that a component of a kind keeps, and the function that raises ContractError where it does not.

    What breaks one of `after` breaks this one too, with a sentence that misleads; then only the former is broken.
    """

    name: str
    promise: str
    check: Callable[..., None]  # (component, budget)
    after: tuple[Clause, ...] = ()

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


def entering(clauses: list[Clause]) -> Callable[..., Callable[[Check], Check]]:
    """Return a decorator that takes a promise and enters a function as the clause of its name.

    The function gets the component and the budget, and raises ContractError where the promise is not kept. `after`
    names clauses entered before whose breach would show in this one.
    """

    def promising(promise: str, after: Sequence[str] = ()) -> Callable[[Check], Check]:
        entered = {clause.name: clause for clause in clauses}
        causes = tuple(entered[name] for name in after)

        def enter(check: Check) -> Check:
            clauses.append(Clause(check.__name__.strip("_").replace("_", "-"), promise, check, causes))
            return check

        return enter

    return promising


def check_round_trip(component: Component) -> None:
    """Raise ContractError when a component's parameters do not survive being written as text and as JSON."""
    given = parameters.values(component)
    forms: dict[str, Callable[[], tuple[str, Mapping[str, Any]]]] = {
        "text": lambda: parameters.parse(parameters.write("mine", given)),
        "JSON": lambda: ("mine", json.loads(json.dumps(given))),
    }
    for form, written in forms.items():
        try:
            name, values = written()
            rebuilt = parameters.build(type(component), values, name)
        except RequestError as error:
            raise ContractError(
                f"its parameters cannot be read back from {form} ({reason(error)}); {_PLAIN}"
            ) from error
        if rebuilt != component:
            raise ContractError(f"it comes back from {form} as {shown(rebuilt)}; {_PLAIN}")


def examine(clause: Clause, component: Component, budget: Budget | None = None) -> Finding:
    """Hold a component to a clause; whatever it raises is part of the finding.

    A failure that the component's class declares in `expected_failures` is expected; one that is declared and does
    not happen is broken too, so that declarations do not outlive their reason. One whose cause is that a clause of
    `after` is broken is skipped, and names that clause.
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
        causes = [cause.name for cause in clause.after if _is_broken(cause, component)]
        if causes:
            return Finding(clause.name, "skipped", f"not judged, because {causes[0]} is broken; mend that first")
        return Finding(clause.name, "broken", _sentence(error))
    if declared is not None:
        return Finding(
            clause.name, "broken", f"it holds, and expected_failures declares {clause.name!r}; take it out of there"
        )
    return Finding(clause.name, "holds", clause.promise)


def _is_broken(clause: Clause, component: Component) -> bool:
    """Whether the judgement of a clause is that it is broken, declared or not; what a component raises is none."""
    try:
        with _one_thread():
            clause.check(component, Budget())
    except ContractError:
        return True
    except Exception:  # noqa: BLE001 - as in examine
        return False
    return False


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
