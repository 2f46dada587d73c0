"""Published data sets, a declaration each: as torchvision keeps them, in Parquet files, or downloaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from albench import DataError, DiscoveryScenario, LabeledImages, data_directory, is_offline, reason
from albench_datasets.sources.decoded import decoded
from albench_datasets.sources.parquet import IMAGE_AND_LABEL, Columns, Files, from_parquet, parquet_files

_AXES = {"NHWC": (0, 3, 1, 2), "NCHW": (0, 1, 2, 3)}


@dataclass(frozen=True, eq=False)
class Source:
    """Where a data set is looked for, and how it is read.

    `dataset` names the class of `torchvision.datasets` that reads and downloads it, with `train` and `test` as the
    arguments of its two parts; `files` are those that it needs, below the folder of data. Parquet files lie in one of
    `folders` there, or in its `data`. `read` takes the place of torchvision's class for files that are there.
    """

    title: str
    dataset: str
    files: Sequence[str]
    axes: str  # of the class's array: NHWC, NCHW, or NHW for grey images
    folders: Sequence[str]
    columns: Columns = IMAGE_AND_LABEL
    train: Mapping[str, Any] = field(default_factory=lambda: {"train": True})
    test: Mapping[str, Any] = field(default_factory=lambda: {"train": False})
    class_names: Sequence[str] = ()  # none: those of the files
    read: Callable[[Path], LabeledImages] | None = None

    @property
    def channels(self) -> int:
        """The channels of an image."""
        return 1 if self.axes == "NHW" else 3

    def is_in(self, directory: Path) -> bool:
        """Return whether files in torchvision's layout are there, one at least."""
        return any((directory / name).exists() for name in self.files)

    def parquet(self, directory: Path) -> Files | None:
        """Return the Parquet files that are there."""
        return parquet_files(path for name in self.folders for path in (directory / name, directory / name / "data"))

    def found(self, directory: Path) -> str | None:
        """Return in a few words what of it is there."""
        if self.is_in(directory):
            top = Path(self.files[0]).parts[0]
            return f"torchvision's {'folder' if (directory / top).is_dir() else 'files such as'} {top}"
        files = self.parquet(directory)
        return f"{len(files.all)} Parquet files in {files.train[0].parent}" if files else None

    def from_torchvision(self, directory: Path) -> LabeledImages:
        """Return what torchvision's class reads, its checksums verified; DataError."""
        if self.read is not None:
            return self.read(directory)
        try:
            parts = [self._dataset(directory, arguments, download=False) for arguments in (self.train, self.test)]
        except Exception as error:  # noqa: BLE001 - files that are damaged raise whatever their reader likes
            top = directory / Path(self.files[0]).parts[0]
            raise DataError(
                f"{top} does not hold {self.title} as torchvision keeps it ({reason(error)}); replace it"
            ) from None
        images = np.concatenate([self._images(part) for part in parts])
        labels = [np.asarray(part.targets if hasattr(part, "targets") else part.labels) for part in parts]
        names = self.class_names or parts[0].classes
        is_test = np.repeat([False, True], [len(part) for part in labels])
        return LabeledImages.in_canonical_order(images, np.concatenate(labels), list(names), is_test)

    def download(self, directory: Path) -> None:
        """Let torchvision fetch it; DataError."""
        try:
            directory.mkdir(parents=True, exist_ok=True)
            for arguments in (self.train, self.test):
                self._dataset(directory, arguments, download=True)
        except Exception as error:
            raise DataError(
                f"{self.title} is not in {directory} and could not be downloaded ({reason(error)}); get it elsewhere "
                "and give its folder with --data"
            ) from error

    def _dataset(self, directory: Path, arguments: Mapping[str, Any], download: bool) -> Any:
        from torchvision import datasets

        return getattr(datasets, self.dataset)(str(directory), download=download, **arguments)

    def _images(self, part: Any) -> NDArray[np.uint8]:
        array: NDArray[np.uint8] = np.asarray(part.data)
        return array[:, None] if self.axes == "NHW" else np.ascontiguousarray(array.transpose(_AXES[self.axes]))


@dataclass(frozen=True)
class Published(DiscoveryScenario):
    """A published data set with a training and a test part."""

    source: ClassVar[Source]

    def data(self) -> LabeledImages:
        """Return all images; DataError when they are absent or damaged."""
        return _published(self.source, data_directory(), is_offline())

    def data_found(self) -> str | None:
        """Return which of the layouts is there."""
        return self.source.found(data_directory())


@cache
def _published(source: Source, directory: Path, offline: bool) -> LabeledImages:
    files = None if source.is_in(directory) else source.parquet(directory)
    if files is not None:
        return decoded(files.all, lambda: from_parquet(files, source.columns, source.channels, source.class_names))
    if not source.is_in(directory):
        if offline:
            raise DataError(_absent(source, directory))
        source.download(directory)
    paths = [directory / name for name in source.files]
    for path in paths:
        if not path.is_file():
            raise DataError(f"{path} is missing; complete the folder, or delete it to download {source.title} again")
    return decoded(paths, lambda: source.from_torchvision(directory))


def _absent(source: Source, directory: Path) -> str:
    folder = next(filter(None, source.folders))
    return (
        f"{source.title} is not in {directory}, and it is not downloaded (--offline, --dry-run); put torchvision's "
        f"{source.files[0]} and its other files there, or Parquet files named train-*.parquet and test-*.parquet with "
        f"the columns {source.columns.image} and {source.columns.label} into a folder {folder}/, or give the "
        "folder above with --data"
    )
