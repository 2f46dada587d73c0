"""Seeds as users write them: a number of them, a list, ranges."""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence
from typing import SupportsIndex

from albench.errors import RequestError, shown

Seeds = int | str | Sequence[int]

LARGEST = 2**63 - 1  # what a column of results holds
MOST = 100_000  # seeds of one study
_RANGE = re.compile(r"(\d+)\s*-\s*(\d+)")


def read_seeds(wanted: Seeds, where: str) -> tuple[int, ...]:
    """Return seeds from a count (3 means 0, 1, 2), or from a list and ranges ("0,3,7", "0-4"; "3," is seed 3 alone).

    Raises RequestError for what is neither, for seeds outside 0..2^63 - 1, and for more than 100,000 of them.
    """
    try:
        pieces = _pieces(wanted)
    except (TypeError, ValueError):
        raise RequestError(
            f"{where}: seeds: {shown(wanted)} is neither a number of seeds nor a list such as 0,3,7 or 0-4"
        ) from None
    if sum(_length(piece) for piece in pieces) > MOST:
        raise RequestError(f"{where}: seeds: {shown(wanted)} are more than {MOST}; ask for fewer")
    chosen = tuple(dict.fromkeys(seed for piece in pieces for seed in piece))
    if not chosen or min(chosen) < 0:
        raise RequestError(
            f"{where}: seeds: {shown(wanted)}; give a number of seeds from 1 up, or a list of numbers from 0 up"
        )
    if max(chosen) > LARGEST:
        raise RequestError(f"{where}: seeds: {shown(max(chosen))} is too large; a seed is at most 2^63 - 1")
    return chosen


def _pieces(wanted: Seeds) -> Sequence[Sequence[int]]:
    if isinstance(wanted, str):
        if "," not in wanted and not _RANGE.fullmatch(wanted.strip()):
            return [range(int(wanted))]
        return [_range(part.strip()) for part in wanted.split(",") if part.strip()]
    if isinstance(wanted, SupportsIndex):
        return [range(operator.index(wanted))]
    return [[operator.index(seed) for seed in wanted]]


def _range(text: str) -> range:
    match = _RANGE.fullmatch(text)
    first, last = (int(match[1]), int(match[2])) if match else (int(text), int(text))
    return range(first, last + 1)


def _length(piece: Sequence[int]) -> int:
    if isinstance(piece, range):  # len() of a range beyond the size of memory raises
        return max(0, piece.stop - piece.start)
    return len(piece)
