"""What every plugin offers: a component, whose fields are its parameters."""

from __future__ import annotations

import dataclasses
from abc import ABC
from collections.abc import Mapping
from typing import Annotated, ClassVar


class Located:
    """Marks the type of a parameter that names a file or a folder."""

    def __str__(self) -> str:
        return "a file or folder"


InputPath = Annotated[str, Located()]  # what is there counts: no path enters a label or a key


@dataclasses.dataclass(frozen=True)
class Component(ABC):  # noqa: B024 - its kinds say what is abstract
    """What a plugin offers: a frozen dataclass whose fields are its parameters.

    What it computes goes into the key of every cell. By default that is its code: the module of its class and what
    this imports of its own distribution. A class that sets `results_version` in its own body says so itself: edits
    change nothing until that number or text does, so that results are kept from release to release.
    `expected_failures` names clauses of the contract that its author knows to fail, each with the reason.
    """

    results_version: ClassVar[int | str | None] = None
    expected_failures: ClassVar[Mapping[str, str]] = {}
