"""Everything that can go wrong, each a sentence: what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

SHOWN = 80  # characters of somebody's input that a message repeats
MOST_TEXT = 2000  # characters of a message: what a cell's failure says in its record, on the terminal and in reports
_MARK = 60  # characters that the mark takes at most
TIMED_OUT = "timed out"  # how the failure of a cell begins that a further run tries again


class AlbenchError(Exception):
    """Base of every error that albench raises on purpose."""


class RequestError(AlbenchError):
    """The request is wrong, and could be checked before the first cell (exit code 2)."""


class MissingLibraryError(RequestError):
    """A component asks a library that is not installed; the sentence names the extra that brings it."""


class DataError(RequestError):
    """Data are absent, damaged, or do not hold what a scenario asks of them."""


class StoreError(RequestError):
    """A folder is no store, or holds something that this version must not touch."""


class DamageError(StoreError):
    """A stored file does not hold what was written into it, or is another's."""


class WriteError(AlbenchError):
    """A file of a store cannot be written: the disk is full, or writing is not permitted."""


class HeldError(AlbenchError):
    """A live process holds what was asked for."""


class LostError(HeldError):
    """A lease passed to another holder, so that its former one must write nothing more."""


class StoreWarning(UserWarning):
    """Something in a store is damaged and left out, or was put together again."""


class EngineError(AlbenchError):
    """What cells were given to cannot be reached."""


class EngineWarning(UserWarning):
    """What cells were given to is away, and waited for."""


class StrategyError(AlbenchError):
    """A strategy broke its contract; its cell fails and nothing else does."""


class SettingError(AlbenchError):
    """A protocol, a learner or a network broke its contract; the cells that use it fail."""


class DivergedError(AlbenchError):
    """Training produced a loss or a weight that is not finite."""


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """Return "; did you mean 'x'?" for the closest known name, whatever its case, or an empty string."""
    by_lower = {name.lower(): name for name in known}
    close = get_close_matches(wrong[:SHOWN].lower(), list(by_lower), n=1)
    return f"; did you mean {by_lower[close[0]]!r}?" if close else ""


def shown(value: Any) -> str:
    """Return a value as a message repeats it: its repr, a long one cut."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of more digits than Python writes, nesting without end
        return f"a {type(value).__name__} too large to show"
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def printable(text: str) -> str:
    """Return a text with escapes for characters that act on a terminal or a page, and for bytes that are no UTF-8."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def reason(error: BaseException) -> str:
    """Return an error as one line, cut at MOST_TEXT characters: its class (unless it is ours) and its message."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - of a class whose message is broken as well
        text = "its message cannot be had"
    name = type(error).__name__
    if not isinstance(error, AlbenchError):
        text = f"{name}: {text}" if text.strip() else name
    return " ".join(cut(text, MOST_TEXT).split())


def cut(text: str, most: int) -> str:
    """Return a text of at most `most` characters: of a longer one both ends, and a mark of how much is missing."""
    if len(text) <= most:
        return text
    half = (most - _MARK) // 2
    return f"{text[:half]} [... {len(text) - 2 * half} characters are left out here ...] {text[-half:]}"
