"""How many labels it takes to reach an accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from albench import Column, Content, Figure, Note, ReportSection, Results, Table
from albench.analysis import best_target, median_labels, savings
from albench_reports.draw import by_strategy, numbers
from albench_reports.sections.shared.choices import references
from albench_reports.wording import percent

_COLUMNS = (
    Column("strategy"),
    Column(
        "median_labels",
        "Labels, median",
        ".0f",
        method="Queried labels (the initial ones do not count) until the accuracy is first reached, median over "
        "seeds; a seed that does not get there counts as more than any other. Empty where half of the seeds do not.",
    ),
    Column("n_reached", "Seeds that reach it", method="Of the seeds that have finished."),
    Column("n_seeds", "Seeds"),
    Column(
        "saving",
        "Saving, %",
        ".1f",
        100,
        low="saving_low",
        high="saving_high",
        method="1 − n/n_reference at the same seed, median over the pairs; empty where censoring leaves it open. Its "
        "interval is that of the sign test: at least 95 %, from six pairs on, whatever the distribution.",
    ),
    Column(
        "median_low",
        "Median saving at least, %",
        ".1f",
        100,
        method="The median of the pairs' savings if each censored count were as small as it can be for the reference "
        "and as large as it can be for the strategy.",
    ),
    Column(
        "median_high",
        "… at most, %",
        ".1f",
        100,
        method="The other bound of the median; equal to the first where no censored seed touches the median.",
    ),
    Column("n_censored", "Censored pairs", method="Pairs in which one of the two never reaches the target."),
)


@dataclass(frozen=True)
class Targets(ReportSection):
    """Queried labels until a target accuracy is reached, with a choice of targets and references."""

    title: ClassVar[str] = "Labels to a target"
    order: ClassVar[int] = 250

    def compute(self, results: Results) -> Mapping[str, pd.DataFrame]:
        """Return the labels of each cell to every target of its setting."""
        return {"labels": results.target_labels}

    def draw(self, frames: Mapping[str, pd.DataFrame], results: Results) -> Content:
        """Return a figure a setting and target, and a table for each reference too."""
        labels = frames["labels"]
        if labels.empty:
            return Content(
                "No target is one that every finished cell starts below and some strategy's mean reaches, so there are "
                "no labels to count."
            )
        parts: list[Figure | Note | Table] = []
        for (setting, target), own in labels.groupby(["setting", "target"], sort=False):
            when = {"setting": str(setting), "target": percent(float(str(target)))}
            parts.append(_figure(own, results, when))
            medians = median_labels(own)
            parts += [_table(own, medians, name, when) for name in references(results)]
        parts += _without(labels, results)
        setting = results.settings[0]
        first = best_target(labels[labels["setting"] == setting], results.reference)
        chosen = {"target": percent(first)} if first is not None else {}
        sentence = "Queried labels until an accuracy is first reached; seeds that never get there are shown as such."
        return Content(sentence, parts, chosen=chosen)


def _without(labels: pd.DataFrame, results: Results) -> list[Note]:
    """Return a note for each target of other settings that is none of a setting."""
    own = {(str(name), float(target)) for name, target in zip(labels["setting"], labels["target"], strict=True)}
    return [
        Note(
            f"{setting} has no labels to {percent(target)}: some cell starts there, or no strategy's mean gets there.",
            {"setting": setting, "target": percent(target)},
        )
        for setting in results.settings
        for target in sorted({target for _, target in own})
        if (setting, target) not in own
    ]


def _table(labels: pd.DataFrame, medians: pd.DataFrame, reference: str, when: Mapping[str, str]) -> Table:
    frame = medians.merge(savings(labels, reference), on=["setting", "strategy"], how="left")
    frame["n_censored"] = frame["n_censored"].astype("Int64")
    for bound in ("median_low", "saving_low"):
        frame[bound] = frame[bound].mask(frame[bound] == float("-inf"))
    frame = frame.sort_values(["median_labels", "strategy"], na_position="last")
    caption = f"{when['setting']}: labels to {when['target']}, and savings against {reference}"
    return Table(frame, caption, _COLUMNS, when={**when, "reference": reference})


def _figure(labels: pd.DataFrame, results: Results, when: Mapping[str, str]) -> Figure:
    own = by_strategy(labels, results.strategies)
    traces = [trace for name, frame in own.items() for trace in _traces(name, frame)]
    said = [f"{name} {_in_words(frame)}" for name, frame in own.items()]
    return Figure(
        {
            "data": traces,
            "layout": {
                "height": 90 + 34 * len(own),
                "hovermode": "closest",
                "xaxis": {"title": {"text": f"Queried labels to {when['target']}"}, "rangemode": "tozero"},
                "yaxis": {"type": "category", "autorange": "reversed", "gridcolor": "rgba(0,0,0,0)"},
            },
        },
        f"Labels to {when['target']}, {when['setting']}: one mark a seed",
        summary=f"Queried labels to {when['target']} on {when['setting']}: {'; '.join(said)}.",
        method="A filled mark is where a seed first reaches the target. An open triangle at the end of the budget is "
        "a seed that does not get there: it needs more labels than were queried.",
        wide=True,
        when=when,
    )


def _traces(strategy: str, labels: pd.DataFrame) -> list[dict[str, Any]]:
    is_censored = labels["n_queried"].isna().to_numpy()
    seeds = labels["seed"].to_numpy()
    reached, censored = labels["n_queried"].to_numpy()[~is_censored], labels["n_budget"].to_numpy()[is_censored]
    common: dict[str, Any] = {"type": "scatter", "mode": "markers", "name": strategy, "legendgroup": strategy}
    found = [
        {
            **common,
            "x": numbers(reached),
            "y": [strategy] * len(reached),
            "text": [f"seed {seed}" for seed in seeds[~is_censored]],
            "hovertemplate": "%{text}: %{x} labels<extra></extra>",
            "marker": {"opacity": 0.75, "size": 10},
        }
    ]
    if len(censored):
        found.append(
            {
                **common,
                "showlegend": False,
                "x": numbers(censored),
                "y": [strategy] * len(censored),
                "text": [f"seed {seed}" for seed in seeds[is_censored]],
                "hovertemplate": "%{text}: not reached with %{x} labels<extra></extra>",
                "marker": {"symbol": "triangle-right-open", "size": 12, "line": {"width": 2}},
            }
        )
    return found


def _in_words(labels: pd.DataFrame) -> str:
    queried = labels["n_queried"].to_numpy()
    reached = queried[~np.isnan(queried)]
    if not len(reached):
        return f"at none of {len(labels)} seeds"
    spread = f"{reached.min():.0f}" + (f" to {reached.max():.0f}" if reached.max() > reached.min() else "")
    return f"{spread} at {len(reached)} of {len(labels)} seeds"
