"""Which classes were asked for, round by round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from albench import Content, Figure, Part, ReportSection, Results
from albench_reports.draw import FEW_TICKS, SEQUENTIAL, SEQUENTIAL_NOVEL, by_strategy
from albench_reports.sections.shared.known_classes import NOVEL, map_layout, marked, outcomes_of, shown_seeds
from albench_reports.wording import count

GREYS = [[0, "#f2f2f2"], [1, "#4d4d4d"]]  # of classes that the oracle cannot name


@dataclass(frozen=True)
class AskedClasses(ReportSection):
    """The classes that each strategy asked for over the rounds, where a query is of a single class."""

    title: ClassVar[str] = "Which classes were asked for"
    order: ClassVar[int] = 410
    columns: ClassVar[Sequence[str]] = ("query_class", "query_is_novel")

    def compute(self, results: Results) -> Mapping[str, pd.DataFrame]:
        """Return the queries."""
        return {"queries": results.rounds[results.rounds["round"] > 0]}

    def draw(self, frames: Mapping[str, pd.DataFrame], results: Results) -> Content:
        """Return a map for each strategy of each seed that is shown."""
        queries = frames["queries"]
        if queries.empty:
            return Content("No finished cell has queried anything.")
        parts = [
            part
            for setting in results.settings
            for seed in shown_seeds(results, setting)
            for part in _maps(queries, results, setting, seed)
        ]
        n_classes = queries["query_class"].nunique()
        classes = count(n_classes, "class", "classes")
        return Content(f"The queries were of {classes}; a map shows which, in their order.", parts)


def _maps(queries: pd.DataFrame, results: Results, setting: str, seed: int) -> list[Part]:
    when = {"setting": setting, "seed": str(seed)}
    here = queries[(queries["setting"] == setting) & (queries["seed"] == seed)]
    names, n_known, n_named = _classes(here, outcomes_of(results, setting, seed))
    own = by_strategy(here, results.strategies)
    most = _most(queries[queries["setting"] == setting])
    return [_queried(frame, strategy, names, (n_known, n_named), most, when) for strategy, frame in own.items()]


def _most(queries: pd.DataFrame) -> int:
    """Return the largest number of images that a cell of a setting asked for of one class: the deepest colour."""
    asked = queries.assign(n_images=queries["query_indices"].map(len))
    return int(asked.groupby(["strategy", "seed", "query_class"])["n_images"].sum().max())


def _classes(rounds: pd.DataFrame, outcomes: Sequence[Mapping[str, Any]]) -> tuple[list[str], int, int]:
    """Return the names of a seed's classes, the number of known ones, which come first, and of those that have a name.

    The last are classes that were asked for and that the oracle could not name.
    """
    asked = rounds.dropna(subset="query_class").drop_duplicates("query_class").sort_values("query_class")
    if outcomes:
        named, n_known = list(outcomes[0]["classes"]), int(outcomes[0]["n_known"])
        return [*named, *(name for name in asked["query_class"] if name not in named)], n_known, len(named)
    is_novel = asked["query_is_novel"].astype(bool)
    known, novel = list(asked[~is_novel]["query_class"]), list(asked[is_novel]["query_class"])
    return [*known, *novel], len(known), len(known) + len(novel)


def _queried(
    queries: pd.DataFrame,
    strategy: str,
    names: Sequence[str],
    ends: tuple[int, int],
    most: int,
    when: Mapping[str, str],
) -> Figure:
    """Return how many images of each class have been asked for after each round; see `_classes` for the ends."""
    ordered = queries.sort_values("round")
    counts = np.zeros((len(names), len(ordered)), dtype=int)
    place = {name: row for row, name in enumerate(names)}
    for column, (name, rows) in enumerate(zip(ordered["query_class"], ordered["query_indices"], strict=True)):
        counts[place[name], column] = len(rows)
    total = counts.cumsum(axis=1)
    n_known, n_named = ends
    labels = [*marked(names[:n_named], n_known), *(f"{name} (rejected)" for name in names[n_named:])]
    rounds = ordered["round"].tolist()
    common = {
        "type": "heatmap",
        "legendgroup": strategy,
        "name": strategy,
        "x": rounds,
        "zmin": 0,
        "zmax": most,
        "showscale": False,
        "hoverongaps": False,
        "hovertemplate": "round %{x}, %{y}: %{z} images so far<extra></extra>",
    }
    nothing = [None] * len(rounds)  # Plotly wants every category in every trace of an axis
    shades = [(range(n_known), SEQUENTIAL), (range(n_known, n_named), SEQUENTIAL_NOVEL)]
    if names[n_named:]:
        shades.append((range(n_named, len(names)), GREYS))
    traces = [
        {
            **common,
            "y": labels,
            "z": [row if place in places else nothing for place, row in enumerate(total.tolist())],
            "colorscale": scale,
        }
        for places, scale in shades
    ]
    layout = map_layout(len(names), "Round")
    if rounds[-1] - rounds[0] <= FEW_TICKS:
        layout["xaxis"]["dtick"] = 1
    never = [label for label, row in zip(labels, total, strict=True) if not row[-1]]
    return Figure(
        {"data": traces, "layout": layout},
        f"Classes that {strategy} asked for, {when['setting']}, seed {when['seed']}",
        summary=f"{strategy}, seed {when['seed']}: {len(names) - len(never)} of {len(names)} classes were asked for; "
        f"most often {labels[int(total[:, -1].argmax())]}. Never: {', '.join(never) or 'none'}.",
        method="Colour is the number of images of a class asked for so far; it deepens where the class is asked for "
        f"again, up to {count(most, 'image')} on every map of this setting. Classes marked {NOVEL.strip()} and "
        "coloured orange were not in the initial set.",
        when=when,
    )
