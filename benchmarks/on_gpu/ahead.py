"""Every tile size compiled ahead of time for three architectures, without a GPU: shared memory, registers, spills."""

from __future__ import annotations

import tempfile
import time
from dataclasses import astuple
from pathlib import Path

from benchmarks.on_gpu.section import Session
from benchmarks.on_gpu.tiles import interleaved
from tests.emoc.compiled import SHARED_BYTES, compiled

LAYERS = 2


def measure(session: Session) -> None:
    """Leave a row for each architecture, precision and tile size."""
    for precision, tiles in interleaved(session.configurations):
        for architecture, limit in SHARED_BYTES.items():
            start = time.perf_counter()
            with tempfile.TemporaryDirectory() as folder:
                found = compiled(architecture, precision, LAYERS, tiles, Path(folder))
            session.row(
                architecture=architecture,
                precision=precision,
                tiles=astuple(tiles),
                shared_bytes=found.shared_bytes,
                fits=found.shared_bytes <= limit,
                registers=found.registers,
                spilled_bytes=found.spilled_bytes,
                compile_seconds=time.perf_counter() - start,
            )
