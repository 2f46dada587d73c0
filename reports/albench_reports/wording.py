"""Numbers as a sentence writes them, and names as files and LaTeX take them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable


def points(difference: float, sign: bool = True) -> str:
    """Return a difference of shares in percentage points, "+1.4" or, for a small one, "+0.03"."""
    value = 100 * difference
    digits = 1 if abs(value) >= 0.95 or value == 0 else 2
    return f"{value:{'+' if sign else ''}.{digits}f}".replace("-", "−")


def interval(low: float, high: float) -> str:
    """Return bounds in percentage points, "0.6 to 2.2"."""
    return f"{points(low, sign=False)} to {points(high, sign=False)}"


def percent(share: float) -> str:
    """Return a share, "62.5 %" or "60 %"."""
    value = round(100 * share, 1)
    return (f"{value:.0f} %" if value.is_integer() else f"{value} %").replace("-", "−")


def p_value(p: float) -> str:
    """Return a p value, "p = .016" or "p < .001"."""
    if math.isnan(p):
        return "p unknown"
    if p < 0.001:
        return "p < .001"
    return "p = 1" if p > 0.9995 else f"p = {p:.3f}".replace("0.", ".", 1)


def count(number: float, one: str, many: str = "") -> str:
    """Return "1 seed" or "9 seeds"."""
    return f"{number:g} {one if number == 1 else many or one + 's'}"


def slugs(names: Iterable[str]) -> dict[str, str]:
    """Return a short form of each name, of a-z, 0-9 and "-", no two alike."""
    found: dict[str, str] = {}
    for name in names:
        short = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "setting"
        taken = set(found.values())
        numbered = (f"{short}-{number}" for number in range(2, len(found) + 3))
        found[name] = next(one for one in (short, *numbered) if one not in taken)
    return found
