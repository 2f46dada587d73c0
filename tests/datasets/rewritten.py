"""Images of CIFAR-100, rewritten in the layouts in which other data sets come; noise where CIFAR-100 is not at hand."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow
import pytest
from PIL import Image
from pyarrow import parquet
from scipy.io import savemat
from torchvision import datasets

import albench

REAL = albench.data_directory()  # before a test names another
PER_CLASS = {"train": 6, "test": 3}
Part = tuple[np.ndarray, np.ndarray]  # images (n, C, H, W) and labels (n,) of ten classes


@cache
def pictures(channels: int = 3, side: int = 32) -> dict[str, Part]:
    """Return ten classes of CIFAR-100 in a shuffled order, of another size and in grey where that is wanted."""
    found = {}
    for part, per_class in PER_CLASS.items():
        images, labels = _real(part) or _noise(part)
        rows = np.concatenate([np.flatnonzero(labels == label)[:per_class] for label in range(10)])
        rows = albench.stream(0, "order", part).permutation(rows)
        found[part] = (np.stack([_changed(images[row], channels, side) for row in rows]), labels[rows])
    return found


@cache
def _real(part: str) -> Part | None:
    """Return the first images of CIFAR-100's part, (n, 32, 32, 3), None where they are not at hand."""
    path = REAL / "cifar100" / f"{part}-00000-of-00001.parquet"
    if not path.exists():
        return None
    table = next(parquet.ParquetFile(path).iter_batches(2000, columns=["img", "fine_label"]))
    cells = [np.asarray(Image.open(io.BytesIO(cell["bytes"]))) for cell in table.column("img").to_pylist()]
    return np.stack(cells), table.column("fine_label").to_numpy()


def _noise(part: str) -> Part:
    images = albench.stream(0, "noise", part).integers(0, 256, size=(90, 32, 32, 3))
    return images.astype(np.uint8), np.tile(np.arange(10), 9)


def _changed(image: np.ndarray, channels: int, side: int) -> np.ndarray:
    picture = Image.fromarray(image).resize((side, side))
    array = np.asarray(picture.convert("L" if channels == 1 else "RGB"))
    return array[None] if channels == 1 else array.transpose(2, 0, 1)


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def cifar10(root: Path, patch: pytest.MonkeyPatch) -> None:
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    parts = pictures()
    batches = {f"data_batch_{number + 1}": [part[number::5] for part in parts["train"]] for number in range(5)}
    for name, (images, labels) in {**batches, "test_batch": parts["test"]}.items():
        content = {"data": images.reshape(len(images), -1), "labels": labels.tolist()}
        (folder / name).write_bytes(pickle.dumps(content, protocol=2))
    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": names}))
    patch.setattr(datasets.CIFAR10, "train_list", [[name, md5(folder / name)] for name in batches])
    patch.setattr(datasets.CIFAR10, "test_list", [["test_batch", md5(folder / "test_batch")]])
    meta = {"filename": "batches.meta", "key": "label_names", "md5": md5(folder / "batches.meta")}
    patch.setattr(datasets.CIFAR10, "meta", meta)


def svhn(root: Path, patch: pytest.MonkeyPatch) -> None:
    root.mkdir(parents=True)
    found = {}
    for part, (images, labels) in pictures().items():
        path = root / f"{part}_32x32.mat"
        savemat(path, {"X": images.transpose(2, 3, 1, 0), "y": np.where(labels == 0, 10, labels)[:, None]})
        found[part] = ["", path.name, md5(path)]
    patch.setattr(datasets.SVHN, "split_list", found)


def mnist(root: Path, patch: pytest.MonkeyPatch, name: str = "MNIST") -> None:
    del patch  # its files have no checksums but when they are downloaded
    folder = root / name / "raw"
    folder.mkdir(parents=True)
    for part, (images, labels) in pictures(1, 28).items():
        start = "train" if part == "train" else "t10k"
        header = struct.pack(">IIII", 0x803, len(images), 28, 28)
        (folder / f"{start}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        header = struct.pack(">II", 0x801, len(labels))
        (folder / f"{start}-labels-idx1-ubyte").write_bytes(header + labels.astype(np.uint8).tobytes())


def fashion_mnist(root: Path, patch: pytest.MonkeyPatch) -> None:
    mnist(root, patch, "FashionMNIST")


def stl10(root: Path, patch: pytest.MonkeyPatch) -> None:
    folder = root / "stl10_binary"
    folder.mkdir(parents=True)
    for part, (images, labels) in pictures(3, 96).items():
        (folder / f"{part}_X.bin").write_bytes(np.ascontiguousarray(images.transpose(0, 1, 3, 2)).tobytes())
        (folder / f"{part}_y.bin").write_bytes((labels + 1).astype(np.uint8).tobytes())
    (folder / "unlabeled_X.bin").write_bytes(bytes(3 * 96 * 96))
    lists = {"train_list": ("train_X", "train_y", "unlabeled_X"), "test_list": ("test_X", "test_y")}
    for name, files in lists.items():
        patch.setattr(datasets.STL10, name, [[f"{file}.bin", md5(folder / f"{file}.bin")] for file in files])


def in_parquet(folder: Path, parts: dict[str, Part], image: str, label: str, names: list[str] | None = None) -> None:
    """Write parts as Hugging Face does: in order of its own, in two files each, with the files' bytes in a column."""
    folder.mkdir(parents=True)
    for part, (images, labels) in parts.items():
        for number in range(2):
            cells = []
            for pixels in images[number::2]:
                buffer = io.BytesIO()
                Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)).save(buffer, "PNG")
                cells.append({"bytes": buffer.getvalue(), "path": None})
            table = pyarrow.table({image: cells, label: labels[number::2]})
            if names:
                info = {"info": {"features": {label: {"names": names}}}}
                table = table.replace_schema_metadata({"huggingface": json.dumps(info)})
            parquet.write_table(table, folder / f"{part}-{number:05}-of-00002.parquet")


LAYOUTS: dict[str, Callable[[Path, pytest.MonkeyPatch], None]] = {
    "cifar10": cifar10,
    "svhn": svhn,
    "mnist": mnist,
    "fashion-mnist": fashion_mnist,
    "stl10": stl10,
}
SHAPES = {"cifar10": (3, 32), "svhn": (3, 32), "mnist": (1, 28), "fashion-mnist": (1, 28), "stl10": (3, 96)}
COLUMNS = {"cifar10": ("img", "label")}  # of Parquet files, where they are not image and label
FOLDERS = {"fashion-mnist": "fashion_mnist", "svhn": "svhn/cropped_digits"}
