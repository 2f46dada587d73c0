"""Every test of features has a cache of its own and no network, and weights of a small model."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torchvision.models import get_model

MODEL = "shufflenet_v2_x0_5"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("ALBENCH_OFFLINE", "1")


def write_weights(path: Path, seed: int) -> Path:
    """Write a state dict of the model whose batch normalisation is not that of a new one."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = get_model(MODEL, weights=None, num_classes=5)
        for name, value in model.named_buffers():
            if name.endswith("running_mean"):
                value.normal_(std=0.1)
            elif name.endswith("running_var"):
                value.uniform_(0.5, 1.5)
    torch.save(model.state_dict(), path)
    return path


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("weights") / "w.pth", 0)


@pytest.fixture(scope="session")
def network(weights: Path) -> str:
    return f'torchvision[name={MODEL},side=32,weights="{weights}"]'
