"""Folders of somebody's photographs: scikit-learn's digits as PNG files of mixed sizes, some of them labelled."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from tests.conftest import Cli, Ran

SMALL = ("--set", "size=8", "--set", "grey=true", "--set", "iterations=30", "--set", "batch_size=16")
CLASSES = 4


@dataclass
class Photos:
    """A folder of labelled images, one of images without labels, and what each of these shows."""

    root: Path
    cli: Cli

    @property
    def labeled(self) -> Path:
        return self.root / "labeled"

    @property
    def unlabeled(self) -> Path:
        return self.root / "unlabeled"

    def truth(self, file: str) -> str:
        """The class of an unlabelled file, which its name tells those who know how it is made."""
        return str(int(Path(file).stem.split("_")[1], 16) % 10)

    def query(self, strategy: str, *more: object, output: str = "next.csv", k: int = 6) -> Ran:
        where = ["--labeled", self.labeled, "--unlabeled", self.unlabeled, "-o", self.root / output]
        return self.cli("query", *where, "--strategy", strategy, "-k", k, *SMALL, *more)

    def table(self, output: str = "next.csv") -> pd.DataFrame:
        return pd.read_csv(self.root / output, dtype={"predicted_class": str, "file": str})

    def label(self, files: list[str], copy: bool = False) -> None:
        """Put files into the folders of their classes, as somebody who labels them does."""
        for file in files:
            folder = self.labeled / self.truth(file)
            folder.mkdir(exist_ok=True)
            (shutil.copy if copy else shutil.move)(self.unlabeled / file, folder / Path(file).name)


def write_photos(root: Path, cli: Cli, per_class: int = 24, n_labeled: int = 5, n_known: int = CLASSES) -> Photos:
    """Write digits 0 to 3; of those from `n_known` on none is labelled."""
    photos, bunch = Photos(root, cli), load_digits()
    draws = np.random.default_rng(0)
    for digit in range(CLASSES):
        rows = np.flatnonzero(bunch.target == digit)[:per_class]
        for place, row in enumerate(rows):
            width, height = (int(side) for side in draws.integers(8, 33, size=2))
            picture = Image.fromarray((bunch.images[row] * 15.9).astype(np.uint8)).resize((width, height))
            is_labeled = place < n_labeled and digit < n_known
            folder = photos.labeled / str(digit) if is_labeled else photos.unlabeled / f"card{place % 2}"
            folder.mkdir(parents=True, exist_ok=True)
            picture.save(folder / f"IMG_{place * 10 + digit:04x}.png")
    return photos


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def photos(tmp_path: Path, cli: Cli) -> Photos:
    return write_photos(tmp_path / "photos", cli)
