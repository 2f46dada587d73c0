"""How well each class is known at the end, and what it is taken for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albench import Figure, Part, Results
from albench_reports.draw import SEQUENTIAL
from albench_reports.leaders import MANY, first
from albench_reports.wording import count

NOVEL = "★ "  # before the name of a novel class
MOST_CELLS = 45  # cells whose images and classes the page holds


def shown_seeds(results: Results, setting: str) -> list[int]:
    """Return the seeds that are shown one by one: as many as the page can hold."""
    here = results.rounds[results.rounds["setting"] == setting]
    seeds = sorted(int(seed) for seed in here["seed"].unique())
    most = MOST_CELLS // max(1, here["strategy"].nunique() * len(results.settings))
    return seeds[: max(1, most)]


def outcomes_of(results: Results, setting: str, seed: int) -> list[Mapping[str, Any]]:
    """Return what the networks of a seed made of each class, in the order of the strategies."""
    found = {one["strategy"]: one for one in results.outcomes if one["setting"] == setting and one["seed"] == seed}
    return [found[strategy] for strategy in results.strategies if strategy in found]


def known_classes(results: Results, setting: str, seed: int) -> list[Part]:
    """Return a seed's figures: accuracy of each class at the end, and confusions."""
    when = {"setting": setting, "seed": str(seed)}
    ordered = outcomes_of(results, setting, seed)
    if not ordered:
        return []
    leading = first(results, MANY)
    confusions = [outcome for outcome in ordered if outcome["strategy"] in leading]
    most = max(np.array(outcome["confusion"]).sum(axis=1).max() for outcome in ordered)
    return [_accuracies(ordered, when), *(_confusion(outcome, int(most), when) for outcome in confusions)]


def marked(names: Sequence[str], n_known: int) -> list[str]:
    """Return the names of classes, known ones first, with a mark before the novel ones."""
    return [*names[:n_known], *(f"{NOVEL}{name}" for name in names[n_known:])]


def _accuracies(outcomes: Sequence[Mapping[str, Any]], when: Mapping[str, str]) -> Figure:
    """Return each class's accuracy at the end, a column a strategy."""
    first = outcomes[0]
    labels = marked(first["classes"], first["n_known"])
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
        "texttemplate": "%{z:.0f}" if len(strategies) <= MANY else "",
        "hovertemplate": "%{x}, %{y}: %{z:.1f} %<extra></extra>",
        "colorscale": SEQUENTIAL,
        "showscale": False,
        "xgap": 2,
    }
    said = [_best(name, labels, column) for name, column in zip(strategies, columns, strict=True)]
    layout = map_layout(len(labels), "")
    layout["xaxis"] |= {"type": "category", "dtick": 1}
    return Figure(
        {"data": [trace], "layout": layout},
        f"Accuracy of each class after round {first['round']}, in %, {when['setting']}, seed {when['seed']}",
        summary=f"{'; '.join(said)}.",
        method="Share of a class's test images that are predicted right at the end; a class that was never found has "
        "0.",
        wide=len(strategies) > MANY,
        when=when,
    )


def _best(strategy: str, labels: Sequence[str], recall: NDArray[np.float64]) -> str:
    """Return in words which class a strategy's network knows best, and how many not at all."""
    if np.isnan(recall).all():
        return f"{strategy}: no test image"
    never = count(int((recall == 0).sum()), "class", "classes")
    return f"{strategy}: best {labels[int(np.nanargmax(recall))]} {np.nanmax(recall):.0%}, none right of {never}"


def _confusion(outcome: Mapping[str, Any], most: int, when: Mapping[str, str]) -> Figure:
    labels = marked(outcome["classes"], outcome["n_known"])
    counts = np.array(outcome["confusion"])
    wrong = counts - np.diag(np.diag(counts))
    true, taken = np.unravel_index(int(wrong.argmax()), wrong.shape)
    trace = {
        "type": "heatmap",
        "x": labels,
        "y": labels,
        "z": counts.tolist(),
        "zmin": 0,
        "zmax": max(most, 1),
        "colorscale": SEQUENTIAL,
        "showscale": False,
        "hovertemplate": "%{y} taken for %{x}: %{z}<extra></extra>",
    }
    layout = map_layout(len(labels), "Predicted class")
    layout["xaxis"] |= {"type": "category", "tickangle": -60}
    layout["yaxis"]["title"] = {"text": "True class"}
    layout["height"] += 90
    return Figure(
        {"data": [trace], "layout": layout},
        f"Confusion of {outcome['strategy']}, {when['setting']}, seed {when['seed']}, after round {outcome['round']}",
        summary=f"Of {outcome['strategy']}'s errors the most frequent takes {labels[true]} for {labels[taken]}: "
        f"{wrong[true, taken]} of {count(int(counts[true].sum()), 'image')}."
        if wrong.any()
        else f"{outcome['strategy']} makes no error.",
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


def map_layout(n_classes: int, title: str) -> dict[str, Any]:
    """Return the layout of a map with a row for each class."""
    return {
        "height": 110 + 18 * n_classes,
        "hovermode": "closest",
        "xaxis": {"title": {"text": title}, "showgrid": False},
        "yaxis": {"type": "category", "autorange": "reversed", "showgrid": False, "tickfont": {"size": 11}},
    }
