"""What plugin authors test with: a real `Query` in one call."""

from __future__ import annotations

from albench.testing.queries import make_query

__all__ = ["make_query"]
