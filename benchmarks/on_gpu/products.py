"""The end of every path of EMOC, kernel against library, over the shapes that EMOC has; checked against float64."""

from __future__ import annotations

import time
from dataclasses import astuple, dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from albench_strategies.emoc import cuda, kernel
from albench_strategies.emoc.choice import Tiles
from albench_strategies.emoc.grams import Grams, finish
from albench_strategies.emoc.precision import matmul_precision
from benchmarks.on_gpu.section import Session
from benchmarks.on_gpu.tiles import configurations
from benchmarks.on_gpu.timing import first_line, settled, timed

PRECISIONS = ("tf32", "bf16", "fp32")


@dataclass(frozen=True)
class Shape:
    """A chunk of images by all pairs: images * classes rows, K numbers each, and the Gram terms of two layers.

    The first layer has so many inputs, its bias included, and so many outputs; the second ends in the classes.
    """

    path: str
    k: int
    classes: int = 20
    images: int = 256
    pairs: int = 2000
    inputs: int = 1025
    hidden: int = 64


# `cifar10-quick`: K is 0 for `layers=linear`, r for low rank, and the weights of one or all convolutions where exact.
SHAPES = (
    Shape("layers=linear", 0),
    *(Shape("low rank", k) for k in (64, 128, 256, 512)),
    Shape("between", 1024),
    *(Shape("exact, a convolution", k) for k in (2432, 25632, 51264)),
    Shape("exact, all convolutions", 79328),
    Shape("layers=linear", 0, classes=100),
    *(Shape("low rank", k, classes=100) for k in (64, 256, 512)),
    Shape("exact, all convolutions", 79328, classes=100, images=64),
)
DRY_SHAPES = (Shape("layers=linear", 0, 3, 2, 11, 33, 7), Shape("low rank", 20, 3, 2, 11, 33, 7))


@dataclass(frozen=True)
class Case:
    """A shape's random numbers on the device, and the row sums in float64."""

    shape: Shape
    left: Tensor
    right: Tensor
    grams: Grams
    weights: Tensor
    truth: Tensor

    @classmethod
    def of(cls, shape: Shape, device: str) -> Case:
        """Draw the numbers, with a seed of its own."""
        draws = torch.Generator(device).manual_seed(shape.k + shape.classes)
        normal = partial(torch.randn, generator=draws, device=device)
        rows, images, pairs, classes = shape.images * shape.classes, shape.images, shape.pairs, shape.classes
        inputs, hidden = shape.inputs, shape.hidden
        left, right = normal(rows, shape.k), normal(pairs, shape.k)
        grams = Grams(
            [normal(images, inputs) / inputs**0.5, normal(images, hidden + 1) / hidden**0.5],
            [normal(rows, hidden), normal(rows, classes)],
            [normal(pairs, inputs), normal(pairs, hidden + 1)],
            [normal(pairs, hidden), normal(pairs, classes)],
        )
        weights = torch.ones(rows, device=device)
        double = Grams(*([part.double() for part in parts] for parts in vars(grams).values()))
        truth = finish(left.double() @ right.double().T, double, weights.double())
        return cls(shape, left, right, grams, weights, truth)

    def sums(self, precision: str, tiles: Tiles | None) -> Tensor:
        """Return the row sums by the kernel with these tiles, or by the library without any."""
        arguments = (self.left, self.right, self.grams, self.weights, precision)
        if tiles is not None:
            return kernel.row_sums(*arguments, tiles)
        with matmul_precision(precision, self.left.device):
            return cuda.library(*arguments)


def measure(session: Session) -> None:
    """Leave a row for each shape and precision, by the library and by the kernel with the tiles used today."""
    torch.use_deterministic_algorithms(not session.dry)
    for shape in DRY_SHAPES if session.dry else SHAPES:
        case = prepared(session, shape)
        if case is None:
            continue
        for precision in PRECISIONS:
            for tiles in (None, configurations(precision, 1, session.dry)[0]):
                session.row(**row_of(session, case, precision, tiles))


def prepared(session: Session, shape: Shape) -> Case | None:
    """Return a shape's case; where it does not fit into memory, leave a row that says so."""
    if not session.dry:
        torch.cuda.empty_cache()
    try:
        return Case.of(shape, session.device)
    except torch.OutOfMemoryError as error:
        session.row(**vars(shape), error=first_line(error))
        return None


def row_of(session: Session, case: Case, precision: str, tiles: Tiles | None) -> dict[str, Any]:
    """Return what one way to compute a case takes and how it errs; what went wrong is in the row."""
    row: dict[str, Any] = {
        **vars(case.shape),
        "precision": precision,
        "method": "library" if tiles is None else "kernel",
        "tiles": None if tiles is None else astuple(tiles),
        "error": None,
    }
    try:
        if not session.dry:
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
        if tiles is not None:
            row |= _compiled(session, case, precision, tiles)
        once = case.sums(precision, tiles)
        row |= _errors(once, case.truth)
        row["repeats_bitwise"] = torch.equal(once, case.sums(precision, tiles))
        row |= timed(lambda: case.sums(precision, tiles), session.device)
        row["tflops"] = _operations(case.shape) / row["seconds"] / 1e12
        row["peak_bytes"] = None if session.dry else torch.cuda.max_memory_allocated() - before
    except Exception as error:  # noqa: BLE001 - one configuration that cannot be launched must not end the others
        row["error"] = first_line(error)
    return row


def _compiled(session: Session, case: Case, precision: str, tiles: Tiles) -> dict[str, Any]:
    """Launch the kernel once; return how long that took with compiling, and what the compiler made of it."""
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    packed = kernel.packed(case.left, case.right, case.grams, case.weights, dtype, tiles.block_k)
    part = case.left.new_empty(-(-len(case.left) // tiles.block_m), len(case.right))
    settled(session.device)
    start = time.perf_counter()
    made = kernel.launch(kernel.row_sums_kernel, packed, part, precision, tiles, interpreted=session.dry)
    settled(session.device)
    return {
        "first_seconds": time.perf_counter() - start,
        "shared_bytes": getattr(getattr(made, "metadata", None), "shared", None),
        "registers": getattr(made, "n_regs", None),
        "spilled": getattr(made, "n_spills", None),
    }


def _errors(found: Tensor, truth: Tensor) -> dict[str, float]:
    relative = found.double() / truth - 1
    return {
        "largest_relative_error": float(relative.abs().max()),
        "rms_relative_error": float(relative.square().mean().sqrt()),
    }


def _operations(shape: Shape) -> float:
    rows = shape.images * shape.classes
    alike = shape.images * shape.pairs * (shape.inputs + shape.hidden + 1)
    grams = alike + rows * shape.pairs * (shape.hidden + shape.classes)
    return 2.0 * (rows * shape.pairs * shape.k + grams)
