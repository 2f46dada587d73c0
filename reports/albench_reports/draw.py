"""From frames to the traces of figures; colours are the page's business."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from albench_reports.wording import duration

AXES = {"Labelled images": "n_labeled", "Round": "round"}  # axis title -> column
MOST_TICKS, LEAST_TICKS = 9, 3
FEW_TICKS = 8  # an axis no longer than this has a tick at every whole number
FEW_SEEDS = 4  # up to here lines of single seeds say more than bands, which are far wider than the data
_PARTS_OF_A_DECADE = ((1,), (1, 2, 5), range(1, 10), (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9))
Trace = dict[str, Any]
REFERENCE_GREY = "#858c96"  # on a light and on a dark page
SEQUENTIAL = [[0, "rgba(17,119,187,0)"], [1, "rgba(17,119,187,0.85)"]]  # on a light and on a dark page
SEQUENTIAL_NOVEL = [[0, "rgba(238,102,0,0)"], [1, "rgba(238,102,0,0.85)"]]


def numbers(values: ArrayLike, digits: int = 5) -> list[float | int | None]:
    """Return values as JSON numbers of some significant digits, None for what is not finite."""
    array = np.asarray(values, dtype=float)
    finite = np.isfinite(array)
    known = array[finite].tolist()
    texts = ",".join([f"%.{digits}g"] * len(known)) % tuple(known)
    found: list[float | int | None] = json.loads(f"[{texts}]")  # far faster than one text and number at a time
    if any(abs(value) >= 10**digits for value in known):  # "1e+05" is whole too
        found = [int(value) if isinstance(value, float) and value.is_integer() else value for value in found]
    if finite.all():
        return found
    places = iter(found)
    return [next(places) if is_known else None for is_known in finite.tolist()]


def by_strategy(frame: pd.DataFrame, names: Iterable[str]) -> dict[str, pd.DataFrame]:
    """Return the rows of each strategy that has some, in the order of the names."""
    own = {str(name): rows for name, rows in frame.groupby("strategy", sort=False)}
    return {name: own[name] for name in names if name in own}


def axis(title: str, low: float, high: float, is_share: bool = False) -> dict[str, Any]:
    """Return an axis over a range whose ticks all read differently: whole numbers, or as many digits as they need."""
    found: dict[str, Any] = {"title": {"text": title}, "range": [low, high]}
    if not is_share:
        return found | ({"dtick": 1} if 1 <= high - low <= FEW_TICKS else {})
    return found | {"tickformat": f".{0 if high - low > 0.08 else 1 if high - low > 0.008 else 2}%"}


def duration_axis(title: str, seconds: ArrayLike) -> dict[str, Any]:
    """Return a logarithmic axis of times with three ticks or more, each in the unit that people read it in."""
    found = np.asarray(seconds, dtype=float)
    found = found[np.isfinite(found) & (found > 0)]
    low, high = (np.log10(found.min()) - 0.15, np.log10(found.max()) + 0.15) if len(found) else (-1.0, 1.0)
    ticks = _log_ticks(low, high)
    return {
        "title": {"text": f"{title} (logarithmic)"},
        "type": "log",
        "range": [float(low), float(high)],
        "tickvals": numbers(ticks),
        "ticktext": [duration(tick) for tick in ticks],
    }


def _log_ticks(low: float, high: float) -> list[float]:
    """Return ticks between two powers of ten: decades, or the coarsest parts of them that give three."""
    decades = range(int(np.floor(low)), int(np.ceil(high)) + 1)
    ticks: list[float] = []
    for digits in _PARTS_OF_A_DECADE:
        ticks = [digit * 10.0**decade for decade in decades for digit in digits]
        ticks = [tick for tick in ticks if low <= np.log10(tick) <= high]
        if len(ticks) >= LEAST_TICKS:
            break
    return ticks[:: -(-len(ticks) // MOST_TICKS)]


def line(frame: pd.DataFrame, y: str, strategy: str, hover: str) -> Trace:
    """Return a mean line of a strategy over both axes; `hover` is the number's format, ".1%" or "duration"."""
    is_time = hover == "duration"
    words = {"customdata": [duration(value) for value in frame[y]]} if is_time else {}
    return {
        **words,
        "type": "scatter",
        "mode": "lines+markers",
        "name": strategy,
        "legendgroup": strategy,
        "y": numbers(frame[y]),
        "hovertemplate": "%{customdata}" if is_time else f"%{{y:{hover}}}",
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


def seed_lines(frame: pd.DataFrame, y: str, strategy: str, role: str = "seeds") -> Trace:
    """Return one line a seed, as one trace with gaps: shown on demand, or with the role "single" at once."""
    seeds = frame["seed"].to_numpy()
    order = np.lexsort((frame["round"].to_numpy(), seeds))
    ends = np.append(np.flatnonzero(np.diff(seeds[order])) + 1, len(order))

    def joined(column: str) -> list[float | int | None]:
        return numbers(np.insert(frame[column].to_numpy(dtype=float)[order], ends, np.nan))

    return {
        "type": "scatter",
        "mode": "lines",
        "name": strategy,
        "legendgroup": strategy,
        "showlegend": False,
        "hoverinfo": "skip",
        "y": joined(y),
        **_over({title: joined(column) for title, column in AXES.items()}, role),
    }


def _over(axes: Mapping[str, Sequence[float | int | None]], role: str) -> Trace:
    return {"meta": {"role": role, "x": axes}}


def error_bar(value: float, low: float, high: float) -> Trace:
    """Return an error bar from one bound to the other around a value; none where a bound is missing."""
    if low != low or high != high:
        return {"visible": False}
    ends = {"array": numbers([high - value]), "arrayminus": numbers([value - low]), "symmetric": False}
    return {"type": "data", **ends, "thickness": 2, "width": 5}


def reference_line(frame: pd.DataFrame, y: str, name: str, hover: str, dash: str) -> Trace:
    """Return a grey line over both axes for what is drawn and never ranked."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "showlegend": False,
        "line": {"color": REFERENCE_GREY, "width": 1.5, "dash": dash},
        "y": numbers(frame[y]),
        "hovertemplate": f"%{{y:{hover}}}",
        **_over({title: numbers(frame[column]) for title, column in AXES.items()}, "line"),
    }
