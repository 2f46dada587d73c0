"""The contracts of report sections and report formats."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from albench.contracts.component import Component
from albench.errors import RequestError

if TYPE_CHECKING:
    import pandas as pd

    from albench.contracts.scenario import Images

When = Mapping[str, str]  # a reader's choice on the page -> the value under which something is shown


@dataclass(frozen=True)
class Results:
    """A study's results, as every section of a report is given them.

    What several sections need, such as `areas`, is computed once, when it is first asked for: change no frame in place.
    """

    name: str
    rounds: pd.DataFrame  # one row a round of every finished cell but reference lines', columns as in docs/protocol.md
    cells: pd.DataFrame  # one row a requested cell: setting, strategy, seed, key, status, reason, rounds, store, ...
    provenance: Sequence[Mapping[str, Any]]  # one mapping a finished cell
    study: Mapping[str, Any]  # the stored request: settings and strategies by name, commands
    reference: str = "random"  # the strategy that the others are compared with
    outcomes: Sequence[Mapping[str, Any]] = ()  # what networks made of each test class; see Loop.outcome
    stores: Sequence[Mapping[str, str]] = ()  # name and checksum of each store
    benchmarks: Sequence[Mapping[str, Any]] = ()  # scoring benchmarks, when they were given
    lines: pd.DataFrame | None = None  # the rounds of reference lines, which are drawn and never ranked

    @cached_property
    def settings(self) -> list[str]:
        """The settings that have finished cells, in the order of the study."""
        found = set(self.rounds["setting"].unique())
        return [name for name in self.cells["setting"].unique() if name in found]

    @cached_property
    def scenarios(self) -> list[str]:
        """The scenarios that have finished cells, in the order of the study."""
        return list(self.rounds["scenario"].unique())

    def only(self, settings: Sequence[str]) -> Results:
        """Return the results of some settings alone."""

        def kept(records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
            return [record for record in records if record["setting"] in settings]

        return replace(
            self,
            rounds=self.rounds[self.rounds["setting"].isin(settings)],
            lines=None if self.lines is None else self.lines[self.lines["setting"].isin(settings)],
            cells=self.cells[self.cells["setting"].isin(settings)],
            provenance=kept(self.provenance),
            outcomes=kept(self.outcomes),
            study={**self.study, "settings": {name: self.study["settings"][name] for name in settings}},
        )

    @cached_property
    def strategies(self) -> list[str]:
        """The strategies that have finished cells, in the order of the study."""
        found = set(self.rounds["strategy"].unique())
        return [name for name in self.cells["strategy"].unique() if name in found]

    @cached_property
    def areas(self) -> pd.DataFrame:
        """What each cell comes to, one row a cell; see `albench.analysis.areas`."""
        from albench.analysis import areas

        return areas(self.rounds)

    @cached_property
    def target_labels(self) -> pd.DataFrame:
        """The labels of each cell to each target of its setting; see `albench.analysis.target_labels`."""
        from albench.analysis import target_labels

        return target_labels(self.rounds)


@dataclass(frozen=True)
class Column:
    """How a column of a table is shown; its numbers stay as they are for sorting and for CSV."""

    name: str  # of the frame's column
    label: str = ""  # the heading; by default the name in words
    format: str = ""  # a specification such as ".1%" or "+.2f", "p" for a p value, "duration" for seconds as "16 ms"
    scale: float = 1  # what numbers are multiplied by before they are formatted
    low: str = ""  # the columns of an interval's bounds, shown beside the number
    high: str = ""
    method: str = ""  # how the number is made, one click away


@dataclass(frozen=True)
class Table:
    """A table of a section. A column named `strategy` holds row headings; one not listed is left out."""

    frame: pd.DataFrame
    caption: str
    columns: Sequence[Column] = ()  # none: every column of the frame
    folded: bool = False  # shown on demand
    group: str = ""  # a column whose equal values a reader may bring together
    when: When = field(default_factory=dict)


@dataclass(frozen=True)
class Figure:
    """A Plotly figure as its JSON-ready mapping, and what it shows in words.

    A trace whose `legendgroup` is a strategy's label is given that strategy's colour, dash and marker, and answers to
    the page's legend. Its `meta` may hold `role` ("mean", "band", "single" for thin lines of single seeds, or "seeds"
    for those that are shown on demand) and `x`, a mapping of axis titles to values: then the reader chooses the axis,
    and the trace needs no `x`. Text of traces and layout is shown as it is: Plotly's own markup has no effect.
    """

    plot: Mapping[str, Any]
    caption: str
    summary: str = ""  # the text alternative: what a reader who cannot see the figure should learn
    method: str = ""
    folded: bool = False  # shown on demand
    wide: bool = False  # over the whole width of the page
    when: When = field(default_factory=dict)


@dataclass(frozen=True)
class Picture:
    """Some images side by side as one picture: a PNG, JPEG or WebP file, and what it shows in words."""

    data: bytes
    media_type: str
    width: int  # pixels on the page
    height: int
    alt: str
    label: str  # a line below it
    frame: str = ""  # "known" or "novel": how it is framed


@dataclass(frozen=True)
class Gallery:
    """Rows of pictures, each row with a heading, in the order of the queries."""

    rows: Mapping[str, Sequence[Picture]]
    caption: str
    when: When = field(default_factory=dict)


@dataclass(frozen=True)
class Note:
    """A paragraph, a sentence of a section, or a warning."""

    text: str
    when: When = field(default_factory=dict)


Part = Table | Figure | Gallery | Note


@dataclass(frozen=True)
class Content:
    """What a section turns the results into: sentences made from the numbers, and parts.

    What has `when`, such as ``{"reference": "random"}``, is shown while the reader's choices are these. The page offers
    a chooser for every name that occurs in parts and sentences. At first `chosen` is chosen, the study's reference for
    `reference`, and else the first value that occurs. Warnings limit the claims of the whole report and are shown on
    its top.
    """

    sentence: str  # what holds whatever is chosen, one sentence a line
    parts: Sequence[Part] = ()
    warnings: Sequence[str | Note] = ()
    chosen: When = field(default_factory=dict)
    sentences: Sequence[Note] = ()  # after `sentence`: those that depend on what is chosen


@dataclass(frozen=True)
class ContactSheet:
    """What to label next, for people to look at: the answer of ``albench query``."""

    title: str
    sentences: Sequence[str]
    facts: Mapping[str, str]  # in a few words each, by what they are
    frame: pd.DataFrame  # rank, file, score (NaN where there is none), predicted_class, probability; best first
    picture: Callable[[int], Images] | None = None  # of a place in the frame, uint8 (C, H, W); None: there are none
    notes: Sequence[str] = ()  # what was left out, a sentence each


@dataclass(frozen=True)
class ReportSection(Component):
    """A part of the report. `compute` makes frames, `draw` turns them into words, tables and figures.

    `columns` and `protocols` are what it needs: it is given the settings in which every one of these columns holds
    something, and whose protocol is one of these. The report says which settings were left out.
    """

    title: ClassVar[str]
    order: ClassVar[int] = 500  # sections appear by rising order, then by name
    columns: ClassVar[Sequence[str]] = ()
    protocols: ClassVar[Sequence[str]] = ()  # by name; none: any

    def lacks(self, results: Results, setting: str) -> str:
        """Return in words what a setting lacks for this section, "" where it lacks nothing."""
        own = results.rounds[results.rounds["setting"] == setting]
        protocol = results.study["settings"][setting]["protocol"]["name"]
        if self.protocols and protocol not in self.protocols:
            return f"its protocol is {protocol}"
        if self.columns and not (own["round"] > 0).any():
            return "no finished cell has queried anything"
        missing = [name for name in self.columns if name not in own or own[name].isna().all()]
        return f"it records no {' and no '.join(missing)}" if missing else ""

    @abstractmethod
    def compute(self, results: Results) -> Mapping[str, pd.DataFrame]:
        """Return the frames that this section shows; no drawing here."""

    @abstractmethod
    def draw(self, frames: Mapping[str, pd.DataFrame], results: Results) -> Content:
        """Return the section's content, made from the computed frames."""


@dataclass(frozen=True)
class ReportFormat(Component):
    """A way to write a report, such as one HTML page."""

    suffix: ClassVar[str]  # of the file; "" for a folder of files

    @abstractmethod
    def write(self, results: Results, path: Path) -> Path:
        """Write the report to `path` and return where it is."""

    def write_sheet(self, sheet: ContactSheet, path: Path) -> Path:  # noqa: ARG002 - of those that define it
        """Write a contact sheet to `path` and return where it is; RequestError in a format that has none."""
        raise RequestError(f"the report format {type(self).__name__} writes no contact sheet; choose html")
