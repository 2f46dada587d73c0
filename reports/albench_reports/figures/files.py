"""Figures as files for a paper: which ones, of which strategies, how wide, in which formats."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal
from warnings import warn

from annotated_types import Gt, Le

from albench import ReportFormat, RequestError, Results, StoreWarning
from albench_reports.wording import slugs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("pdf", "svg", "png")
FIGURES = {  # name -> why a setting may have none
    "curves": "",
    "differences": "nothing is paired with the reference",
    "labels": "no target accuracy is reached; name one with --target",
    "ranks": "no seed is finished by two strategies or more",
}


@dataclass(frozen=True)
class Figures(ReportFormat):
    """A folder of figures for a paper: learning curves, paired differences, labels to a target, and ranks."""

    suffix: ClassVar[str] = ""  # a folder has none

    format: str = "pdf"  # several with commas, as of figures and strategies
    figures: str = ",".join(FIGURES)
    width: Literal["one", "two"] = "one"  # columns of a page
    strategies: str = ""  # labels; none: all, or of many the leading ones where lines would hide each other
    target: Annotated[float, Gt(0), Le(1)] | None = None  # an accuracy; none: the page's

    def __post_init__(self) -> None:
        """Raise RequestError for a format or a figure that there is not."""
        _known(self.format, FORMATS, "format of figures")
        _known(self.figures, FIGURES, "figure")

    def write(self, results: Results, path: Path) -> Path:
        """Write every figure of every setting as `FIGURE-SETTING.FORMAT` into the folder `path` and return it.

        A figure that a setting has not is left out with a StoreWarning. Raises RequestError where none can be drawn.
        """
        if results.rounds.empty:
            raise RequestError("no cell has finished yet, so there is nothing to draw; run it first")
        try:
            import matplotlib  # noqa: F401
        except ImportError:
            raise RequestError(
                "figures are drawn with matplotlib, which is not installed; install it with "
                "pip install 'albench[figures]'"
            ) from None
        from albench_reports.figures.paper import save, typeset

        with typeset():
            drawn = dict(self._drawn(results))
            if not drawn:
                raise RequestError(f"these results have no figure of {self.figures}; ask for others with --figures")
            path.mkdir(parents=True, exist_ok=True)
            for name, figure in drawn.items():
                save(figure, [path / f"{name}.{suffix}" for suffix in _parts(self.format)])
        return path

    def _drawn(self, results: Results) -> Iterator[tuple[str, Figure]]:
        from albench_reports.figures import lines, rows
        from albench_reports.figures.paper import Paper

        paper = Paper.of(results, self.width)
        draw: dict[str, Callable[[Results, Paper], Figure | None]] = {
            "curves": lines.curves,
            "differences": lines.differences,
            "labels": partial(rows.labels, target=self.target),
            "ranks": rows.ranks,
        }
        chosen = self._chosen(results)
        for setting, file_name in slugs(results.settings).items():
            own = chosen.only([setting])
            for name in _parts(self.figures):
                figure = draw[name](own, paper)
                if figure is None:
                    warn(f"{setting}: there is no figure of {name}: {FIGURES[name]}", StoreWarning, stacklevel=2)
                else:
                    yield f"{name}-{file_name}", figure

    def _chosen(self, results: Results) -> Results:
        """Return the results of the chosen strategies and the reference alone; RequestError for an unknown one."""
        if not self.strategies:
            return results
        names = _parts(self.strategies)
        _known(self.strategies, results.strategies, "finished cell of the strategy")
        keep = {*names, results.reference}
        return replace(results, rounds=results.rounds[results.rounds["strategy"].isin(keep)])


def _parts(text: str) -> list[str]:
    """Split at the commas outside brackets: a label may hold some."""
    return [part for part in re.split(r",(?![^\[]*\])", text) if part]


def _known(text: str, known: Iterable[str], what: str) -> None:
    offered = list(known)
    if not _parts(text):
        raise RequestError(f"name a {what}: {', '.join(offered)}")
    for part in _parts(text):
        if part not in offered:
            raise RequestError(f"there is no {what} {part!r}; choose from {', '.join(offered)}")
