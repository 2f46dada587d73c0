"""What a cell may take, time and memory, as it is written and as messages say it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from albench.contracts.executor import Executor
from albench.errors import RequestError, shown

SILENT_SECONDS = 600.0  # without a word of a cell, after which that is told; again after twice as long, and so on

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_DURATION = re.compile(r"(?:(\d{1,9}(?:\.\d{1,9})?)([smhd])\s*)+", re.IGNORECASE)
_PART = re.compile(r"(\d+(?:\.\d+)?)([smhd])", re.IGNORECASE)
_SIZE = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*([KMGT])(?:i?B)?", re.IGNORECASE)


@dataclass(frozen=True)
class Limits:
    """How long a cell, and how much memory its worker process, may take: seconds and bytes, None without a limit."""

    cell_timeout: float | None = None
    memory: int | None = None

    @classmethod
    def of(cls, cell_timeout: str | float | None, memory: str | float | None) -> Limits:
        """Return limits as options write them; RequestError."""
        return cls(None if cell_timeout is None else seconds(cell_timeout), None if memory is None else size(memory))

    def check(self, engine: Executor) -> None:
        """Raise RequestError where an executor keeps no limits."""
        given = [f"--{name.replace('_', '-')}" for name, value in vars(self).items() if value is not None]
        if given and not engine.ends_cells:
            raise RequestError(
                f"{' and '.join(given)}: what runs these cells cannot end one; leave it out, or let the executor local "
                "run them (a class of a notebook goes into a file)"
            )


UNLIMITED = Limits()


def seconds(text: str | float) -> float:
    """Return a duration such as 90s, 30m, 2h, 1h30m or 1d in seconds; a number is one of seconds. RequestError."""
    if isinstance(text, str) and _DURATION.fullmatch(text.strip()):
        value = sum(float(number) * _SECONDS[unit.lower()] for number, unit in _PART.findall(text))
    else:
        value = _positive(text)
    if value <= 0:
        raise RequestError(f"--cell-timeout {shown(text)}: write how long one cell may take, such as 90s, 30m or 2h")
    return value


def size(text: str | float) -> int:
    """Return a size such as 500M, 8G or 1.5T in bytes, units of 1024; a number is one of bytes. RequestError."""
    match = _SIZE.fullmatch(text.strip()) if isinstance(text, str) else None
    value = float(match[1]) * _BYTES[match[2].upper()] if match else _positive(0 if isinstance(text, str) else text)
    if value < 1:
        raise RequestError(f"--memory {shown(text)}: write how much memory one worker may take, such as 500M or 8G")
    return int(value)


def in_words(duration: float) -> str:
    """Return seconds as people say them: "90 seconds", "30 minutes", "2 hours"."""
    for unit, length in (("hour", 3600), ("minute", 60)):
        if duration >= 2 * length or duration == length:
            return _counted(duration / length, unit)
    return _counted(duration, "second")


def gigabytes(count: int) -> str:
    """Return bytes in units of 1024^3: "8.0 GB"."""
    return f"{count / 2**30:.{1 if count >= 2**30 else 2}f} GB"


def _positive(value: str | float) -> float:
    """Return a number, 0 for what is none that can be meant."""
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return 0.0
    return number if 0 < number < 1e15 else 0.0


def _counted(count: float, unit: str) -> str:
    text = f"{count:.1f}".removesuffix(".0")
    return f"{text} {unit}" if text == "1" else f"{text} {unit}s"
