"""How a strategy looks in every figure: a colour, a dash and a marker of its own, variants of one name alike.

The colours have a contrast of at least 3 to a white and to a dark page, and are those that a search found to stay apart
best for readers who see red and green alike; a test holds them to both. Dash and marker need no colour.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

COLOURS = ("#1177bb", "#ee6600", "#339999", "#5544ff", "#aa4433", "#7777ff", "#00aa66", "#aa4466")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
MARKERS = ("circle", "square", "diamond", "triangle-up", "x", "star", "cross", "triangle-down", "pentagon", "hexagon")
DASH_ARRAYS = {  # the same dashes for SVG in the legend and the tables
    "solid": "",
    "dash": "6 4",
    "dot": "2 3",
    "dashdot": "7 3 2 3",
    "longdash": "10 4",
    "longdashdot": "11 3 2 3",
}


@dataclass(frozen=True)
class Style:
    """The look of one strategy, and the family that its variants share a colour and a marker with."""

    family: str
    colour: str
    dash: str
    marker: str
    shade: float = 0.16

    @property
    def dash_array(self) -> str:
        """The dash for an SVG's stroke-dasharray."""
        return DASH_ARRAYS[self.dash]

    @property
    def fill(self) -> str:
        """The colour of a band, translucent."""
        red, green, blue = (int(self.colour[place : place + 2], 16) for place in (1, 3, 5))
        return f"rgba({red},{green},{blue},{self.shade})"


def family(strategy: str) -> str:
    """Return the name of a strategy without its parameters."""
    return strategy.partition("[")[0]


def styles(strategies: Iterable[str]) -> dict[str, Style]:
    """Return each strategy's style, by its place."""
    strategies = list(strategies)
    shade = 0.16 if len(strategies) <= len(COLOURS) - 2 else 0.08  # bands lie over each other
    families: dict[str, int] = {}
    variants: dict[str, int] = {}
    found = {}
    for strategy in strategies:
        name = family(strategy)
        place = families.setdefault(name, len(families))
        variant = variants[name] = variants.get(name, -1) + 1
        found[strategy] = Style(
            family=name,
            colour=COLOURS[place % len(COLOURS)],
            dash=DASHES[(place + variant) % len(DASHES)],
            marker=MARKERS[place % len(MARKERS)],
            shade=shade,
        )
    return found
