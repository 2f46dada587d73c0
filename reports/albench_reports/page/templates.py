"""The pages' templates: text is escaped, and acts on nothing."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from albench_reports.page.plain import plain

if TYPE_CHECKING:
    from jinja2 import Environment


def environment() -> Environment:
    """Return what reads the templates."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    found = Environment(
        loader=PackageLoader("albench_reports"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: plain(value) if isinstance(value, str) else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["base64"] = lambda data: base64.b64encode(data).decode()
    return found
