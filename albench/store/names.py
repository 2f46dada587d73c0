"""What settings are called where they stand side by side: no more than tells them apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from albench.study.spec import PARTS

LONGEST = 40  # characters of a scenario's label that is shown whole


def short_names(settings: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return a short name for each setting's label: the scenario, and the other parts in which settings differ.

    `settings` maps labels to parts, each with `name` and `label`. A part that differs is shown without its parameters
    where its name alone tells; a scenario only where its label is long, since its parameters say what is learned.
    """
    parts = [part for part in PARTS if part == "scenario" or len({one[part]["label"] for one in settings.values()}) > 1]
    shown = {part: _shown(part, settings) for part in parts}
    short = {label: " / ".join(one[part][shown[part]] for part in parts) for label, one in settings.items()}
    return short if len(set(short.values())) == len(short) else {label: label for label in settings}


def named(label: str) -> dict[str, str]:
    """Return a component's label with the name that it begins with, as `short_names` wants them."""
    return {"name": label.partition("[")[0], "label": label}


def _shown(part: str, settings: Mapping[str, Mapping[str, Any]]) -> str:
    labels = {one[part]["label"] for one in settings.values()}
    names = {one[part]["name"] for one in settings.values()}
    is_short = part == "scenario" and max(map(len, labels)) <= LONGEST
    return "label" if is_short or len(names) < len(labels) else "name"
