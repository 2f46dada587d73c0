from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

from albench.errors import SettingError
from albench.networks.cifar10_quick import Cifar10Quick
from albench.training.model import Model
from tests.training.models import images


@dataclass(frozen=True)
class Prepared(Cifar10Quick):
    """The common network behind a preparation of a third party's."""

    as_seen: Callable[[torch.Tensor], Any] = torch.Tensor.clone

    def preparation(self, initial: Any) -> Any:
        return lambda inputs: self.as_seen(torch.from_numpy(np.asarray(inputs, dtype=np.float32)))


@pytest.mark.parametrize(
    ("as_seen", "message"),
    [
        (torch.Tensor.double, r"preparing 1 inputs, its network gave torch.float64 \(1, 1, 8, 8\); return a float32"),
        (lambda seen: seen.repeat(2, 1, 1, 1), r"its network gave torch.float32 \(2, 1, 8, 8\); return a float32"),
        (torch.Tensor.numpy, "preparing 1 inputs, its network gave ndarray; return a float32"),
    ],
    ids=["float64", "a row too many", "no tensor"],
)
def test_a_preparation_gives_a_float32_tensor_of_a_row_for_each_input(as_seen: Any, message: str) -> None:
    Model(Prepared(), 0, (5, 2), images(12), "cpu")
    with pytest.raises(SettingError, match=message):
        Model(Prepared(as_seen=as_seen), 0, (5, 2), images(12), "cpu")
