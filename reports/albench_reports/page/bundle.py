"""What the page carries compressed, and the hashes that let its own scripts run and no other."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any


def packed(text: str) -> str:
    """Return a text as base64 of gzip; the same text gives the same bytes."""
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


def packed_json(value: Any) -> str:
    """Return a JSON value, packed; see `json_text`."""
    return packed(json_text(value))


def json_text(value: Any) -> str:
    """Return a JSON value as text; a NaN in it is refused, since no browser reads one."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def script_hash(text: str) -> str:
    """Return the source expression of a Content-Security-Policy that lets this very script run."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def asset(name: str) -> str:
    """Return the text of one of the page's own files."""
    return (files("albench_reports") / "assets" / name).read_text(encoding="utf-8")


@cache
def plotly_source() -> str:
    """Return the plotting library's script."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


@cache
def packed_plotly() -> str:
    """Return the plotting library, packed."""
    return packed(plotly_source())
