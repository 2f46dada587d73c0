"""Which products a study uses: read from a stored table by kind of processor, never from a stopwatch.

A product is written as ``mkl`` (torch.mm, the numbers of before) or ``onednn``, with ``+bf16`` where products that may
be inexact use bf16 numbers. Float32 results of the two differ in their last bits, so what a study chose travels with
its tasks and stands in each cell's record.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from albench.errors import RequestError, did_you_mean, shown
from albench.processor import processor

VARIABLE = "ALBENCH_PRODUCT"
PLAIN = "mkl"
PRODUCTS = ("mkl", "onednn", "mkl+bf16", "onednn+bf16")
WORTH_IT = 1.3  # times the rate of float32, for bf16 to be used


@cache
def rates() -> Mapping[str, Mapping[str, float]]:
    """Return the stored rates in GFLOP/s of one thread, by kind of processor and product; `make bench` renews them."""
    text = (files("albench.products") / "rates.json").read_text(encoding="utf-8")
    return {kind: entry["rates"] for kind, entry in json.loads(text).items()}


def fastest(measured: Mapping[str, float], has_bf16: bool) -> str:
    """Return the product that measured rates of mkl, onednn and bf16 speak for."""
    exact = max(("mkl", "onednn"), key=lambda name: measured[name])
    lower = has_bf16 and measured.get("bf16", 0.0) > WORTH_IT * measured[exact]
    return f"{exact}+bf16" if lower else exact


def asked() -> str | None:
    """Return the product that the environment asks for, which wins over the table; RequestError for another word."""
    given = os.environ.get(VARIABLE)
    if not given:
        return None
    if given not in PRODUCTS:
        raise RequestError(
            f"{VARIABLE}={shown(given)} is no product{did_you_mean(given, PRODUCTS)}; there are {', '.join(PRODUCTS)}"
        )
    return given


def chosen() -> str:
    """Return the product of a study that is planned on this machine: what is asked for, else the table's."""
    here = processor()
    measured = rates().get(here.kind)
    return asked() or (fastest(measured, here.has_bf16) if measured else PLAIN)
