"""Figures made ready for the page: strategies' looks, common layout, and text that stays text."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from albench_reports.page.palette import Style
from albench_reports.page.plain import plain

# Plotly reads a small HTML of its own in these; escaped, a name is shown as it was written.
_TEXT_KEYS = {"name", "text", "hovertext", "ticktext", "x", "y", "z", "labels", "title"}
_LINES = {"scatter", "scattergl", "bar", "box", "violin"}  # traces that take a strategy's colour
_NUMBERS = {int, float, type(None)}
LAYOUT: dict[str, Any] = {
    "height": 380,
    "margin": {"l": 62, "r": 14, "t": 14, "b": 52},
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "font": {"family": "system-ui, sans-serif", "size": 13, "color": "#1c2330"},
    "hovermode": "x unified",
    "showlegend": False,
    "dragmode": "zoom",
    "xaxis": {"gridcolor": "#e3e6ea", "zerolinecolor": "#b8bec7", "automargin": True, "title": {"standoff": 8}},
    "yaxis": {"gridcolor": "#e3e6ea", "zerolinecolor": "#b8bec7", "automargin": True, "title": {"standoff": 8}},
}


def dress(plot: Mapping[str, Any], looks: Mapping[str, Style]) -> dict[str, Any]:
    """Return the plot with the page's layout under its own, its strategies' looks, and its text escaped."""
    traces = [_trace(dict(trace), looks) for trace in plot["data"]]
    layout = _merged(LAYOUT, plot.get("layout", {}))
    _title_axis(layout, traces)
    return {"data": _escaped(traces), "layout": _escaped(layout)}


def _trace(trace: dict[str, Any], looks: Mapping[str, Style]) -> dict[str, Any]:
    look = looks.get(trace.get("legendgroup", ""))
    if look is None or trace.get("type") not in _LINES:
        return trace
    role = trace.get("meta", {}).get("role")
    if role == "band":
        own: dict[str, Any] = {"fillcolor": look.fill, "line": {"width": 0}}
    elif role in {"single", "seeds"}:
        own = {"line": {"color": look.colour, "width": 1}, "opacity": 0.5, "visible": role == "single"}
    else:
        marker = {"symbol": look.marker, "size": 7, "color": look.colour, "maxdisplayed": 12}
        own = {"line": {"color": look.colour, "width": 2.2, "dash": look.dash}, "marker": marker}
    return _merged(own, trace)


def _title_axis(layout: dict[str, Any], traces: list[dict[str, Any]]) -> None:
    """Give the horizontal axis the title of the values that it starts with."""
    axes = [axis for trace in traces for axis in trace.get("meta", {}).get("x", {})]
    if axes:
        layout["xaxis"] = _merged({"title": {"text": axes[0]}}, layout["xaxis"])


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = {**under, **over}
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(under.get(key), Mapping):
            result[key] = _merged(under[key], value)
    return result


def _escaped(value: Any, key: str = "") -> Any:
    """Return a figure's value with the markup of texts that Plotly would read escaped, nested ones too."""
    if isinstance(value, Mapping):
        return {name: _escaped(item, name) for name, item in value.items() if name != "hovertemplate"} | {
            name: item for name, item in value.items() if name == "hovertemplate"
        }
    if isinstance(value, (list, tuple)):
        if set(map(type, value)) <= _NUMBERS:
            return value
        return [_escaped(item, key) for item in value]
    if isinstance(value, str) and key in _TEXT_KEYS:
        return html.escape(plain(value), quote=False)
    return value
