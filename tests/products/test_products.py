"""Matrix products: the table chooses, the environment wins, every product gives the numbers, cells keep theirs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from albench.errors import RequestError
from albench.processor import Processor, processor
from albench.products import choice, inner, lower_dtype
from albench.products.choice import PRODUCTS, VARIABLE, chosen, fastest
from albench.products.matmul import current, usable, use
from albench.store.store import Store
from tests.conftest import Cli, small_run


@pytest.fixture(autouse=True)
def _unasked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(VARIABLE, raising=False)
    before = current()
    use("mkl")  # whatever a cell that ran in this process without putting it back has left
    yield
    use(before)


def of_flags(*flags: str, vendor: str = "GenuineIntel") -> Processor:
    return Processor("a processor", vendor, "6", "85", frozenset(flags))


@pytest.mark.parametrize(
    ("measured", "has_bf16", "expected"),
    [
        ({"mkl": 100, "onednn": 230, "bf16": 470}, True, "onednn+bf16"),
        ({"mkl": 100, "onednn": 230, "bf16": 470}, False, "onednn"),
        ({"mkl": 240, "onednn": 230, "bf16": 470}, True, "mkl+bf16"),
        ({"mkl": 240, "onednn": 230, "bf16": 300}, True, "mkl"),
        ({"mkl": 100, "onednn": 99}, True, "mkl"),
    ],
)
def test_the_fastest_measured_product_is_chosen(measured: dict[str, float], has_bf16: bool, expected: str) -> None:
    assert fastest(measured, has_bf16) == expected


@pytest.mark.parametrize(
    ("flags", "kind"),
    [
        (("avx2", "avx512f", "avx512_bf16", "amx_bf16"), "GenuineIntel amx_bf16"),
        (("avx2", "avx512f"), "GenuineIntel avx512f"),
        (("avx2",), "GenuineIntel avx2"),
        (("sse2",), "GenuineIntel baseline"),
    ],
)
def test_a_kind_of_processor_is_its_vendor_and_best_instructions(flags: tuple[str, ...], kind: str) -> None:
    assert of_flags(*flags).kind == kind


def test_the_table_decides_by_kind_and_a_processor_that_is_not_in_it_keeps_the_numbers_of_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = {"GenuineIntel avx2": {"mkl": 60.0, "onednn": 80.0, "bf16": 9.0}}
    monkeypatch.setattr(choice, "rates", lambda: table)
    monkeypatch.setattr(choice, "processor", lambda: of_flags("avx2"))
    assert chosen() == "onednn"
    monkeypatch.setattr(choice, "processor", lambda: of_flags("avx2", vendor="Other"))
    assert chosen() == "mkl"


def test_the_stored_table_names_the_rates_that_the_choice_needs() -> None:
    assert choice.rates()
    for kind, measured in choice.rates().items():
        assert {"mkl", "onednn"} <= set(measured), kind
        assert fastest(measured, has_bf16=True) in PRODUCTS


def test_what_the_environment_asks_for_wins_and_another_word_is_refused(
    monkeypatch: pytest.MonkeyPatch, cli: Cli, tmp_path: Path
) -> None:
    for product in PRODUCTS:
        monkeypatch.setenv(VARIABLE, product)
        assert chosen() == product
    monkeypatch.setenv(VARIABLE, "onedn")
    with pytest.raises(RequestError, match="ALBENCH_PRODUCT='onedn' is no product; did you mean 'onednn'"):
        chosen()
    ran = cli("run", "--strategies", "random", "--rounds", "1", "--store", str(tmp_path / "store"))
    assert ran.code == 2
    assert "there are mkl, onednn, mkl+bf16, onednn+bf16" in ran.err
    assert not (tmp_path / "store").exists()


sizes = st.integers(0, 70)


@pytest.mark.parametrize("product", PRODUCTS)
@settings(deadline=None)
@given(n=sizes, m=sizes, d=sizes, seed=st.integers(0, 9), sliced=st.booleans())
def test_inner_products_are_those_of_float64(product: str, n: int, m: int, d: int, seed: int, sliced: bool) -> None:
    draws = torch.Generator().manual_seed(seed)
    a, b = torch.randn(n, d + 3, generator=draws), torch.randn(d, m, generator=draws).T
    a = a[:, :d] if sliced else a[:, :d].contiguous()
    use(product)
    found = inner(a, b)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), a.double() @ b.double().T, rtol=1e-5, atol=1e-5 * max(1, d) ** 0.5)


def test_other_numbers_than_float32_and_those_with_a_derivative_are_multiplied_too() -> None:
    use("onednn+bf16")
    a, b = torch.randn(5, 3, dtype=torch.float64), torch.randn(4, 3, dtype=torch.float64)
    assert torch.equal(inner(a, b, approximate=True), a @ b.T)
    assert lower_dtype(a) == torch.float64
    tracked = torch.randn(5, 3, requires_grad=True)
    inner(tracked, torch.ones(4, 3)).sum().backward()
    torch.testing.assert_close(tracked.grad, torch.full((5, 3), 4.0))


def test_only_approximate_products_are_rounded_and_only_where_the_product_says_so() -> None:
    a = torch.randn(40, 64)
    exact = a.double() @ a.double().T
    errors = {}
    for product in PRODUCTS:
        use(product)
        errors[product] = [float((inner(a, a, rough).double() - exact).abs().max()) for rough in (False, True)]
    assert max(exactly for exactly, _ in errors.values()) < 1e-4
    assert min(errors[product][1] for product in PRODUCTS if product.endswith("+bf16")) > 1e-3
    assert max(errors[product][1] for product in ("mkl", "onednn")) < 1e-4


def test_what_a_machine_cannot_do_falls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("albench.products.matmul._has_onednn", lambda: False)
    monkeypatch.setattr("albench.products.matmul.processor", lambda: of_flags("avx512f"))
    assert [usable(product) for product in PRODUCTS] == ["mkl", "mkl", "mkl", "mkl"]
    monkeypatch.setattr("albench.products.matmul.processor", lambda: of_flags("avx512_bf16"))
    assert usable("onednn+bf16") == "mkl+bf16"


def recorded(store: Path) -> list[str]:
    """The product of each session of a store's only cell, the last one last."""
    record = json.loads(next(store.glob("cells/*/*/*/cell.json")).read_text())
    return [session["product"] for session in [*record.get("earlier_sessions", []), record["provenance"]]]


def test_a_cell_records_its_product_and_a_resumed_one_keeps_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = ["mkl", "onednn"]
    monkeypatch.setattr("albench.api.chosen_product", lambda: planned[0])
    small_run(tmp_path / "store", "random", rounds=1)
    planned.reverse()
    small_run(tmp_path / "store", "random", rounds=2)
    assert recorded(tmp_path / "store") == ["mkl", "mkl"]
    small_run(tmp_path / "other", "random", rounds=1)
    assert recorded(tmp_path / "other") == [usable("onednn")]
    monkeypatch.setenv(VARIABLE, "onednn")
    small_run(tmp_path / "store", "random", rounds=3)
    assert recorded(tmp_path / "store") == ["mkl", "mkl", usable("onednn")], "who asks for one gets it"
    assert current() == "mkl", "a cell's product is put back"


def test_a_cell_of_a_store_that_knew_no_products_goes_on_with_the_one_of_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.conftest import edit_json

    monkeypatch.setattr("albench.api.chosen_product", lambda: "onednn")
    small_run(tmp_path, "random", rounds=1)
    edit_json(next(tmp_path.glob("cells/*/*/*/cell.json")), lambda record: record["provenance"].pop("product"))
    small_run(tmp_path, "random", rounds=2)
    record = Store(tmp_path).cell(**Store(tmp_path).cells()[0]).path / "cell.json"
    assert json.loads(record.read_text())["provenance"]["product"] == "mkl"


def test_doctor_names_the_product_of_this_machine(cli: Cli) -> None:
    ran = cli("doctor", "--format", "json")
    row = next(row for row in json.loads(ran.out) if row["check"] == "matrix product")
    assert row["detail"] == f"{chosen()} on {processor().kind}"
