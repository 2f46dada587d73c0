"""The report of albench: one HTML page, its sections, figures for papers, and the leaderboard in other formats."""

from __future__ import annotations

from collections.abc import Mapping

import albench


@albench.hookimpl
def albench_report_sections() -> Mapping[str, str]:
    """Return the sections of the page."""
    return {
        "leaderboard": "albench_reports.sections.leaderboard:Leaderboard",
        "curves": "albench_reports.sections.curves:Curves",
        "targets": "albench_reports.sections.targets:Targets",
        "significance": "albench_reports.sections.significance:Significance",
        "discovered": "albench_reports.sections.discovered:Discovered",
        "asked": "albench_reports.sections.asked:Asked",
        "asked-classes": "albench_reports.sections.asked_classes:AskedClasses",
        "cost": "albench_reports.sections.cost:Cost",
        "trust": "albench_reports.sections.trust:Trust",
    }


@albench.hookimpl
def albench_report_formats() -> Mapping[str, str]:
    """Return the ways to write a report."""
    return {
        "html": "albench_reports.page.html:Html",
        "md": "albench_reports.formats:Markdown",
        "csv": "albench_reports.formats:Csv",
        "json": "albench_reports.formats:Json",
        "latex": "albench_reports.formats:Latex",
        "figures": "albench_reports.figures.files:Figures",
    }
