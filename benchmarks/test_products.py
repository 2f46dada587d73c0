"""The products of float32 matrices on this processor, on the shapes of EMOC; `--remember` renews the stored table.

pytest benchmarks -k products                (a minute)
"""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median

import pytest
import torch

import albench.products
from albench.processor import processor
from albench.products import inner
from albench.products.choice import fastest
from albench.products.matmul import usable, use
from benchmarks import table
from benchmarks.timing import in_turn

TABLE = Path(albench.products.__file__).parent / "rates.json"
TITLE = "Products a b^T of float32 matrices, one thread (GFLOP/s; bf16: inputs rounded before)"
SHAPES = [(1024, 4096, 2000), (320, 77_600, 2000), (2560, 800, 2000), (2000, 6000, 256)]
ROUNDS = 5


def rates(shape: tuple[int, int, int]) -> dict[str, float]:
    """Return the rates of the products that this machine has, in operations a second, measured in turn."""
    n, width, m = shape
    draws = torch.Generator().manual_seed(0)
    a, b = torch.randn(n, width, generator=draws), torch.randn(m, width, generator=draws)
    a16, b16 = a.to(torch.bfloat16), b.to(torch.bfloat16)

    def through(product: str) -> None:
        use(product)
        inner(a, b)
        use("mkl")

    works = {name: (lambda name=name: through(name)) for name in ("mkl", "onednn") if usable(name) == name}
    if processor().has_bf16:
        works["bf16"] = lambda: a16 @ b16.T
    return {name: 2 * n * width * m / seconds for name, seconds in in_turn(works, ROUNDS).items()}


def test_products(request: pytest.FixtureRequest) -> None:
    found: dict[str, list[float]] = {}
    for shape in SHAPES:
        measured = rates(shape)
        for name, rate in measured.items():
            found.setdefault(name, []).append(rate)
        row = {"shape": " x ".join(map(str, shape))} | {name: rate / 1e9 for name, rate in measured.items()}
        ratios = {f"{name} / mkl": rate / measured["mkl"] for name, rate in measured.items() if name != "mkl"}
        table.add(TITLE, row | ratios, higher=list(ratios))
    middle = {name: round(median(values) / 1e9, 1) for name, values in found.items()}
    here = processor()
    print(f"{here.kind}: {middle}, which speaks for {fastest({'onednn': 0.0, **middle}, here.has_bf16)}")
    if request.config.getoption("--remember"):
        known = json.loads(TABLE.read_text(encoding="utf-8"))
        known[here.kind] = {
            "processor": f"{here.name}, family {here.family} model {here.model}",
            "rates": {"onednn": 0.0, **middle},
            "torch": torch.__version__.partition("+")[0],
        }
        TABLE.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n", encoding="utf-8")
