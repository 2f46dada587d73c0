"""How a strategy looks in every figure: a colour, a dash and a marker that follow from its name.

The colours have a contrast of at least 3 to a white and to a dark page, and are those that a search found to stay apart
best for readers who see red and green alike; a test holds them to both. Dash and marker need no colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import product

from albench_reports.page.looks import COLOURS, LOOKS

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
MARKERS = ("circle", "star", "square", "cross", "diamond", "triangle-down", "triangle-up", "pentagon", "x", "hexagon")
DASH_ARRAYS = {  # the same dashes for SVG in the legend and the tables
    "solid": "",
    "dash": "6 4",
    "dot": "2 3",
    "dashdot": "7 3 2 3",
    "longdash": "10 4",
    "longdashdot": "11 3 2 3",
}
Look = tuple[str, str, str]  # colour, dash, marker


@dataclass(frozen=True)
class Style:
    """The look of one strategy, and the family that its variants share a colour with, and a marker if dashes last."""

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


def look(name: str) -> Look:
    """Return the look of a strategy that clashes with no other: the table's, else one by a hash of its name."""
    if name in LOOKS:
        return LOOKS[name]
    number = int.from_bytes(sha256(name.encode("utf-8", "surrogatepass")).digest()[:8], "big")
    number, colour = divmod(number, len(COLOURS))
    number, dash = divmod(number, len(DASHES))
    return COLOURS[colour], DASHES[dash], MARKERS[number % len(MARKERS)]


def styles(strategies: Iterable[str]) -> dict[str, Style]:
    """Return each strategy's style, whatever their order: of two that clash the later by name moves.

    Those of the table come before others, and these before variants with parameters.
    """
    strategies = list(strategies)
    shade = 0.16 if len(strategies) <= len(COLOURS) - 2 else 0.08  # bands lie over each other
    taken: set[Look] = set()
    found: dict[str, Style] = {}
    for name in sorted(strategies, key=lambda name: ("[" in name, family(name) not in LOOKS, name)):
        colour, dash, marker = _free(look(family(name)), taken)
        taken.add((colour, dash, marker))
        found[name] = Style(family(name), colour, dash, marker, shade)
    return {name: found[name] for name in strategies}


def _free(wanted: Look, taken: set[Look]) -> Look:
    """Return a look of the wanted colour whose line no other has, else one that no other has, else the wanted one."""
    lines = {one[:2] for one in taken}
    others = [one for one in _alike(wanted) if one not in taken]
    return next((one for one in others if one[:2] not in lines), others[0] if others else wanted)


def _alike(wanted: Look) -> Iterator[Look]:
    """Yield the looks of one colour: first those that differ in the dash alone, then those of the next marker."""
    colour, dash, marker = wanted
    for other, step in product(_from(MARKERS, marker), _from(DASHES, dash)):
        yield colour, step, other


def _from(values: tuple[str, ...], first: str) -> tuple[str, ...]:
    place = values.index(first)
    return values[place:] + values[:place]
