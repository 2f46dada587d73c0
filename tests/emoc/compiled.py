"""The Triton kernel compiled ahead of time: what `ptxas` says of its registers and spills, and its shared memory."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import triton
from triton.backends.compiler import GPUTarget
from triton.backends.nvidia.compiler import get_ptxas
from triton.compiler import ASTSource

from albench_strategies.emoc.choice import Tiles
from albench_strategies.emoc.kernel import constants, row_sums_kernel

SHARED_BYTES = {80: 163 * 1024, 90: 227 * 1024, 100: 227 * 1024}  # a block's limit, CUDA C++ programming guide
POINTERS = ("left", "right", "inputs", "deltas", "other_inputs", "other_deltas")
SIZES = ("n_rows", "n_pairs", "k_size", "input_size", "delta_size", "functions")


@dataclass(frozen=True)
class Compiled:
    shared_bytes: int
    spilled_bytes: int
    registers: int
    ptx: str


def compiled(architecture: int, precision: str, layers: int, tiles: Tiles, folder: Path) -> Compiled:
    number = "*bf16" if precision == "bf16" else "*fp32"
    fixed = {"layers": layers, **constants(precision, tiles, upcast=False)}
    signature = {
        **dict.fromkeys(POINTERS, number),
        "input_starts": "*i32",
        "delta_starts": "*i32",
        "weights": "*fp32",
        "part": "*fp32",
        **dict.fromkeys(SIZES, "i32"),
        **dict.fromkeys(fixed, "constexpr"),
    }
    names = row_sums_kernel.arg_names
    # As at a launch: allocations are aligned to 16 bytes, and inner sizes are multiples of 16.
    aligned = [*POINTERS, "k_size", "input_size", "delta_size"]
    source = ASTSource(
        fn=row_sums_kernel,
        signature={name: signature[name] for name in names},
        constexprs={(names.index(name),): value for name, value in fixed.items()},
        attrs={(names.index(name),): [["tt.divisibility", 16]] for name in aligned},
    )
    kernel = triton.compile(
        source,
        target=GPUTarget("cuda", architecture, 32),
        options={"num_warps": tiles.num_warps, "num_stages": tiles.num_stages},
    )
    ptx = kernel.asm["ptx"]
    report = assembler_report(ptx, architecture, folder)
    spilled = sum(int(found) for found in re.findall(r"(\d+) bytes spill stores", report))
    registers = int(re.search(r"Used (\d+) registers", report)[1])  # type: ignore[index]
    return Compiled(kernel.metadata.shared, spilled, registers, ptx)


def assembler_report(ptx: str, architecture: int, folder: Path) -> str:
    path = folder / "kernel.ptx"
    path.write_text(ptx)
    target = re.search(r"\.target (\w+)", ptx)[1]  # type: ignore[index]
    assembler = get_ptxas(architecture).path
    done = subprocess.run(
        [assembler, "-v", f"--gpu-name={target}", str(path), "-o", str(folder / "kernel.cubin")],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr
