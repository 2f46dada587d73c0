"""The files of a store and of an archive: as they are, and with checksums that hold over what they should not hold."""

from __future__ import annotations

import io
import json
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import torch

from albench.store.cell import parsed_checkpoint
from albench.store.exporting import export
from albench.store.leases import holder
from albench.store.record import read_outcome, read_record, read_study
from albench.store.results import collect, load
from albench.store.rows import as_frame, missing_value, read_rows, wrong_value
from albench.store.sealed import unseal
from albench.store.source import CELL, OUTCOME, ROUNDS, STUDY
from albench.store.store import open_store
from albench.store.weights import load_weights, save_weights
from tests.fuzz.mutation import mutated, mutated_json, mutated_lines
from tests.fuzz.target import Target, folder, reading
from tests.reports.synthetic import Synthetic

CLAIM = b'{"host": "a", "boot": "b", "namespace": "c", "pid": 1, "started": "2", "token": "d3"}'
SEALED = (CELL, OUTCOME, STUDY)


@cache
def store() -> Path:
    """Return a small store; none of its numbers was computed."""
    study = Synthetic(effects={"random": 0.0, "min": 0.01}, seeds=(0,), rounds=2, protocols=("discovery", "top-k"))
    return study.write(folder() / "store")


@cache
def archive() -> bytes:
    """Return the archive of the store."""
    path = folder() / "whole.zip"
    export(open_store(store()), path, False)
    return path.read_bytes()


def _first(name: str) -> bytes:
    return min(store().rglob(name)).read_bytes()


@cache
def key() -> str:
    return str(unseal(_first(CELL))["key"])


def body(data: bytes) -> bytes:
    """Return sealed JSON without its seal."""
    return json.dumps(unseal(data)).encode()


def sealed(data: bytes) -> bytes:
    """Return a JSON object with a seal that holds, whatever is in it."""
    text = data.rstrip().removesuffix(b"}").rstrip()
    return text + f', "check": "{zlib.crc32(text):08x}"}}\n'.encode()


def sealed_lines(data: bytes) -> bytes:
    """Return lines with seals that hold."""
    return b"".join(map(sealed, data.splitlines()))


def _read_rows(data: bytes) -> object:
    rows = read_rows(data, key())
    wrong = missing_value(rows) or wrong_value(rows, {})
    name = dict.fromkeys(("setting", "scenario", "protocol", "learner", "network", "strategy"), "") | {"seed": 0}
    return wrong or as_frame([(name, rows)])


def _bodies(name: str) -> Sequence[bytes]:
    return (body(_first(name)), b'{"a": ' + b"[" * 100_000, b'{"schema": 1}', b'{"schema": ' + b"9" * 5000 + b"}")


def _lines() -> Sequence[bytes]:
    lines = _first(ROUNDS).splitlines(keepends=True)
    return (
        b"\n".join(map(body, lines)),
        b'{"round": ' + b"9" * 5000 + b"}",
        b'{"round": 0, "notes": ' + b"[" * 100_000,
    )


def _state() -> dict[str, Any]:
    rows = [unseal(line) for line in _first(ROUNDS).splitlines(keepends=True)]
    plain = [{name: value for name, value in row.items() if name not in ("cell", "attempt")} for row in rows]
    memory = {"n": 1, "list": [1.5, None]}
    return {"key": key(), "attempt": "a", "rows": plain, "labeled": [0, 5], "classes": [1, 0], "memory": memory}


def _written(state: Any) -> bytes:
    path = folder() / "checkpoint.safetensors"
    save_weights(path, {"head.weight": torch.zeros(2, 3), "memory/x": torch.ones(2)}, state)
    return path.read_bytes()


def _checkpoint_of(data: bytes) -> object:
    """Read a checkpoint of which every byte is as it was written, and whose state is anything."""
    try:
        state = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return parsed_checkpoint(_written(state), key())


def _checkpoints() -> Sequence[bytes]:
    claim = {"x": {"dtype": "F32", "shape": [2**40, 2**22], "data_offsets": [0, 2**64 - 1]}}
    header = json.dumps(claim).encode()
    deep = b'{"__metadata__": ' + b"[" * 100_000
    return (
        _written(_state()),
        struct.pack("<Q", len(header)) + header,
        struct.pack("<Q", len(deep)) + deep,
        struct.pack("<Q", 2**64 - 1) + b"{}",
    )


def packed(members: Sequence[tuple[str, bytes]], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip file of these members; a name may stand twice."""
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", how) as zipped:
        warnings.simplefilter("ignore")  # of a name that stands twice
        for name, data in members:
            zipped.writestr(zipfile.ZipInfo(name), data, how)
    return file.getvalue()


def _members(data: bytes) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as zipped:
        return [(info.filename, zipped.read(info)) for info in zipped.infolist()]


def mutated_archive(data: bytes, draws: Random) -> bytes:
    """Return an archive of which one member is other, under seals that hold, or whose bytes are."""
    if draws.random() < 0.3:
        return mutated(data, draws)
    try:
        members = _members(data)
        place = draws.randrange(len(members))
    except Exception:  # noqa: BLE001 - what was changed before need not be an archive
        return mutated(data, draws)
    name, content = members[place]
    how = draws.randrange(10)
    if how == 0:
        members[place] = (mutated(name.encode(), draws).decode("latin-1").replace("\0", "0"), content)
    elif how == 1:
        members.append((name, content))
    elif how == 2:
        del members[place]
    else:
        members[place] = (name, _mutated_member(name, content, draws))
    return packed(members)


def _mutated_member(name: str, content: bytes, draws: Random) -> bytes:
    try:
        if name.endswith(ROUNDS):
            lines = b"\n".join(map(body, content.splitlines(keepends=True)))
            return sealed_lines(mutated_lines(lines, draws))
        return sealed(mutated_json(body(content), draws))
    except Exception:  # noqa: BLE001 - as above
        return mutated(content, draws)


@cache
def _archives() -> Sequence[bytes]:
    bomb = packed([(STUDY, b" " * (80 * 2**20))])
    many = packed([(f"cells/a/b/seed-{number}-{number:08x}/{CELL}", b"") for number in range(500)])
    liar = bytearray(archive())
    place = liar.rfind(b"PK\x01\x02")
    liar[place + 24 : place + 28] = b"\xff\xff\xff\x7f"  # the size of its last member
    return archive(), bomb, many, bytes(liar), packed(_members(archive()), zipfile.ZIP_STORED)


def _read_archive(path: Path) -> object:
    """Use an archive as commands do."""
    found = open_store(path)
    return found.statuses(), load(path, unfinished=True), collect(path), found.kept()


def _of_seal(read: Callable[[bytes], object]) -> Callable[[bytes], object]:
    return lambda data: read(sealed(data))


TARGETS = {
    "sealed JSON": Target(unseal, lambda: [_first(name) for name in SEALED]),
    "study.json": Target(_of_seal(lambda data: read_study(data, STUDY)), lambda: _bodies(STUDY), mutated_json),
    "cell.json": Target(_of_seal(lambda data: read_record(data, None, CELL)), lambda: _bodies(CELL), mutated_json),
    "outcome.json": Target(_of_seal(lambda data: read_outcome(data, key())), lambda: _bodies(OUTCOME), mutated_json),
    "rounds.jsonl": Target(lambda data: _read_rows(sealed_lines(data)), _lines, mutated_lines),
    "claim": Target(reading("claim", holder), lambda: [CLAIM], mutated_json),
    "weights": Target(load_weights, _checkpoints),
    "checkpoint": Target(_checkpoint_of, lambda: [json.dumps(_state()).encode()], mutated_json),
    "archive": Target(reading("archive.zip", _read_archive), _archives, mutated_archive),
}
