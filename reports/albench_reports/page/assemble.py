"""From results to what the page shows: every section found through the host, none able to spoil the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from albench import Content, Figure, Gallery, Note, Part, ReportSection, Results, Table, host, reason
from albench_reports.leaders import LINES_AT_FIRST, first
from albench_reports.page.bundle import json_text
from albench_reports.page.dress import dress
from albench_reports.page.lines import Line, holds, lines, sentences
from albench_reports.page.palette import Style, styles
from albench_reports.page.tables import Grid, grid


@dataclass(frozen=True)
class PagePart:
    """A part with its id, whether it is shown at first, and what it was made into."""

    id: str
    kind: str
    part: Part
    is_shown: bool
    grid: Grid | None = None
    plot: Mapping[str, Any] | None = None

    @property
    def is_packed(self) -> bool:
        """Whether it waits compressed until it is chosen; pictures do not, they are compressed already."""
        return not self.is_shown and not isinstance(self.part, Gallery)


@dataclass(frozen=True)
class PageSection:
    """A section as the page shows it: content, or the failure that stands in its place."""

    id: str
    title: str
    order: int
    content: Content
    failure: str = ""
    parts: Sequence[PagePart] = ()
    sentences: Sequence[Line] = ()
    warnings: Sequence[Line] = ()

    @property
    def choices(self) -> dict[str, list[str]]:
        """What a reader can choose here: name -> values, in the order of the parts."""
        found: dict[str, list[str]] = {}
        warned = [text for text in self.content.warnings if isinstance(text, Note)]
        for part in [*self.content.parts, *self.content.sentences, *warned]:
            for name, value in part.when.items():
                if value not in found.setdefault(name, []):
                    found[name].append(value)
        return found

    def own(self, chosen: Mapping[str, str]) -> dict[str, str]:
        """Return what is chosen here of what is chosen on the page: its own first value where it has no such one."""
        return {name: chosen[name] if chosen[name] in values else values[0] for name, values in self.choices.items()}

    @property
    def has_axes(self) -> bool:
        """Whether a figure offers another horizontal axis."""
        return any(meta.get("x") for meta in self._metas())

    @property
    def has_seeds(self) -> bool:
        """Whether a figure has lines of single seeds."""
        return any(meta.get("role") == "seeds" for meta in self._metas())

    def _metas(self) -> list[Mapping[str, Any]]:
        return [trace.get("meta", {}) for part in self.parts if part.plot for trace in part.plot["data"]]


@dataclass(frozen=True)
class Page:
    """Everything that the template needs."""

    results: Results
    sections: Sequence[PageSection]
    looks: Mapping[str, Style]
    chosen: Mapping[str, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()  # strategies that figures do not show until they are switched on

    @property
    def limits(self) -> list[Line]:
        """What limits the report's claims, each once, failed sections included."""
        said = [line for section in self.sections for line in section.warnings]
        said += [Line(section.failure, section.id) for section in self.sections if section.failure]
        return list({(line.text, *line.when.items()): line for line in said}.values())

    @property
    def warnings(self) -> list[str]:
        """The limits that are shown at first."""
        return [line.text for line in self.limits if line.is_shown]

    @property
    def parts(self) -> list[PagePart]:
        """The parts of all sections."""
        return [part for section in self.sections for part in section.parts]

    @property
    def families(self) -> dict[str, dict[str, Style]]:
        """The strategies' looks, variants of one strategy together."""
        found: dict[str, dict[str, Style]] = {}
        for name, look in self.looks.items():
            found.setdefault(look.family, {})[name] = look
        return found

    @property
    def figures(self) -> dict[str, Any]:
        """The figures by the ids of their parts."""
        return {part.id: part.plot for part in self.parts if part.plot}


def assemble(results: Results) -> Page:
    """Return the page of some results."""
    shown = first(results, LINES_AT_FIRST)
    others = [name for name in results.strategies if name not in shown]
    looks = styles([*shown, *others])
    drawn = [_drawn(name, results) for name in host().names("report-sections")]
    drawn.sort(key=lambda section: (section.order, section.id))
    chosen = _chosen(results, drawn)
    return Page(results, [_made(section, chosen, looks) for section in drawn], looks, chosen, frozenset(others))


def _drawn(name: str, results: Results) -> PageSection:
    """Return a section with its content; whatever it raises becomes its failure."""
    title, order = name.replace("-", " ").capitalize(), ReportSection.order
    try:
        section = host().configure("report-sections", name)
        title, order = str(section.title), int(section.order)
        content = _content(section, results)
        if not isinstance(content, Content):
            raise TypeError(f"draw returned a {type(content).__name__}; return an albench.Content")
    except Exception as error:  # noqa: BLE001 - a section's failure is a note in its place
        return PageSection(name, title, order, Content(""), _failure(name, error))
    return PageSection(name, title, order, content)


def _content(section: ReportSection, results: Results) -> Content:
    """Return what a section makes of the settings that have what it needs, and a line for each of the others."""
    lacking = {setting: section.lacks(results, setting) for setting in results.settings}
    left_out = [f"{setting} is not shown here: {lack}." for setting, lack in lacking.items() if lack]
    shown = [setting for setting, lack in lacking.items() if not lack]
    if left_out and not shown:
        return Content("\n".join(left_out))
    suited = results.only(shown) if left_out else results
    content = section.draw(section.compute(suited), suited)
    return replace(content, sentences=[*content.sentences, *map(Note, left_out)])


def _failure(name: str, error: Exception) -> str:
    return f"The section {name!r} could not be made: {reason(error)}"


def _chosen(results: Results, sections: Iterable[PageSection]) -> dict[str, str]:
    """Return what is chosen at first: the first value of each name, the study's reference where it can be chosen."""
    chosen: dict[str, str] = {}
    for section in sections:
        for name, values in section.choices.items():
            is_reference = name == "reference" and results.reference in values
            wanted = results.reference if is_reference else section.content.chosen.get(name, values[0])
            chosen.setdefault(name, wanted if wanted in values else values[0])
    return chosen


def _made(section: PageSection, chosen: Mapping[str, str], looks: Mapping[str, Style]) -> PageSection:
    try:
        own = section.own(chosen)
        parts = [_part(section, place, part, own, looks) for place, part in enumerate(section.content.parts)]
        said = sentences(section.content, section.id, own)
        warned = lines(section.content.warnings, section.id, own)
    except Exception as error:  # noqa: BLE001 - see _drawn
        return replace(section, content=Content(""), failure=_failure(section.id, error))
    return replace(section, parts=parts, sentences=said, warnings=warned)


def _part(
    section: PageSection, place: int, part: Part, chosen: Mapping[str, str], looks: Mapping[str, Style]
) -> PagePart:
    made = PagePart(
        id=f"{section.id}-{place + 1}",
        kind=type(part).__name__.lower(),
        part=part,
        is_shown=holds(part.when, chosen),
    )
    if isinstance(part, Table):
        return replace(made, grid=grid(part))
    if isinstance(part, Figure):
        plot = dress(part.plot, looks)
        json_text(plot)  # what JSON cannot hold is this section's failure, not the page's
        return replace(made, plot=plot)
    return made
