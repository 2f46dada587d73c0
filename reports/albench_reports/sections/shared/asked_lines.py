"""How many queries it takes to find one novel class after the other."""

from __future__ import annotations

import pandas as pd

from albench import Figure, Results
from albench_reports.draw import by_strategy, numbers


def to_class(queries: pd.DataFrame, results: Results, setting: str) -> list[Figure]:
    """Return the median number of queries until the k-th novel class, a line a strategy."""
    here = queries[(queries["setting"] == setting)].dropna(subset="median_queries")
    own = by_strategy(here, results.strategies)
    if not own:
        return []
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": name,
            "legendgroup": name,
            "x": numbers(frame["k"]),
            "y": numbers(frame["median_queries"]),
            "hovertemplate": "%{y} queries",
        }
        for name, frame in own.items()
    ]
    said = [f"{name} {frame['median_queries'].iloc[0]:g} to the first" for name, frame in own.items()]
    layout = {
        "xaxis": {"title": {"text": "Novel classes found"}, "dtick": 1},
        "yaxis": {"title": {"text": "Queries, median over seeds"}, "rangemode": "tozero"},
    }
    return [
        Figure(
            {"data": traces, "layout": layout},
            f"Queries until the k-th novel class, {setting}",
            summary=f"Median queries on {setting}: {'; '.join(said)}. Lower is faster.",
            method="Median over seeds; a seed that never finds the k-th class counts as later than any other, and a "
            "line ends where half of the seeds do.",
            when={"setting": setting},
        )
    ]
