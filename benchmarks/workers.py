"""What it costs to keep cells apart, in processor time: the least of several turns, in one process each.

    python benchmarks/workers.py

A new worker process, against comparing what a cell left behind in one that is used again; and the digests of a query
of 3,000 images of CIFAR's size, against what asking `min` about them takes.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

TURNS = 7


def least(block: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    """Return the least seconds of a clock that a block takes."""
    found = []
    for _ in range(TURNS):
        begun = clock()
        block()
        found.append(clock() - begun)
    return min(found)


def of_children() -> float:
    """Return the processor time of the processes that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Print a line for each cost."""
    start = least(
        lambda: subprocess.run([sys.executable, "-P", "-c", "import albench.executors.worker"], check=True), of_children
    )
    import torch

    import albench
    from albench.bench.queries import fresh
    from albench.executors.family import memory_bytes
    from albench.executors.leftovers import Before
    from albench.running.contents import digest
    from albench.testing import make_query

    torch.set_num_threads(1)
    compared = least(lambda: Before().left())
    watched = least(lambda: memory_bytes(os.getpid(), 2**40))
    print(f"a new worker process          {start:8.3f} s")
    print(f"comparing what a cell left    {compared:8.3f} s, {start / compared:.0f} times less")
    print(f"a look at a worker's memory   {watched * 1e3:8.3f} ms, five a second")
    query = make_query(n_pool=3000, n_labeled=100, n_classes=10, n_sets=10, image_shape=(3, 32, 32))
    strategy = albench.strategy("min")
    asked = least(lambda: strategy.score(fresh(query, "min")))
    digests = 2 * least(lambda: [digest(tensor) for tensor in query.given().values()])
    print(f"asking min about 3,000 images {asked:8.3f} s")
    print(f"digests of that query         {digests:8.3f} s, {digests / asked:.1%}")


if __name__ == "__main__":
    main()
