"""Changes of an input: of its bytes, and of what it says where it is JSON, so that more than the parser is reached."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

MOST_BYTES = 64 * 1024
_NUMBERS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**40, 2**63 - 1, 2**64 - 1)
_WORDS = (
    b"",
    b"\0",
    b"\n",
    b"\r",
    b'"',
    b"[",
    b"]",
    b"{}",
    b",",
    b"=",
    b"null",
    b"true",
    b"NaN",
    b"-Infinity",
    b"1e999",
    b"-1",
    b"0x",
    b"9" * 5000,
    b"[" * 3000,
    b'{"a":' * 3000,
    b"../" * 3,
    b"/dev/zero",
    b"\\ud800",
    "\u202e".encode(),
    b"\xff\xfe",
    b"\x1b[31m",
    b"none",
    b"A" * 300,
)
_VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**63,
    -(2**70),
    10**400,
    0.5,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "\0",
    "\ud800",
    "a\nb",
    "../../x",
    "0" * 64,
    "x" * 5000,
    [],
    [[]],
    {},
    {"": None},
)


def mutated(data: bytes, draws: Random) -> bytes:
    """Return an input with a few of its bytes changed."""
    for _ in range(draws.choice((1, 1, 2, 4, 8))):
        data = draws.choice(_OF_BYTES)(data, draws)[:MOST_BYTES]
    return data


def mutated_json(data: bytes, draws: Random) -> bytes:
    """Return a JSON text with a few of its values changed; one time in four, or where it is none, its bytes."""
    if draws.random() < 0.25:
        return mutated(data, draws)
    try:
        value = json.loads(data)
        for _ in range(draws.choice((1, 1, 2, 4))):
            value = _with_change(value, draws)
        return json.dumps(value).encode()[:MOST_BYTES]
    except (ValueError, RecursionError):
        return mutated(data, draws)


def mutated_lines(data: bytes, draws: Random) -> bytes:
    """Return lines of JSON of which one is changed, doubled, moved or lost."""
    lines = data.splitlines()
    if not lines or draws.random() < 0.1:
        return mutated(data, draws)
    place = draws.randrange(len(lines))
    how = draws.randrange(8)
    if how == 0:
        lines.insert(draws.randrange(len(lines)), lines[place])
    elif how == 1:
        del lines[place]
    else:
        lines[place] = mutated_json(lines[place], draws)
    return b"\n".join(lines)[:MOST_BYTES]


def _with_change(value: Any, draws: Random) -> Any:
    """Return a JSON value of which one part is another, lost or doubled."""
    places = list(_places(value))
    if not places:
        return _odd(draws)
    inside, at = draws.choice(places)
    how = draws.randrange(6)
    if how == 0:
        del inside[at]
    elif how == 1 and isinstance(inside, list):
        inside.insert(at, inside[at])
    elif how == 2:
        other, there = draws.choice(places)
        inside[at] = json.loads(json.dumps(other[there]))
    elif how == 3:
        inside[at] = _nested(draws.choice((5, 60, 400)), inside[at])
    elif how == 4 and isinstance(inside, dict):
        inside[draws.choice([str(one) for one in _VALUES if not isinstance(one, int)])] = inside.pop(at)
    else:
        inside[at] = _odd(draws)
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each part of a JSON value as what holds it and where."""
    waiting = [value]
    while waiting:
        inside = waiting.pop()
        if isinstance(inside, (dict, list)):
            for at in list(inside) if isinstance(inside, dict) else range(len(inside)):
                yield inside, at
                waiting.append(inside[at])


def _odd(draws: Random) -> Any:
    return copy.deepcopy(draws.choice(_VALUES))  # which is changed itself perhaps


def _nested(depth: int, value: Any) -> Any:
    for _ in range(depth):
        value = [value]
    return value


def _flip(data: bytes, draws: Random) -> bytes:
    place = draws.randrange(len(data)) if data else 0
    return data[:place] + bytes([(data[place] if data else 0) ^ (1 << draws.randrange(8))]) + data[place + 1 :]


def _set(data: bytes, draws: Random) -> bytes:
    place = draws.randrange(len(data) + 1)
    return data[:place] + bytes([draws.randrange(256)]) + data[place + 1 :]


def _cut(data: bytes, draws: Random) -> bytes:
    start, end = sorted((draws.randrange(len(data) + 1), draws.randrange(len(data) + 1)))
    return data[:start] + data[end:]


def _end(data: bytes, draws: Random) -> bytes:
    return data[: draws.randrange(len(data) + 1)]


def _double(data: bytes, draws: Random) -> bytes:
    start, end = sorted((draws.randrange(len(data) + 1), draws.randrange(len(data) + 1)))
    return data[:end] + data[start:]


def _word(data: bytes, draws: Random) -> bytes:
    place = draws.randrange(len(data) + 1)
    return data[:place] + draws.choice(_WORDS) + data[place + draws.choice((0, 0, 1, 4)) :]


def _number(data: bytes, draws: Random) -> bytes:
    """Write a number of some width over the bytes, as a length or a count would stand there."""
    width = draws.choice((1, 2, 4, 8))
    place = draws.randrange(len(data) + 1)
    number = (draws.choice(_NUMBERS) + draws.choice((-1, 0, 1))) % (1 << (8 * width))
    return data[:place] + number.to_bytes(width, draws.choice(("little", "big"))) + data[place + width :]


def _digits(data: bytes, draws: Random) -> bytes:
    """Write another number where digits stand."""
    places = [place for place, byte in enumerate(data) if 48 <= byte <= 57]
    if not places:
        return _word(data, draws)
    place = draws.choice(places)
    return data[:place] + str(draws.choice((*_NUMBERS, -1, 10**12))).encode() + data[place + 1 :]


_OF_BYTES: tuple[Callable[[bytes, Random], bytes], ...] = (
    _flip,
    _set,
    _cut,
    _end,
    _double,
    _word,
    _number,
    _digits,
)
