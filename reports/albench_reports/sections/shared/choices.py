"""What a reader can choose from."""

from __future__ import annotations

from albench import Results
from albench_reports.leaders import MANY, first


def references(results: Results) -> list[str]:
    """Return the strategies that can be compared with: all, or of many the study's reference and the leading ones.

    Each has tables and figures of its own.
    """
    offered = first(results, MANY)
    return [name for name in results.strategies if name in offered]
