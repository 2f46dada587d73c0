"""Inputs that readers once did not take, the smallest of each kind that fuzzing has found."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pyarrow
import pytest

from albench.errors import DataError
from albench.store.source import STUDY
from tests.fuzz.data import npy, npy_that_claims, packed, parquet_file
from tests.fuzz.judging import fault_of
from tests.fuzz.stored import key
from tests.fuzz.targets import TARGETS

ABSENT = object()


def _row(**values: object) -> bytes:
    """Return the first row of a cell with other values, or without some."""
    row = {**json.loads(TARGETS["rounds.jsonl"].inputs()[0].splitlines()[0]), **values}
    return json.dumps({name: value for name, value in row.items() if value is not ABSENT}).encode()


def _misnamed() -> bytes:
    """Return an archive whose file says that its name is UTF-8, which it is not."""
    data = bytearray(packed([(STUDY, b"{}")]))
    data[7], data[30] = 0x08, 0x81  # of the header before the file: a flag, and its name's first character
    return bytes(data)


def _record(columns: object) -> bytes:
    """Return a cell's record, of a protocol that adds such columns."""
    record = json.loads(TARGETS["cell.json"].inputs()[0])
    return json.dumps({**record, "request": {**record["request"], "columns": columns}}).encode()


FEATURES = npy([[0.0], [1.0]])
FOUND = {
    "an attempt that is a list": (
        "rounds.jsonl",
        b'{"round": 0, "cell": "' + key()[:16].encode() + b'", "attempt": []}',
    ),
    "a number beyond all floats": ("rounds.jsonl", _row(accuracy=10**400)),
    "a column whose type is long": ("cell.json", _record({"x": "y" * 3000})),
    "a row without a count": ("rounds.jsonl", _row(n_labeled=ABSENT)),
    "a row without indices": ("rounds.jsonl", _row(query_indices=ABSENT)),
    "an archive whose file's name is no text": ("archive", _misnamed()),
    "a pickle that asks for lines": ("CIFAR's pickle", b"cos\nsystem\r\n."),
    "a pickle that asks for much": ("CIFAR's pickle", b"cos\n" + b"9" * 3000 + b"\n."),
    "a state dict that holds more": ("state dict", pickle.dumps(print)),
    "a device for a file of weights": ("study file", b'strategies="random"\nnetwork="torchvision[weights=/dev/zero]"'),
    "a pack's end in no UTF-8": ("ends of a pack", b"\x80"),
    "a line break in a schema": ("cell.json", b'{"schema": "a\\nb"}'),
    "an array without a length": ("features in a folder", b"\x02" + npy("a")),
    "an array's header cut in brackets": ("features in a folder", b"\x00" + npy_that_claims("(")),
    "an array in a file, its header cut": ("features in a file", packed([("features.npy", npy_that_claims("("))])),
    "an array whose header is long": ("features in a folder", b"\x00" + npy_that_claims("9" * 3000)),
    "a path of characters that are none": (
        "features in a folder",
        b"\x04" + npy_that_claims("(6,)", "'<U1'", b"\xff" * 24),
    ),
    "an archive for an array": ("features in a folder", b"\x00" + packed([("a.npy", FEATURES)])),
    "a block that is no array": ("features begun", packed([("features", b"x")])),
    "a copy whose checksums are none": ("decoded copy", b'{"copy": "copy", "crc32": null}'),
    "a source of brackets": ("features in a folder", b"\x05" + npy("[" * 10_000)),
    "a table about brackets": ("Parquet", parquet_file(about="[" * 10_000)),
    "results of brackets": ("benchmarks", b"[" * 10_000),
    "a pack's end in brackets": ("ends of a pack", b"[" * 10_000),
    "a table of texts that are none": (
        "Parquet",
        parquet_file(pyarrow.array([b"\xff", b"a", b"a"]).view(pyarrow.string())),
    ),
    "a table cut in its pages": (
        "Parquet",
        parquet_file(use_dictionary=False).replace(b"\x15\x00\x15", b"\x15\x00\xff"),
    ),
}


@pytest.mark.parametrize("what", FOUND)
def test_what_fuzzing_has_found_is_taken_or_refused_in_one_sentence(what: str) -> None:
    name, data = FOUND[what]
    assert fault_of(TARGETS[name].read, data) == ""


def test_an_array_that_would_unpack_to_hundreds_of_times_its_size_is_refused() -> None:
    zeros = npy_that_claims("(10000000, 2)", content=b"\0" * 80_000_000)
    with pytest.raises(DataError, match="it would unpack to more than 200 times its size"):
        TARGETS["features in a file"].read(packed([("features.npy", zeros)]))


def test_half_a_character_is_no_class() -> None:
    with pytest.raises(DataError, match="it holds characters that are none"):
        TARGETS["features in a folder"].read(b"\x02" + npy(np.array(["\ud800", "b"])))
