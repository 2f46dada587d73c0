"""Sealed JSON: what was written is read, and no other byte is taken for it."""

from __future__ import annotations

import binascii
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from albench.errors import DamageError
from albench.store.sealed import seal, unseal
from tests.store.conftest import cell

VALUES = st.dictionaries(
    st.text(),
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(), st.lists),
)
CHANGES = st.tuples(st.integers(0, 10**6), st.integers(1, 255))


@given(VALUES.filter(bool).filter(lambda value: "check" not in value), st.sampled_from([None, 1]))
def test_what_was_sealed_is_read_again(value: dict[str, Any], indent: int | None) -> None:
    assert unseal(seal(value, indent)) == json.loads(json.dumps(value, ensure_ascii=True).encode())


@given(VALUES.filter(bool), st.sampled_from([None, 1]), CHANGES)
def test_a_byte_that_is_another_is_noticed(value: dict[str, Any], indent: int | None, change: tuple[int, int]) -> None:
    data = bytearray(seal(value, indent))
    place, other = change
    data[place % len(data)] ^= other
    with pytest.raises(DamageError):
        unseal(bytes(data))


@given(VALUES.filter(bool), st.sampled_from([None, 1]), st.integers(1, 10**6))
def test_an_end_that_is_missing_is_noticed(value: dict[str, Any], indent: int | None, cut: int) -> None:
    data = seal(value, indent)
    with pytest.raises(DamageError):
        unseal(data[: -(1 + cut % len(data))])


def test_the_checksum_on_disk_is_the_crc_32_of_the_bytes_before_it(store: Path) -> None:
    """As docs/store.md says, told without the code that reads it."""
    files = [store / "study.json", cell(store) / "cell.json", cell(store) / "outcome.json"]
    lines = (cell(store) / "rounds.jsonl").read_bytes().splitlines()
    assert len(lines) == 3
    for data in [*(path.read_bytes() for path in files), *lines]:
        before, _, after = data.rpartition(b'"check": "')
        body = before.rstrip().removesuffix(b",")
        assert after[:8].decode() == f"{binascii.crc32(body):08x}"
        assert json.loads(data)["check"] == after[:8].decode()
