"""The fused Triton kernel of `emoc_row_sums`: the matrix of changes lives in registers and is never written.

A program owns block_m rows (an image and a function each) by block_n candidates. The Gram terms of the layers of one
position come first, so that one accumulator lives through the loop over K; then |.| times the row weights, summed over
the rows into part[tile, n]: no atomics, so that two runs agree bit for bit. The parts are added up in float64.

Accuracy, as the largest relative error of a score: fp32 9e-7, tf32 6e-5, bf16 4e-4 (docs/emoc.md).
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.nn import functional as F

from albench_strategies.emoc.choice import Tiles
from albench_strategies.emoc.grams import Grams

# For a GPU without a stored choice. The tests compile these ahead for sm_80, sm_90 and sm_100, and bound their shared
# memory and spills.
TILES = {
    "bf16": Tiles(128, 64, 64, 8, 3),
    "tf32": Tiles(128, 64, 32, 8, 3),
    "fp32": Tiles(64, 64, 32, 8, 2),
}
SMALL = Tiles(16, 16, 16, 4, 1)  # for the interpreter, which does one program at a time


@triton.jit  # type: ignore[untyped-decorator]
def row_sums_kernel(
    left: tl.tensor,
    right: tl.tensor,
    inputs: tl.tensor,
    deltas: tl.tensor,
    other_inputs: tl.tensor,
    other_deltas: tl.tensor,
    input_starts: tl.tensor,
    delta_starts: tl.tensor,
    weights: tl.tensor,
    part: tl.tensor,
    n_rows: tl.tensor,
    n_pairs: tl.tensor,
    k_size: tl.tensor,
    input_size: tl.tensor,
    delta_size: tl.tensor,
    functions: tl.tensor,
    layers: tl.constexpr,
    block_m: tl.constexpr,
    block_n: tl.constexpr,
    block_k: tl.constexpr,
    precision: tl.constexpr,
    upcast: tl.constexpr,
) -> None:
    """Sum w_m |left right^T + Gram terms| over the rows of a tile; sizes along K are multiples of block_k."""
    tile, column = tl.program_id(0), tl.program_id(1)
    rows = tile * block_m + tl.arange(0, block_m)
    pairs = column * block_n + tl.arange(0, block_n)
    is_row, is_pair = rows < n_rows, pairs < n_pairs
    at_row, at_pair = rows.to(tl.int64), pairs.to(tl.int64)
    changes = tl.zeros((block_m, block_n), dtype=tl.float32)
    for layer in range(layers):
        alike = _product(
            inputs + (at_row // functions) * input_size,
            other_inputs + at_pair * input_size,
            tl.load(input_starts + layer),
            tl.load(input_starts + layer + 1),
            is_row,
            is_pair,
            tl.zeros((block_m, block_n), dtype=tl.float32),
            block_k,
            precision,
            upcast,
        )
        pull = _product(
            deltas + at_row * delta_size,
            other_deltas + at_pair * delta_size,
            tl.load(delta_starts + layer),
            tl.load(delta_starts + layer + 1),
            is_row,
            is_pair,
            tl.zeros((block_m, block_n), dtype=tl.float32),
            block_k,
            precision,
            upcast,
        )
        changes += alike * pull
    changes = _product(
        left + at_row * k_size,
        right + at_pair * k_size,
        0,
        k_size,
        is_row,
        is_pair,
        changes,
        block_k,
        precision,
        upcast,
    )
    weight = tl.load(weights + rows, mask=is_row, other=0.0)
    total = tl.sum(tl.abs(changes) * weight[:, None], axis=0)
    tl.store(part + tile.to(tl.int64) * n_pairs + at_pair, total, mask=is_pair)


@triton.jit  # type: ignore[untyped-decorator]
def _product(
    row_starts: tl.tensor,
    pair_starts: tl.tensor,
    begin: tl.tensor,
    end: tl.tensor,
    is_row: tl.tensor,
    is_pair: tl.tensor,
    accumulator: tl.tensor,
    block_k: tl.constexpr,
    precision: tl.constexpr,
    upcast: tl.constexpr,
) -> tl.tensor:
    """Add the product of a tile's rows and pairs over columns begin to end."""
    for start in range(begin, end, block_k):
        columns = start + tl.arange(0, block_k)
        a = tl.load(row_starts[:, None] + columns[None, :], mask=is_row[:, None], other=0.0)
        b = tl.load(pair_starts[None, :] + columns[:, None], mask=is_pair[None, :], other=0.0)
        if upcast:  # the interpreter multiplies the bits of bf16 numbers
            a, b = a.to(tl.float32), b.to(tl.float32)
        accumulator = tl.dot(a, b, accumulator, input_precision=precision)
    return accumulator


def row_sums(
    left: Tensor, right: Tensor, grams: Grams, weights: Tensor, precision: str, tiles: Tiles | None = None
) -> Tensor:
    """Launch the kernel; see `albench_strategies.emoc.row_sums.row_sums`. Scores are float64, (n,)."""
    tiles = tiles or TILES[precision]
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    arguments = packed(left, right, grams, weights, dtype, tiles.block_k)
    n_tiles = triton.cdiv(len(left), tiles.block_m)
    part = torch.empty(n_tiles, len(right), dtype=torch.float32, device=left.device)
    launch(row_sums_kernel, arguments, part, precision, tiles, interpreted=not left.is_cuda)
    return part.sum(dim=0, dtype=torch.float64)


def launch(
    kernel: Any, arguments: dict[str, Any], part: Tensor, precision: str, tiles: Tiles, interpreted: bool
) -> Any:
    """Fill `part`, (tiles of rows, n), which may hold anything before; return what Triton compiled."""
    n_pairs = arguments["n_pairs"]
    return kernel[(len(part), triton.cdiv(n_pairs, tiles.block_n))](
        **arguments,
        part=part,
        **constants(precision, tiles, upcast=interpreted),
        num_warps=tiles.num_warps,
        num_stages=tiles.num_stages,
    )


def constants(precision: str, tiles: Tiles, upcast: bool) -> dict[str, Any]:
    """Return the kernel's compile-time arguments but for layers."""
    return {
        "block_m": tiles.block_m,
        "block_n": tiles.block_n,
        "block_k": tiles.block_k,
        "precision": "tf32" if precision == "tf32" else "ieee",
        "upcast": upcast,
    }


def packed(
    left: Tensor, right: Tensor, grams: Grams, weights: Tensor, dtype: torch.dtype, block_k: int
) -> dict[str, Any]:
    """Return the kernel's arguments but for `part`: every inner size padded with zeros to a multiple of `block_k`."""
    left, right = _padded(left, dtype, block_k), _padded(right, dtype, block_k)
    functions = len(left) // len(grams.inputs[0]) if grams.inputs else 1
    every_row = [_for_every_row(part, len(left)) for part in grams.deltas]
    inputs, input_starts = _side_by_side(grams.inputs, dtype, block_k, left)
    deltas, delta_starts = _side_by_side(every_row, dtype, block_k, left)
    other_inputs, _ = _side_by_side(grams.other_inputs, dtype, block_k, left)
    other_deltas, _ = _side_by_side(grams.other_deltas, dtype, block_k, left)
    return {
        "left": left,
        "right": right,
        "inputs": inputs,
        "deltas": deltas,
        "other_inputs": other_inputs,
        "other_deltas": other_deltas,
        "input_starts": input_starts,
        "delta_starts": delta_starts,
        "weights": weights.float().contiguous(),
        "n_rows": len(left),
        "n_pairs": len(right),
        "k_size": left.shape[1],
        "input_size": inputs.shape[1],
        "delta_size": deltas.shape[1],
        "functions": functions,
        "layers": len(grams.inputs),
    }


def _padded(matrix: Tensor, dtype: torch.dtype, block_k: int) -> Tensor:
    missing = -matrix.shape[1] % block_k
    matrix = matrix.to(dtype)
    return (F.pad(matrix, (0, missing)) if missing else matrix).contiguous()


def _for_every_row(deltas: Tensor, n_rows: int) -> Tensor:
    """Return deltas of all rows, where they may be those of one image that stand for all images."""
    return deltas if len(deltas) == n_rows else deltas.repeat(n_rows // len(deltas), 1)


def _side_by_side(parts: list[Tensor], dtype: torch.dtype, block_k: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return the layers' matrices side by side, and where each begins and the last ends."""
    padded = [_padded(part, dtype, block_k) for part in parts]
    starts = [0]
    for part in padded:
        starts.append(starts[-1] + part.shape[1])
    joined = torch.cat(padded, dim=1) if padded else like.new_zeros(1, block_k)
    return joined, torch.tensor(starts, dtype=torch.int32, device=like.device)
