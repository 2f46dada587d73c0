"""What all figures of a paper share: widths, type, the looks of strategies, the legend, and how they are saved."""

from __future__ import annotations

import math
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.style
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from albench import Results
from albench_reports.leaders import LINES_AT_FIRST, first
from albench_reports.page.palette import Style, styles
from albench_reports.page.plain import plain

INCHES = {"one": 3.3, "two": 6.9}  # of columns; most templates have 3.25 to 3.5 and 6.75 to 7.2
ROW = 0.19  # inches that a line of text in a row takes
GREY = "#57606a"
MOST_TICKS = 5  # on an axis of labels, whose numbers may be long
TYPE = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "pdf.fonttype": 42,  # whole outlines: publishers refuse fonts of type 3
    "svg.hashsalt": "albench",  # its ids are the same every time
    "text.parse_math": False,  # names are no formulas
    "lines.linewidth": 1.1,
    "lines.markersize": 3.5,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e6e8eb",
    "grid.linewidth": 0.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "legend.frameon": False,
    "legend.handlelength": 2.6,
    "legend.handletextpad": 0.5,
    "legend.borderpad": 0.1,
    "legend.columnspacing": 1.0,
    "savefig.dpi": 600,
}
MARKERS = {
    "circle": "o",
    "square": "s",
    "diamond": "D",
    "triangle-up": "^",
    "triangle-down": "v",
    "triangle-left": "<",
    "triangle-right": ">",
    "x": "X",
    "cross": "P",
    "star": "*",
    "pentagon": "p",
    "hexagon": "h",
}
_PAGE_LINE = 2.0  # the width of a line on the page, which its dashes are measured for
_UNDATED = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}


@dataclass(frozen=True)
class Paper:
    """The width that figures are drawn for, and the look that each strategy has on the page."""

    width: str
    looks: Mapping[str, Style]

    @classmethod
    def of(cls, results: Results, width: str) -> Paper:
        """Return the paper of some results, before strategies are chosen from them."""
        shown = first(results, LINES_AT_FIRST)
        others = [name for name in results.strategies if name not in shown]
        return cls(width, styles([*shown, *others]))

    def panels(self, height: float, rows: int = 1, columns: int = 1) -> tuple[Figure, list[Axes]]:
        """Return a figure of panels and these, each about `height` inches high."""
        figure = Figure(figsize=(INCHES[self.width], rows * height), layout="constrained")
        figure.get_layout_engine().set(w_pad=0.02, h_pad=0.03)  # type: ignore[union-attr,call-arg]
        return figure, list(figure.subplots(rows, columns, squeeze=False, sharex=True).flat)

    def line(self, strategy: str, **more: Any) -> dict[str, Any]:
        """Return the look of a strategy's line, as matplotlib takes it."""
        look = self.looks[strategy]
        dashes = [float(part) / _PAGE_LINE for part in look.dash_array.split()]
        return {"color": look.colour, "linestyle": (0, dashes) if dashes else "-", **more}

    def marker(self, strategy: str, **more: Any) -> dict[str, Any]:
        """Return the look of a strategy's marks."""
        look = self.looks[strategy]
        return {"color": look.colour, "marker": MARKERS.get(look.marker, "o"), "markeredgewidth": 0.4, **more}

    def text(self, name: str) -> str:
        """Return a name in lines that leave room for the figure beside it."""
        return "\n".join(textwrap.wrap(plain(name).replace(",", ", "), 24 if self.width == "one" else 40)) or "-"

    def legend(self, figure: Figure, strategies: Sequence[str], more: Mapping[str, Line2D] | None = None) -> None:
        """Put a legend over a figure's panels, in as few lines as its width takes; the figure grows by its height."""
        found: dict[str, Artist] = {
            self.text(name): Line2D([], [], **self.line(name), **_no_colour(self.marker(name))) for name in strategies
        }
        found.update(more or {})
        for lines in range(1, len(found) + 1):
            columns = math.ceil(len(found) / lines)
            legend = figure.legend(list(found.values()), list(found), loc="outside upper center", ncols=columns)
            size = legend.get_window_extent()
            if lines == len(found) or size.width < 0.98 * figure.bbox.width:
                figure.set_figheight(figure.get_figheight() + size.height / figure.dpi)
                return
            legend.remove()


def _no_colour(look: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in look.items() if key != "color"}


@contextmanager
def typeset() -> Iterator[None]:
    """Draw and save with the type of papers, whatever the reader's own settings of matplotlib are."""
    with warnings.catch_warnings(), matplotlib.style.context(TYPE, after_reset=True):
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # its place is a box, for all to see
        yield


def save(figure: Figure, paths: Iterable[Path]) -> None:
    """Write a figure into files whose suffixes are of `FORMATS`; equal figures become equal bytes."""
    for _ in range(2):  # the layout settles with the second pass, and would go on with every file
        figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for path in paths:
        suffix = path.suffix[1:]
        figure.savefig(path, format=suffix, metadata=_UNDATED[suffix])
