"""Run by a test in a process of its own, with TRITON_INTERPRET=1 from the start: the kernel against its definition."""

from __future__ import annotations

import itertools
from dataclasses import replace

import torch

from albench_strategies.emoc import kernel
from albench_strategies.emoc.grams import Grams, finish

# The interpreter ignores TF32, so that it is float32 here; bf16 sides hold 8 bits, and sums of them stray as theirs do.
BOUNDS = {"fp32": 2e-6, "tf32": 2e-6, "bf16": 2e-6}
SIZES = [(1, 1, 1, 1), (5, 3, 23, 37), (2, 7, 17, 0), (1, 100, 13, 64)]  # images, functions, pairs, K


def problem(
    n: int, functions: int, m: int, k: int, layers: int
) -> tuple[torch.Tensor, torch.Tensor, Grams, torch.Tensor]:
    draws = torch.Generator().manual_seed(n * functions + m + k + layers)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=draws)

    rows, widths, outputs = n * functions, [7, 33][:layers], [5, 17][:layers]
    grams = Grams(
        [normal(n, d) for d in widths],
        [normal(rows, p) for p in outputs],
        [normal(m, d) for d in widths],
        [normal(m, p) for p in outputs],
    )
    return normal(rows, k), normal(m, k), grams, torch.rand(rows, generator=draws)


def rounded(tensor: torch.Tensor, precision: str) -> torch.Tensor:
    return (tensor.bfloat16() if precision == "bf16" else tensor).double()


def expected(
    left: torch.Tensor, right: torch.Tensor, grams: Grams, weights: torch.Tensor, precision: str
) -> torch.Tensor:
    """The definition in float64, from the numbers as the kernel gets them."""
    exact = Grams(*([rounded(part, precision) for part in parts] for parts in vars(grams).values()))
    return finish(rounded(left, precision) @ rounded(right, precision).T, exact, weights.double())


def main() -> None:
    assert hasattr(kernel.row_sums_kernel, "fn"), "the kernel is not interpreted"
    real_empty, poisoned = torch.empty, []

    def poison(*shape: int, **options: object) -> torch.Tensor:
        poisoned.append(shape)
        return real_empty(*shape, **options).fill_(float("nan"))

    kernel.torch.empty = poison  # type: ignore[assignment]
    cases = list(itertools.product(SIZES, (0, 1, 2), BOUNDS))
    for size, layers, precision in cases:
        arguments = problem(*size, layers)
        found = kernel.row_sums(*arguments, precision, kernel.SMALL)
        assert torch.equal(found, kernel.row_sums(*arguments, precision, kernel.SMALL)), "two runs differ"
        wanted = expected(*arguments, precision)
        error = float(((found - wanted).abs() / wanted.clamp(min=1e-3)).max())
        assert error <= BOUNDS[precision], f"{size} with {layers} layers in {precision}: error {error:.1e}"
    shared()
    print(f"{len(cases)} cases, {len(poisoned)} poisoned buffers, shared deltas")


def shared() -> None:
    """Deltas that are the same for all images may be given once."""
    left, right, grams, weights = problem(5, 3, 23, 37, 2)
    once = replace(grams, deltas=[part[:3] for part in grams.deltas])
    found = kernel.row_sums(left, right, once, weights, "fp32", kernel.SMALL)
    every = replace(grams, deltas=[part[:3].repeat(5, 1) for part in grams.deltas])
    assert torch.equal(found, kernel.row_sums(left, right, every, weights, "fp32", kernel.SMALL))
    torch.testing.assert_close(found, expected(left, right, once, weights, "fp32"), rtol=2e-6, atol=0)


if __name__ == "__main__":
    main()
