"""One section in its own process: `python -m benchmarks.on_gpu.section NAME --rows FILE --seconds N [--dry]`."""

from __future__ import annotations

import argparse
import importlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MODULES = {
    "device": "device",
    "ahead": "ahead",
    "products": "products",
    "queries": "queries",
    "training": "training",
    "cells": "cells",
    "tests": "gpu_tests",
    "sweep": "sweep",
}


@dataclass(frozen=True)
class Session:
    """What a section is told, and where its rows go."""

    rows: Path
    seconds: float
    dry: bool
    configurations: int
    start: float

    @property
    def device(self) -> str:
        """The device to measure."""
        return "cpu" if self.dry else "cuda"

    def left(self) -> float:
        """Return the seconds that are left."""
        return self.seconds - (time.monotonic() - self.start)

    def row(self, **values: Any) -> None:
        """Keep a row at once."""
        with self.rows.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values, default=str) + "\n")  # what a library counts in types of its own


def main() -> None:
    """Run the section that was asked for."""
    start = time.monotonic()
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=list(MODULES))
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--dry", action="store_true")
    parser.add_argument("--configurations", type=int, default=99)
    words = parser.parse_args()
    session = Session(words.rows, words.seconds, words.dry, words.configurations, start)
    importlib.import_module(f"benchmarks.on_gpu.{MODULES[words.name]}").measure(session)


if __name__ == "__main__":
    main()
