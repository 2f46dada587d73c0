"""The tile sizes of the kernel that are tried, those that are used today first."""

from __future__ import annotations

from itertools import zip_longest

from albench_strategies.emoc.choice import Tiles
from albench_strategies.emoc.kernel import SMALL, TILES

# block_m, block_n, block_k, warps, stages. 128 x 128 spills a few registers on sm_90 in bf16, 128 x 64 by 4 warps many.
TRIED = {
    "tf32": (
        Tiles(64, 64, 32, 4, 3),
        Tiles(128, 32, 32, 4, 3),
        Tiles(64, 128, 32, 8, 3),
        Tiles(128, 64, 32, 8, 4),
        Tiles(128, 128, 32, 8, 3),
    ),
    "bf16": (
        Tiles(64, 64, 64, 4, 4),
        Tiles(128, 32, 64, 4, 3),
        Tiles(64, 128, 64, 8, 3),
        Tiles(128, 64, 64, 8, 4),
        Tiles(128, 128, 64, 8, 3),
    ),
    "fp32": (
        Tiles(64, 64, 16, 8, 3),
        Tiles(128, 64, 16, 8, 2),
        Tiles(32, 64, 32, 4, 2),
        Tiles(64, 32, 32, 4, 2),
    ),
}
TRIED_DRY = (SMALL, Tiles(32, 16, 16, 4, 1))


def configurations(precision: str, count: int, dry: bool = False) -> list[Tiles]:
    """Return at most so many tile sizes; dry ones are small enough for the interpreter."""
    found = TRIED_DRY if dry else tuple(dict.fromkeys((TILES[precision], *TRIED[precision])))
    return list(found[:count])


def interleaved(count: int, dry: bool = False) -> list[tuple[str, Tiles]]:
    """Return precisions and tile sizes, so ordered that a cut leaves about equally many of each precision."""
    columns = [[(precision, tiles) for tiles in configurations(precision, count, dry)] for precision in TRIED]
    return [one for row in zip_longest(*columns) for one in row if one is not None]
