"""One target under atheris, in a process of its own: `python -m tests.fuzz.one TARGET RUNS SEED FOLDER`.

What is wrong is written to FOLDER/faults.jsonl, once for each place, with the shortest input that was seen; the fuzzing
goes on. Only what takes the process along, such as a segmentation fault, ends it: atheris leaves that input in FOLDER.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["albench", "albench_datasets", "tomllib", "zipfile", "csv"]):
    from tests.fuzz.judging import MEGABYTES, SECONDS, fault_of
    from tests.fuzz.mutation import MOST_BYTES
    from tests.fuzz.targets import TARGETS

OWN_CHANGES = 0.6  # share of changes that know what the input is; the others are libFuzzer's
HANGING_SECONDS = 12 * SECONDS  # of the clock, where C code does not give back control


def fuzz(name: str, runs: int, seed: int, folder: Path) -> None:
    """Give a target so many inputs; ends the process."""
    target, shortest = TARGETS[name], dict[str, int]()
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for place, data in enumerate(target.inputs()):
        (corpus / f"{place:03}").write_bytes(data)

    def take(data: bytes) -> None:
        fault = fault_of(target.read, data)
        kind = re.sub(r"[\d']+", "#", fault)[:120]
        if fault and len(data) < shortest.get(kind, MOST_BYTES + 1):
            shortest[kind] = len(data)
            with (folder / "faults.jsonl").open("a", encoding="utf-8") as out:
                out.write(json.dumps({"fault": fault, "kind": kind, "input": base64.b64encode(data).decode()}) + "\n")

    def change(data: bytes, most: int, number: int) -> bytes:
        draws = Random(number)
        if draws.random() > OWN_CHANGES:
            return atheris.Mutate(data, most)
        return target.mutate(data, draws)[:most]

    options = [
        f"-runs={runs}",
        f"-seed={seed or 1}",  # libFuzzer takes 0 for any
        f"-timeout={HANGING_SECONDS:g}",
        f"-rss_limit_mb={MEGABYTES + 1500}",
        f"-max_len={MOST_BYTES}",
        f"-artifact_prefix={folder}/",
        str(corpus),
    ]
    atheris.Setup([sys.argv[0], *options], take, custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    fuzz(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
