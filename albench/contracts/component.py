"""What every plugin offers: a component, whose fields are its parameters."""

from __future__ import annotations

import dataclasses
from abc import ABC
from collections.abc import Mapping
from typing import ClassVar


@dataclasses.dataclass(frozen=True)
class Component(ABC):  # noqa: B024 - its kinds say what is abstract
    """What a plugin offers: a frozen dataclass whose fields are its parameters.

    `results_version` goes into the key of every cell: raise it when the component computes something else
    than before, and leave it alone otherwise, so that a new release does not throw results away.
    `expected_failures` names clauses of the contract that its author knows to fail, each with the reason.
    """

    results_version: ClassVar[int] = 1
    expected_failures: ClassVar[Mapping[str, str]] = {}
