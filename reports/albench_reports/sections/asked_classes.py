"""Which classes were asked for, how well each is known at the end, and what it is taken for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from albench.contracts.report import Figure, Part, Results
from albench_reports.draw import SEQUENTIAL, SEQUENTIAL_NOVEL

NOVEL = "★ "  # before the name of a novel class


def class_maps(results: Results, scenario: str, seed: int) -> list[Part]:
    """Return a seed's figures: classes queried over rounds, accuracy of each class at the end, and confusions."""
    when = {"scenario": scenario, "seed": str(seed)}
    here = results.rounds[(results.rounds["scenario"] == scenario) & (results.rounds["seed"] == seed)]
    outcomes = {one["strategy"]: one for one in results.outcomes if one["scenario"] == scenario and one["seed"] == seed}
    names, n_known = _classes(here, list(outcomes.values()))
    queried: list[Part] = [
        _queried(own, strategy, names, n_known, when)
        for strategy in results.strategies
        if len(own := here[(here["strategy"] == strategy) & (here["round"] > 0)])
    ]
    ordered = [outcomes[strategy] for strategy in results.strategies if strategy in outcomes]
    if not ordered:
        return queried
    return [*queried, _accuracies(ordered, when), *(_confusion(outcome, when) for outcome in ordered)]


def _classes(rounds: pd.DataFrame, outcomes: Sequence[Mapping[str, Any]]) -> tuple[list[str], int]:
    """Return the names of a seed's classes, known ones first, and the number of these."""
    if outcomes:
        return list(outcomes[0]["classes"]), int(outcomes[0]["n_known"])
    asked = rounds.dropna(subset="query_class").drop_duplicates("query_class").sort_values("query_class")
    is_novel = asked["query_is_novel"].astype(bool)
    known, novel = list(asked[~is_novel]["query_class"]), list(asked[is_novel]["query_class"])
    return [*known, *novel], len(known)


def _marked(names: Sequence[str], n_known: int) -> list[str]:
    return [*names[:n_known], *(f"{NOVEL}{name}" for name in names[n_known:])]


def _queried(
    queries: pd.DataFrame, strategy: str, names: Sequence[str], n_known: int, when: Mapping[str, str]
) -> Figure:
    """Return how many images of each class have been asked for after each round."""
    ordered = queries.sort_values("round")
    counts = np.zeros((len(names), len(ordered)), dtype=int)
    place = {name: row for row, name in enumerate(names)}
    for column, (name, rows) in enumerate(zip(ordered["query_class"], ordered["query_indices"], strict=True)):
        counts[place[name], column] = len(rows)
    total = counts.cumsum(axis=1)
    labels = _marked(names, n_known)
    rounds = ordered["round"].tolist()
    common = {
        "type": "heatmap",
        "legendgroup": strategy,
        "name": strategy,
        "x": rounds,
        "zmin": 0,
        "zmax": int(total.max()),
        "showscale": False,
        "hovertemplate": "round %{x}, %{y}: %{z} images so far<extra></extra>",
    }
    nothing = [None] * len(rounds)  # Plotly wants every category in every trace of an axis
    known = [row if place < n_known else nothing for place, row in enumerate(total.tolist())]
    novel = [row if place >= n_known else nothing for place, row in enumerate(total.tolist())]
    traces = [
        {**common, "y": labels, "z": rows, "colorscale": scale, "hoverongaps": False}
        for rows, scale in ((known, SEQUENTIAL), (novel, SEQUENTIAL_NOVEL))
    ]
    never = [label for label, row in zip(labels, total, strict=True) if not row[-1]]
    return Figure(
        {"data": traces, "layout": _layout(len(names), "Round")},
        f"Classes that {strategy} asked for, {when['scenario']}, seed {when['seed']}",
        summary=f"{strategy}, seed {when['seed']}: {len(names) - len(never)} of {len(names)} classes were asked for; "
        f"most often {labels[int(total[:, -1].argmax())]}. Never: {', '.join(never) or 'none'}.",
        method="Colour is the number of images of a class asked for so far; it deepens where the class is asked for "
        f"again. Classes marked {NOVEL.strip()} and coloured orange were not in the initial set.",
        when=when,
    )


def _accuracies(outcomes: Sequence[Mapping[str, Any]], when: Mapping[str, str]) -> Figure:
    """Return each class's accuracy at the end, a column a strategy."""
    first = outcomes[0]
    labels = _marked(first["classes"], first["n_known"])
    columns = [_recall(np.array(outcome["confusion"], dtype=float)) for outcome in outcomes]
    values = np.round(100 * np.stack(columns, axis=1), 1)
    strategies = [outcome["strategy"] for outcome in outcomes]
    trace = {
        "type": "heatmap",
        "x": strategies,
        "y": labels,
        "z": [[None if np.isnan(value) else value for value in row] for row in values.tolist()],
        "zmin": 0,
        "zmax": 100,
        "texttemplate": "%{z:.0f}",
        "hovertemplate": "%{x}, %{y}: %{z:.1f} %<extra></extra>",
        "colorscale": SEQUENTIAL,
        "showscale": False,
        "xgap": 2,
    }
    said = [
        f"{name}: best {labels[int(np.nanargmax(column))]} {np.nanmax(column):.0%}, none right of "
        f"{int((column == 0).sum())} classes"
        for name, column in zip(strategies, columns, strict=True)
    ]
    layout = _layout(len(labels), "")
    layout["xaxis"]["type"] = "category"
    return Figure(
        {"data": [trace], "layout": layout},
        f"Accuracy of each class after round {first['round']}, in %, {when['scenario']}, seed {when['seed']}",
        summary=f"{'; '.join(said)}.",
        method="Share of a class's test images that are predicted right at the end; a class that was never found has "
        "0.",
        when=when,
    )


def _confusion(outcome: Mapping[str, Any], when: Mapping[str, str]) -> Figure:
    labels = _marked(outcome["classes"], outcome["n_known"])
    counts = np.array(outcome["confusion"])
    wrong = counts - np.diag(np.diag(counts))
    true, taken = np.unravel_index(int(wrong.argmax()), wrong.shape)
    trace = {
        "type": "heatmap",
        "x": labels,
        "y": labels,
        "z": counts.tolist(),
        "colorscale": SEQUENTIAL,
        "showscale": False,
        "hovertemplate": "%{y} taken for %{x}: %{z}<extra></extra>",
    }
    layout = _layout(len(labels), "Predicted class")
    layout["xaxis"] |= {"type": "category", "tickangle": -60}
    layout["yaxis"]["title"] = {"text": "True class"}
    layout["height"] += 90
    return Figure(
        {"data": [trace], "layout": layout},
        f"Confusion of {outcome['strategy']}, {when['scenario']}, seed {when['seed']}, after round {outcome['round']}",
        summary=f"Of {outcome['strategy']}'s errors the most frequent takes {labels[true]} for {labels[taken]}, "
        f"{wrong[true, taken]} times of {counts[true].sum()}.",
        method="Counts of test images: rows are true classes, columns what the network says at the end.",
        folded=True,
        when=when,
    )


def _recall(confusion: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of each row that is on the diagonal, NaN for an empty row."""
    total = confusion.sum(axis=1)
    recall = np.full(len(confusion), np.nan)
    np.divide(np.diag(confusion), total, out=recall, where=total > 0)
    return recall


def _layout(n_classes: int, title: str) -> dict[str, Any]:
    return {
        "height": 110 + 18 * n_classes,
        "hovermode": "closest",
        "xaxis": {"title": {"text": title}, "showgrid": False},
        "yaxis": {"type": "category", "autorange": "reversed", "showgrid": False, "tickfont": {"size": 11}},
    }
