"""CIFAR-100 as torchvision keeps it, read without trusting its pickles: whatever names more than arrays is refused."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from albench import DataError, LabeledImages
from albench_datasets.sources.words import in_short

FOLDER = "cifar-100-python"
SIDE = 32


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


def from_torchvision(directory: Path) -> LabeledImages:
    """Return the data set of the folder that lies in a folder of data; DataError."""
    folder = directory / FOLDER
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
        raise DataError(f"{path} is damaged ({in_short(error)}); replace it") from None
