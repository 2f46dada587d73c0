"""The report as one HTML page that needs nothing else: no network, no server, no other file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from albench import ContactSheet, ReportFormat, Results, write_text
from albench_reports.page import about, bundle
from albench_reports.page.assemble import Page, assemble
from albench_reports.page.sheet import render_sheet
from albench_reports.page.templates import environment


@dataclass(frozen=True)
class Html(ReportFormat):
    """One self-contained page with every section that is installed; the same results give the same bytes."""

    suffix: ClassVar[str] = ".html"

    def write(self, results: Results, path: Path) -> Path:
        """Write the page and return its path."""
        write_text(path, render(assemble(results)))
        return path

    def write_sheet(self, sheet: ContactSheet, path: Path) -> Path:
        """Write a contact sheet and return its path."""
        write_text(path, render_sheet(sheet))
        return path


def render(page: Page) -> str:
    """Return the page as text."""
    templates = environment()
    body: Callable[..., str] = templates.get_template("parts.html.j2").module.body  # type: ignore[attr-defined]
    waiting = {part.id: str(body(part, page.looks)) for part in page.parts if part.is_packed}
    script = "\n".join(bundle.asset(name) for name in ("page.js", "tables.js", "figures.js"))
    return templates.get_template("page.html.j2").render(
        page=page,
        results=page.results,
        title=about.title(page.results),
        facts=about.facts(page.results),
        style=bundle.asset("page.css"),
        script=script,
        hashes=[bundle.script_hash(script), bundle.script_hash(bundle.plotly_source())],
        packed_parts=bundle.packed_json(waiting),
        packed_figures=bundle.packed_json(page.figures),
        packed_plotly=bundle.packed_plotly() if page.figures else "",
    )
