"""Whether a cell is finished, told from the bytes of its files: what `status` and planning ask of very many cells.

All bytes are read, and each checksum is verified; values are not taken apart, which costs ten times as much. So this
says "finished" of files as `OwnedCell` writes them, and nothing of all others: a `Snapshot` tells about those.
"""

from __future__ import annotations

import re
import zlib

from albench.errors import StoreError
from albench.store.rows import KEY
from albench.store.sealed import sealed_part
from albench.store.source import CELL, OUTCOME, ROUNDS, Source
from albench.study.spec import HARNESS_RESULTS_VERSION, SCHEMA

_CHECK = len(', "check": "00000000"}\n')
# Members of a record itself: what they have inside stands further to the right.
_DONE, _EXHAUSTED = b'\n "status": "done",', b'\n "exhausted": true,'
_ROUNDS = re.compile(rb'\n "rounds": (\d{1,9}),')


def finished_rounds(source: Source, folder: str, key: str, wanted: int | None) -> int | None:
    """Return how many of the wanted rounds the cell of a key has where it is finished, None where that is not sure."""
    try:
        record = sealed_part(source.glance(f"{folder}/{CELL}") or b"") + b","
        outcome = sealed_part(source.glance(f"{folder}/{OUTCOME}") or b"")
        rounds = _whole_rows(source.glance(f"{folder}/{ROUNDS}") or b"", key) - 1
    except StoreError:
        return None
    own = b'{\n "schema": %d,\n "key": "%s",\n "harness": %d,' % (SCHEMA, key.encode(), HARNESS_RESULTS_VERSION)
    if not record.startswith(own) or not outcome.startswith(b'{\n "cell": "%s",' % key[:KEY].encode()):
        return None
    told = _ROUNDS.search(record)
    if _DONE not in record or told is None or rounds < max(0, int(told[1])):
        return None
    if (wanted is None or rounds < wanted) and _EXHAUSTED not in record:
        return None
    return rounds if wanted is None else min(rounds, wanted)


def _whole_rows(data: bytes, key: str) -> int:
    """Return how many rows of the cell of a key there are, numbered from 0 and of one attempt; 0 where one is not."""
    lines = data.splitlines(keepends=True)
    first = lines[0][:-_CHECK] if lines else b""
    end = first[first.rfind(b', "cell": "') :]
    for number, line in enumerate(lines):
        body = line[:-_CHECK]
        if not line.endswith(b', "check": "%08x"}\n' % zlib.crc32(body)):
            return 0
        if not body.endswith(end) or b'"round": %d, ' % number not in body:
            return 0
    return len(lines) if end.startswith(b', "cell": "%s", "attempt": "' % key[:KEY].encode()) else 0
