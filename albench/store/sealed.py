"""JSON that carries its own checksum, so that no byte of it can change unnoticed.

The last member of a sealed object, `check`, is the CRC-32 of every byte before it, eight hexadecimal digits.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json

from albench.errors import DamageError

_SEAL = re.compile(rb',(?: |\n +)"check": "([0-9a-f]{8})"\n?\}\n')
_LENGTH = len(',\n "check": "00000000"\n}\n')


def seal(value: Mapping[str, Any], indent: int | None = None) -> bytes:
    """Return an object as UTF-8 JSON that ends with its checksum and a line break.

    Half a surrogate pair, as an undecodable file name has, becomes "?".
    """
    text = json.dumps(dict(value), indent=indent, ensure_ascii=False)
    body = text.removesuffix("}").rstrip().encode("utf-8", "replace")
    member, end = (", ", "}") if indent is None else (",\n" + " " * indent, "\n}")
    return body + f'{member}"check": "{zlib.crc32(body):08x}"{end}\n'.encode()


def unseal(data: bytes) -> dict[str, Any]:
    """Return what `seal` was given; DamageError where a byte of it has changed."""
    return parsed(sealed_part(data) + b"}")


def sealed_part(data: bytes) -> bytes:
    """Return all that the checksum of a sealed object is of; DamageError where a byte of it has changed."""
    tail = _SEAL.search(data, max(0, len(data) - _LENGTH))
    if tail is None or tail.end() != len(data):
        raise DamageError("it is cut short, or was not written by this version of albench")
    if zlib.crc32(data[: tail.start()]) != int(tail[1], 16):
        raise DamageError("its checksum does not hold")
    return data[: tail.start()]


def parsed(data: bytes) -> dict[str, Any]:
    """Return the object of a JSON text; DamageError where it is none."""
    try:
        value = from_json(data, cache_strings="keys")  # fast, and one text for the names of all rows
    except ValueError as error:
        raise DamageError(f"it is no JSON ({type(error).__name__})") from None
    if not isinstance(value, dict):
        raise DamageError("it is no JSON object")
    return value
