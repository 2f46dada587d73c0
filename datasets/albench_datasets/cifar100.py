"""CIFAR-100 from the layouts that people have, or downloaded."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from albench import DataError, DiscoveryScenario, LabeledImages, data_directory, is_offline
from albench_datasets.sources.decoded import decoded

TORCHVISION_FOLDER = "cifar-100-python"
SIDE = 32


@dataclass(frozen=True)
class Cifar100(DiscoveryScenario):
    """60,000 colour images of 32 x 32 pixels, 100 classes (Krizhevsky 2009; free for research, no formal licence).

    Looked for in --data / $ALBENCH_DATA: torchvision's folder, else Parquet files in the layout of Hugging Face, there
    or in a folder `cifar100`; else downloaded through torchvision.
    """

    results_version: ClassVar[int] = 1

    def data(self) -> LabeledImages:
        """Return all 50,000 + 10,000 images; DataError when they are absent or damaged."""
        return _cifar100(data_directory(), is_offline())

    def data_found(self) -> str | None:
        """Return which of the layouts is there."""
        if (data_directory() / TORCHVISION_FOLDER).is_dir():
            return f"torchvision's folder {TORCHVISION_FOLDER}"
        parquet = _parquet_files(data_directory())
        return f"{sum(map(len, parquet))} Parquet files in {parquet[0][0].parent}" if parquet else None


@cache
def _cifar100(directory: Path, offline: bool) -> LabeledImages:
    folder = directory / TORCHVISION_FOLDER
    parquet = _parquet_files(directory)
    if not folder.is_dir() and parquet is None:
        if offline:
            raise DataError(
                f"CIFAR-100 is not in {directory}, and it is not downloaded (--offline, --dry-run); put torchvision's "
                f"folder {TORCHVISION_FOLDER}/ there, or Parquet files named train-*.parquet and test-*.parquet with "
                "the columns img and fine_label, or give their folder with --data"
            )
        _download(directory)
    if folder.is_dir():
        sources = [folder / name for name in ("train", "test", "meta")]
        return _decoded(sources, lambda: _from_torchvision(folder))
    assert parquet is not None
    train, test = parquet
    return _decoded([*train, *test], lambda: _from_parquet(train, test))


def _decoded(sources: list[Path], decode: Any) -> LabeledImages:
    for source in sources:
        if not source.is_file():
            raise DataError(f"{source} is missing; complete the folder, or delete it to download CIFAR-100 again")
    return decoded(sources, decode)


def _parquet_files(directory: Path) -> tuple[list[Path], list[Path]] | None:
    for folder in (directory, directory / "cifar100", directory / "cifar100" / "data", directory / "data"):
        train, test = sorted(folder.glob("train-*.parquet")), sorted(folder.glob("test-*.parquet"))
        if train and test:
            return train, test
    return None


def _download(directory: Path) -> None:
    from torchvision.datasets import CIFAR100

    try:
        directory.mkdir(parents=True, exist_ok=True)
        CIFAR100(str(directory), download=True)
    except Exception as error:
        raise DataError(
            f"CIFAR-100 is not in {directory} and could not be downloaded ({error}); get it elsewhere and give its "
            "folder with --data"
        ) from error


class _PlainUnpickler(pickle.Unpickler):
    """Reads the arrays and lists of CIFAR's own files and refuses everything else."""

    _allowed = frozenset(
        {
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
            ("_codecs", "encode"),
        }
    )

    def find_class(self, module: str, name: str) -> Any:
        """Return one of the few classes that the files need."""
        if (module.replace("numpy._core", "numpy.core"), name) not in self._allowed:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in CIFAR-100")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def _from_torchvision(folder: Path) -> LabeledImages:
    try:
        train, test, meta = (_unpickled(folder / name) for name in ("train", "test", "meta"))
        pixels = np.concatenate([train["data"], test["data"]]).reshape(-1, 3, SIDE, SIDE)
        labels = np.concatenate([train["fine_labels"], test["fine_labels"]])
        is_test = np.repeat([False, True], [len(train["fine_labels"]), len(test["fine_labels"])])
        names = list(meta["fine_label_names"])
        return LabeledImages.in_canonical_order(np.ascontiguousarray(pixels), labels, names, is_test)
    except DataError:
        raise
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(
            f"{folder} does not hold CIFAR-100 as torchvision keeps it ({error}); replace the folder"
        ) from None


def _unpickled(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return dict(_PlainUnpickler(file, encoding="latin1").load())
    except Exception as error:  # noqa: BLE001 - a damaged pickle raises whatever it likes
        raise DataError(f"{path} is damaged ({error}); replace it") from None


def _from_parquet(train: list[Path], test: list[Path]) -> LabeledImages:
    parts = [(_table(path), path in test) for path in [*train, *test]]
    names = _class_names(parts[0][0], train[0])
    images = np.concatenate([_images(table, path) for (table, _), path in zip(parts, [*train, *test], strict=True)])
    labels = np.concatenate([table["fine_label"].to_numpy() for table, _ in parts])
    is_test = np.concatenate([np.full(len(table), flag) for table, flag in parts])
    return LabeledImages.in_canonical_order(images, labels, names, is_test)


def _table(path: Path) -> Any:
    import pyarrow
    from pyarrow import parquet

    try:
        return parquet.read_table(path, columns=["img", "fine_label"])
    except (pyarrow.ArrowException, OSError, KeyError) as error:
        raise DataError(
            f"{path} is no readable Parquet file with the columns img and fine_label ({error}); replace it"
        ) from None


def _images(table: Any, path: Path) -> Any:
    from PIL import Image

    images = np.empty((len(table), 3, SIDE, SIDE), dtype=np.uint8)
    for row, cell in enumerate(table["img"].to_pylist()):
        try:
            with Image.open(BytesIO(cell["bytes"])) as picture:
                images[row] = np.asarray(picture.convert("RGB")).transpose(2, 0, 1)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise DataError(f"{path}: the image in row {row} cannot be read ({error}); replace the file") from None
    return images


def _class_names(table: Any, path: Path) -> list[str]:
    try:
        info = json.loads(table.schema.metadata[b"huggingface"])
        return [str(name) for name in info["info"]["features"]["fine_label"]["names"]]
    except (TypeError, KeyError, ValueError):
        raise DataError(f"{path} has no class names in its schema metadata (key 'huggingface'); replace it") from None
