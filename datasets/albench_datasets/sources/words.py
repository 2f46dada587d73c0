"""What a library says of a damaged file, as a sentence can hold it."""

from __future__ import annotations

from albench import reason

LONGEST = 200  # characters; libraries repeat what they were given


def in_short(error: BaseException) -> str:
    """Return an error as one line, its end cut where it is long."""
    text = reason(error)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
