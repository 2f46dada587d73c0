"""CIFAR-100 in miniature, in both layouts that people have."""

from __future__ import annotations

import io
import json
import pickle
from pathlib import Path

import numpy as np
import pyarrow
from PIL import Image
from pyarrow import parquet

import albench

NAMES = [f"class {index}" for index in range(100)]


def pictures(part: str, per_class: int) -> tuple[np.ndarray, np.ndarray]:
    draws = albench.stream(0, part)
    images = draws.integers(0, 256, size=(100 * per_class, 3, 32, 32)).astype(np.uint8)
    return images, np.repeat(np.arange(100), per_class)


PARTS = {"train": pictures("train", 4), "test": pictures("test", 2)}
SCENARIO = "cifar100[initial_per_class=1,pool_per_class=2,test_per_class=2]"


def torchvision_layout(root: Path) -> Path:
    folder = root / "cifar-100-python"
    folder.mkdir(parents=True)
    for part, (images, labels) in PARTS.items():
        content = {
            "data": images.reshape(len(images), -1),
            "fine_labels": labels.tolist(),
            "coarse_labels": [0] * len(images),
        }
        (folder / part).write_bytes(pickle.dumps(content, protocol=2))
    (folder / "meta").write_bytes(pickle.dumps({"fine_label_names": NAMES}, protocol=2))
    return root


def parquet_layout(root: Path) -> Path:
    root.mkdir(parents=True)
    for part, (images, labels) in PARTS.items():
        order = albench.stream(1, part).permutation(len(images))
        cells = []
        for row in order:
            buffer = io.BytesIO()
            Image.fromarray(images[row].transpose(1, 2, 0)).save(buffer, "PNG")
            cells.append({"bytes": buffer.getvalue(), "path": None})
        table = pyarrow.table({"img": cells, "fine_label": labels[order], "coarse_label": labels[order]})
        info = {"info": {"features": {"fine_label": {"names": NAMES}}}}
        table = table.replace_schema_metadata({"huggingface": json.dumps(info)})
        parquet.write_table(table, root / f"{part}-00000-of-00001.parquet")
    return root
