"""Measure everything that needs a GPU in one call of under eight minutes, and write it to one JSON file.

    python benchmarks/gpu.py                              benchmarks/results/gpu-<device>-<commit>.json
    python benchmarks/gpu.py --wheels DIR --output DIR    where packages are missing and nothing can be downloaded
    python benchmarks/gpu.py --dry                        every section, tiny, on the processor: tries the kit itself

`python docs/generate_gpu.py` makes the docs and the stored choice of kernels from the file. Each section has a process
and a time limit of its own; what it has measured is in the file within a second. A dry file has the same shape, says
``"dry": true`` and is used for nothing.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.on_gpu.environment import commit_of, environment  # noqa: E402 - the checkout need not be installed
from benchmarks.on_gpu.record import LIMIT_SECONDS, SECTIONS, Record  # noqa: E402


def arguments() -> argparse.Namespace:
    """Return the command line's words."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry", action="store_true", help="tiny sizes on the processor, the kernel interpreted")
    parser.add_argument("--wheels", type=Path, help="a folder of wheels of packages that are missing here")
    parser.add_argument("--output", type=Path, help="the file to write, or the folder for it")
    parser.add_argument("--seconds", type=float, default=None, help=f"for everything (default {LIMIT_SECONDS:g})")
    parser.add_argument("--commit", default=None, help="of this checkout, where git cannot tell")
    parser.add_argument("--sections", default=",".join(section.name for section in SECTIONS))
    parser.add_argument("--configurations", type=int, default=99, help="tile sizes tried, at most, a precision")
    return parser.parse_args()


def main() -> int:
    """Run the sections; exit code 1 where one failed or was cut, 2 where there is no GPU."""
    words = arguments()
    signal.signal(signal.SIGTERM, _ended)  # so that a section does not outlive its end
    default = ROOT / ("build" if words.dry else "benchmarks/results")
    record = Record(words.output or default, words.dry, words.commit or commit_of(ROOT), words.seconds)
    with tempfile.TemporaryDirectory(prefix="albench-gpu-") as folder:
        scratch = Path(folder)
        env = environment(ROOT, scratch, words.wheels, words.dry)
        for section in record.sections(words.sections.split(",")):
            record.run(section, ROOT, scratch, env, words.configurations)
            print(record.line(section), flush=True)
            if section.name == "device" and not words.dry and record.complete and not record.has_gpu:
                record.path.unlink()
                print("there is no CUDA device here; --dry tries the kit on the processor", file=sys.stderr)
                return 2
    print(record.path)
    return 0 if record.complete else 1


def _ended(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
