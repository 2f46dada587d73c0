"""Numbers as a sentence writes them, and names as files and LaTeX take them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from albench.analysis import words

_UNITS = ((7200, 3600, "h"), (120, 60, "min"), (1, 1, "s"), (1e-3, 1e-3, "ms"), (1e-6, 1e-6, "µs"), (0, 1e-9, "ns"))


def points(difference: float, sign: bool = True) -> str:
    """Return a difference of shares in percentage points, "+1.4" or, for a small one, "+0.03"."""
    return _points(difference, _digits(difference), sign)


def interval(low: float, high: float) -> str:
    """Return bounds in percentage points, "0.6 to 2.2"; of bounds that print alike one number."""
    is_hidden = any(0 < abs(bound) < 0.0005 for bound in (low, high))  # one digit would print it as 0
    digits = 2 if is_hidden else _digits(max(abs(low), abs(high)))
    return span(_points(low, digits), _points(high, digits))


def span(low: str, high: str) -> str:
    """Return two printed bounds as "0.6 to 2.2", or as one where they print alike."""
    return low if low == high else f"{low} to {high}"


def _digits(difference: float) -> int:
    return 1 if abs(100 * difference) >= 0.95 or difference == 0 else 2


def _points(difference: float, digits: int, sign: bool = False) -> str:
    text = f"{100 * difference:{'+' if sign else ''}.{digits}f}"
    return text.lstrip("-+") if float(text) == 0 else text.replace("-", "−")


def duration(seconds: float) -> str:
    """Return a time in the unit that people read it in, with three digits: "565 µs", "16.2 ms", "2.27 s", "3.5 min"."""
    rounded = float(f"{seconds:.3g}")
    if not rounded:
        return "0 s"
    size, unit = next((size, unit) for least, size, unit in _UNITS if abs(rounded) >= least)
    return f"{float(f'{rounded / size:.3g}'):g} {unit}".replace("-", "−")


def seeds_in_words(seeds: Sequence[int]) -> str:
    """Return seeds as "0 to 8", or one by one where some between them are missing."""
    ordered = sorted(seeds)
    if len(ordered) > 2 and ordered[-1] - ordered[0] == len(ordered) - 1:
        return f"{ordered[0]} to {ordered[-1]}"
    return words([str(seed) for seed in ordered], limit=9)


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
