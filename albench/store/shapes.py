"""The shapes of study.json, cell.json and outcome.json; a store may come from anywhere, so that they are checked."""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated, Any, NotRequired, TypeVar

from annotated_types import Ge, Le, Predicate
from typing_extensions import TypedDict

from albench.errors import DamageError

Shape = TypeVar("Shape", bound=type[Any])

Number = Annotated[int, Ge(0), Le(2**63 - 1)]  # what a frame's int64 holds
Key = Annotated[str, Predicate(re.compile("[0-9a-f]{64}").fullmatch)]
Columns = dict[str, Any]  # types by name; `check_columns` says which


def _first_error() -> Any:
    """Let the first wrong entry of a list end its check: a small archive may hold a list of millions."""
    import pydantic

    return pydantic.FailFast()


def _closed(shape: Shape) -> Shape:
    """Let a shape have the members that it names, and no others."""
    shape.__pydantic_config__ = {"extra": "forbid", "strict": True}
    return shape


def _open(shape: Shape) -> Shape:
    """Let a shape have members beyond those that it names."""
    shape.__pydantic_config__ = {"extra": "allow", "strict": True}
    return shape


@_closed
class ChoiceShape(TypedDict):
    """A component; see `albench.study.choice.Choice.stored`."""

    kind: str
    name: str
    parameters: dict[str, Any]
    changed: dict[str, Any]
    label: str
    version: int | str
    source: str


class _Parts(TypedDict):
    scenario: ChoiceShape
    protocol: ChoiceShape
    learner: ChoiceShape
    network: ChoiceShape


@_closed
class SettingShape(_Parts):
    """A setting, the rounds that are wanted of it, and the columns that its protocol adds."""

    rounds: Number | None
    columns: Columns


@_closed
class SpecShape(_Parts):
    """A cell; see `albench.study.spec.CellSpec.stored`."""

    strategy: ChoiceShape
    seed: Number
    fingerprint: str


@_closed
class CellName(TypedDict):
    """A cell as a study names it."""

    setting: str
    strategy: str
    seed: Number
    key: Key


@_closed
class StudyShape(TypedDict):
    """A study.json."""

    schema: int
    name: str
    preset: str
    settings: dict[str, Any]  # SettingShape
    strategies: dict[str, Any]  # ChoiceShape
    commands: Annotated[list[Annotated[list[str], _first_error()]], _first_error()]
    cells: Annotated[list[CellName], _first_error()]
    kept: Annotated[list[CellName], _first_error()]  # by other code of a component; nobody asks for them now


@_closed
class RequestShape(TypedDict):
    """What a cell remembers of the study that asked for it, so that a lost study.json can be put together."""

    name: str
    preset: str
    rounds: Number | None
    columns: Columns


@_open
class RecordShape(TypedDict):
    """A cell.json."""

    schema: int
    key: Key
    harness: int
    spec: SpecShape
    request: RequestShape
    status: str
    error: str | None
    exhausted: bool
    rounds: NotRequired[Number]  # that were recorded when it was last done
    initial_sha256: NotRequired[str]
    provenance: NotRequired[dict[str, Any]]
    earlier_sessions: NotRequired[Annotated[list[dict[str, Any]], _first_error()]]


@_closed
class OutcomeShape(TypedDict):
    """An outcome.json; see `albench.running.loop.Loop.outcome`."""

    round: Number
    classes: Annotated[list[str], _first_error()]
    n_known: Number
    confusion: Annotated[list[Annotated[list[Number], _first_error()]], _first_error()]


@_closed
class CheckpointShape(TypedDict):
    """The state beside a checkpoint's weights; see `albench.store.cell.Checkpoint`."""

    key: Key
    attempt: str
    rows: Annotated[list[dict[str, Any]], _first_error()]
    labeled: Annotated[list[Number], _first_error()]
    classes: Annotated[list[Number], _first_error()]
    memory: dict[str, Any]


def check_shape(shape: Any, value: Any) -> None:
    """Raise DamageError that says where a value has another shape."""
    import pydantic

    try:
        _adapter(shape).validate_python(value)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        spot = ".".join(str(part) for part in first["loc"])[:80]
        raise DamageError(f"{spot}: {first['msg'][0].lower()}{first['msg'][1:]}") from None


@cache
def _adapter(shape: Any) -> Any:
    import pydantic

    return pydantic.TypeAdapter(shape)
