"""The Triton kernel by tiers: its meaning interpreted, its code compiled ahead, its results where there is a GPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import albench
from albench_strategies.emoc import cuda, row_sums
from albench_strategies.emoc.choice import choice
from albench_strategies.emoc.grams import Grams, finish
from albench_strategies.emoc.kernel import TILES
from albench_strategies.emoc.precision import matmul_precision
from tests.emoc.compiled import SHARED_BYTES, compiled
from tests.emoc.interpreted import expected, problem

ROOT = Path(__file__).parents[2]
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
TENSOR_CORE_INSTRUCTIONS = {80: "mma.sync", 90: "wgmma", 100: "tcgen05.mma"}


def test_emoc_kernel_interpreted_equals_its_definition_for_all_shapes_and_precisions() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.emoc.interpreted"],
        cwd=ROOT,
        env={**os.environ, "TRITON_INTERPRET": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "36 cases, 74 poisoned buffers, shared deltas" in done.stdout


@pytest.mark.parametrize("layers", [0, 2])
@pytest.mark.parametrize("precision", list(TILES))
@pytest.mark.parametrize("architecture", list(SHARED_BYTES))
def test_emoc_kernel_compiles_ahead_without_spills_and_within_shared_memory(
    architecture: int, precision: str, layers: int, tmp_path: Path
) -> None:
    stored = choice((architecture // 10, architecture % 10), precision)
    assert stored is not None
    for tiles in {TILES[precision], stored.tiles}:
        found = compiled(architecture, precision, layers, tiles, tmp_path)
        assert 0 < found.shared_bytes <= SHARED_BYTES[architecture]
        assert found.spilled_bytes == 0
        assert 0 < found.registers <= 255
        on_tensor_cores = TENSOR_CORE_INSTRUCTIONS[architecture] in found.ptx
        assert on_tensor_cores == (precision != "fp32"), "fp32 is not rounded on its way through tensor cores"


@pytest.mark.parametrize("layers", [0, 2])
@pytest.mark.parametrize("k", [0, 37])
def test_emoc_operator_is_well_registered_and_equals_its_definition(layers: int, k: int) -> None:
    left, right, grams, weights = problem(4, 3, 11, k, layers)
    arguments = (left, right, *vars(grams).values(), weights, "fp32", "auto")
    torch.library.opcheck(torch.ops.albench.emoc_row_sums, arguments)
    wanted = expected(left, right, grams, weights, "fp32")
    torch.testing.assert_close(torch.ops.albench.emoc_row_sums(*arguments), wanted, rtol=2e-6, atol=1e-6)


def test_emoc_operator_can_be_traced_whole_by_the_compiler() -> None:
    left, right, grams, weights = problem(4, 3, 11, 16, 1)

    def scores(left: torch.Tensor) -> torch.Tensor:
        return row_sums.row_sums(left, right, grams, weights, "fp32") / 3

    traced = torch.compile(scores, backend="eager", fullgraph=True)(left)
    torch.testing.assert_close(traced, expected(left, right, grams, weights, "fp32") / 3, rtol=2e-6, atol=1e-6)


def test_emoc_precision_of_products_is_put_back_and_touches_cuda_alone() -> None:
    before = torch.backends.cuda.matmul.fp32_precision
    with matmul_precision("fp32", torch.device("cuda")):
        assert torch.backends.cuda.matmul.fp32_precision == "ieee"
    with matmul_precision("tf32", torch.device("cpu")):
        assert torch.backends.cuda.matmul.fp32_precision == before
    assert torch.backends.cuda.matmul.fp32_precision == before


def on_gpu(k: int, layers: int) -> tuple[torch.Tensor, torch.Tensor, Grams, torch.Tensor]:
    left, right, grams, weights = problem(61, 20, 997, k, layers)
    moved = Grams(*([part.cuda() for part in parts] for parts in vars(grams).values()))
    return left.cuda(), right.cuda(), moved, weights.cuda()


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("layers", [0, 2])
@pytest.mark.parametrize("k", [0, 64, 1000])
@pytest.mark.parametrize("precision", list(TILES))
def test_emoc_kernel_errs_at_most_twice_as_much_as_the_library_on_a_gpu(precision: str, k: int, layers: int) -> None:
    if k == 0 and layers == 0:
        pytest.skip("nothing to add up")
    arguments = on_gpu(k, layers)
    left, right, grams, weights = arguments
    double = Grams(*([part.double() for part in parts] for parts in vars(grams).values()))
    exact = finish(left.double() @ right.double().T, double, weights.double())
    with matmul_precision(precision, left.device):
        library = cuda.library(*arguments, precision)
        fused = cuda.fused(*arguments, precision)

    def error(found: torch.Tensor) -> float:
        return float((found / exact - 1).abs().max())

    assert error(fused) <= 2 * error(library) + 1e-7


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("precision", list(TILES))
def test_emoc_kernel_repeats_bit_for_bit_on_a_gpu_whatever_its_buffers_held(
    precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = on_gpu(200, 2)
    once = cuda.fused(*arguments, precision)
    empty = torch.empty
    monkeypatch.setattr(torch, "empty", lambda *shape, **options: empty(*shape, **options).fill_(float("nan")))
    again = cuda.fused(*arguments, precision)
    assert torch.isfinite(again).all()
    assert torch.equal(once, again)


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize(("precision", "bound"), [("fp32", 1e-5), ("tf32", 2e-3), ("bf16", 2e-2)])
def test_emoc_scores_on_a_gpu_agree_with_the_cpu(precision: str, bound: float) -> None:
    size = {"n_pool": 60, "n_labeled": 20, "n_classes": 5, "n_sets": 10, "set_size": 5}
    strategy = albench.strategy(f"emoc[tolerance=0,precision={precision}]")
    on_cpu = strategy.score_sets(albench.testing.make_query(**size))
    found = strategy.score_sets(albench.testing.make_query(**size, device="cuda"))
    torch.testing.assert_close(found.cpu(), on_cpu, rtol=bound, atol=0)
