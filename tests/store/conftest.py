"""Small real stores, each test's own copy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.conftest import small_run

LASTING = ["strategy", "seed", "round", "n_labeled", "accuracy", "accuracy_novel", "n_classes", "query_class", "notes"]


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pristine") / "s"
    small_run(root, "random,min", seeds=2)
    return root


@pytest.fixture
def store(pristine: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pristine, tmp_path / "s"))


def cell(store: Path, strategy: str = "min", seed: int = 0) -> Path:
    return next(store.glob(f"cells/digits/{strategy}/seed-{seed}-*"))


def numbers(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return sorted(
        json.loads(frame[LASTING].to_json(orient="records")),
        key=lambda row: (row["strategy"], row["seed"], row["round"]),
    )
