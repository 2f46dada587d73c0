"""From frames to the traces of figures; colours are the page's business."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

AXES = {"Labelled images": "n_labeled", "Round": "round"}  # axis title -> column
MOST_TICKS = 9
Trace = dict[str, Any]
SEQUENTIAL = [[0, "rgba(17,119,187,0)"], [1, "rgba(17,119,187,0.85)"]]  # on a light and on a dark page
SEQUENTIAL_NOVEL = [[0, "rgba(238,102,0,0)"], [1, "rgba(238,102,0,0.85)"]]


def numbers(values: ArrayLike, digits: int = 5) -> list[float | int | None]:
    """Return values as JSON numbers of some significant digits, None for what is not finite."""
    found: list[float | int | None] = []
    for value in np.asarray(values, dtype=float).tolist():
        if value != value or value in (float("inf"), float("-inf")):
            found.append(None)
        else:
            short = float(f"{value:.{digits}g}")
            found.append(int(short) if short.is_integer() else short)
    return found


def log_axis(title: str, values: ArrayLike) -> dict[str, Any]:
    """Return a logarithmic axis with plain numbers at 1, 2 and 5 of every decade that the values lie in."""
    found = np.asarray(values, dtype=float)
    found = found[np.isfinite(found) & (found > 0)]
    low, high = np.log10(found.min()) - 0.15, np.log10(found.max()) + 0.15
    decades = range(int(np.floor(low)), int(np.ceil(high)) + 1)
    ticks = [digit * 10.0**decade for decade in decades for digit in (1, 2, 5)]
    ticks = [tick for tick in ticks if low <= np.log10(tick) <= high]
    if len(ticks) > MOST_TICKS:
        ticks = [tick for tick in ticks if f"{tick:e}".startswith("1")]
    return {
        "title": {"text": title},
        "type": "log",
        "range": [float(low), float(high)],
        "tickvals": numbers(ticks),
        "ticktext": [f"{tick:g}" for tick in ticks],
    }


def line(frame: pd.DataFrame, y: str, strategy: str, hover: str) -> Trace:
    """Return a mean line of a strategy over both axes; `hover` is the number's format, such as ".1%"."""
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": strategy,
        "legendgroup": strategy,
        "y": numbers(frame[y]),
        "hovertemplate": f"%{{y:{hover}}}",
        **_over({title: numbers(frame[column]) for title, column in AXES.items()}, "mean"),
    }


def band(frame: pd.DataFrame, low: str, high: str, strategy: str) -> Trace | None:
    """Return a strategy's band as one closed outline; None where there are no bounds."""
    known = frame.dropna(subset=[low, high])
    if known.empty:
        return None
    there_and_back = pd.concat([known, known[::-1]])
    return {
        "type": "scatter",
        "mode": "lines",
        "name": strategy,
        "legendgroup": strategy,
        "showlegend": False,
        "fill": "toself",
        "hoverinfo": "skip",
        "y": numbers(known[high]) + numbers(known[low][::-1]),
        **_over({title: numbers(there_and_back[column]) for title, column in AXES.items()}, "band"),
    }


def seed_lines(frame: pd.DataFrame, y: str, strategy: str) -> Trace:
    """Return one line a seed, as one trace with gaps, shown on demand."""
    values: list[float | int | None] = []
    over: dict[str, list[float | int | None]] = {title: [] for title in AXES}
    for _, own in frame.groupby("seed"):
        ordered = own.sort_values("round")
        values += [*numbers(ordered[y]), None]
        for title, column in AXES.items():
            over[title] += [*numbers(ordered[column]), None]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": strategy,
        "legendgroup": strategy,
        "showlegend": False,
        "hoverinfo": "skip",
        "y": values,
        **_over(over, "seeds"),
    }


def _over(axes: Mapping[str, Sequence[float | int | None]], role: str) -> Trace:
    return {"meta": {"role": role, "x": axes}}


def error_bar(low: float, high: float) -> Trace:
    """Return an error bar between two bounds that lie alike around the value; none where a bound is missing."""
    if low != low or high != high:
        return {"visible": False}
    return {"type": "data", "array": numbers([(high - low) / 2]), "thickness": 2, "width": 5}
