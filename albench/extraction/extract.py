"""The features of a scenario's images by a network that stays as it is: computed in blocks, kept, put into one file."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from albench.datadir import data_settings
from albench.errors import RequestError, SettingError
from albench.executors.local import cores
from albench.extraction.blocks import Blocks, Features, differing
from albench.extraction.images import Asked, asked_images
from albench.products.choice import chosen as chosen_product
from albench.running.device import check_device
from albench.study.choice import Choice
from albench.study.seeds import Seeds, read_seeds
from albench.study.survey import check_data, refusing

if TYPE_CHECKING:
    from albench.contracts.network import Network
    from albench.contracts.scenario import Scenario
    from albench.training.model import Model

BATCH = 64  # images that the network sees at once
BLOCK_BATCHES = 16  # of a block, which is what a killed run loses at most
OnRows = Callable[[int, int], None]  # (rows done, rows in all)


@dataclass(frozen=True)
class Extraction:
    """A file of features to be written, and what it will hold.

    `what` tells the features from others: the data, the rows, the network with the SHA-256 of its weights. `how` is
    what their last bits depend on.
    """

    target: Path
    asked: Asked
    network: Choice
    seed: int
    batch_size: int
    device: str
    threads: int
    product: str
    what: dict[str, Any]
    how: dict[str, Any]

    def is_there(self) -> bool:
        """Return whether the file is there with these features; RequestError where it is there with others."""
        if not self.target.exists():
            return False
        about = _about(self.target)
        other = differing({name: about.get(name) for name in self.what}, self.what) if about else "nothing that says so"
        if other:
            raise RequestError(f"{self.target} is there already, with {other}; name another file with --output")
        return True

    def perform(self, on_rows: OnRows | None = None) -> Path:
        """Compute what is not there yet, write the file and return its path; `on_rows` is told how far it is."""
        from albench.running.mode import prepare_torch, settings_kept

        if self.is_there():
            return self.target
        n = len(self.asked.rows)
        blocks = Blocks(self.target, {**self.what, **self.how}, n, BLOCK_BATCHES * self.batch_size)
        blocks.open()
        tell = on_rows or _silent
        with settings_kept():
            prepare_torch(self.device, self.threads, self.product)
            model = self._model()
            for start in blocks.starts:
                if blocks.read(start) is None:
                    blocks.write(start, self._block(model, blocks.rows(start)))
                tell(blocks.rows(start).stop, n)
        source = json.dumps({**self.what, **self.how}, ensure_ascii=False)
        arrays = {**self.asked.per_row(), "class_names": np.asarray(list(self.asked.class_names))}
        blocks.finish(self.target, {**arrays, "source": np.asarray(source)})
        return self.target

    def _model(self) -> Model:
        from albench.training.model import Model

        known = range(len(self.asked.class_names))
        initial = self.asked.images[self.asked.initial]
        return Model(self.network.build(), self.seed, known, initial, self.device)

    def _block(self, model: Model, place: slice) -> Features:
        """Return the features of a block's rows, float32, (n, d), from batches of one size."""
        import torch

        from albench.contracts.generators import held_still

        rows, found = self.asked.rows[place], []
        with torch.no_grad(), held_still("making features"):
            for start in range(0, len(rows), self.batch_size):
                batch = self.asked.images[rows[start : start + self.batch_size]]
                found.append(model.network.features(model.prepare(batch)).cpu().numpy())
        features: Features = np.concatenate(found)
        if features.dtype != np.float32 or features.ndim != 2 or not np.isfinite(features).all():
            raise SettingError(
                f"{self.network.label} gave features of {features.dtype} and shape {features.shape}, or numbers that "
                "are not finite; give float32, (n, d)"
            )
        return features


def extraction(
    scenario: str | Scenario,
    network: str | Network,
    path: str | Path,
    *,
    seeds: Seeds | None = None,
    batch_size: int = BATCH,
    device: str | None = None,
    threads: int | None = None,
    data: str | Path | None = None,
) -> Extraction:
    """Return what `features` would compute, checked: data, network and options. RequestError."""
    from albench.products.matmul import usable

    if Path(path).suffix != ".npz":
        raise RequestError(f"{path} does not end in .npz; name such a file with --output")
    for name, value in (("batch size", batch_size), ("threads", threads)):
        if value is not None and value < 1:
            raise RequestError(f"{name} {value}; give 1 or more")
    of, by = Choice.of("scenarios", scenario), Choice.of("networks", network)
    check_data({of.label: of}, data)
    chosen = read_seeds(seeds, "--seeds") if seeds is not None else ()
    asked = asked_images(of, chosen)
    with refusing(by, of):
        by.build().check_input(tuple(asked.images.shape[1:]))
    seed = chosen[0] if chosen else 0
    name, changed, code = by.identity()
    found = (check_device(device), threads or cores(), usable(chosen_product()))
    what = {
        "data": {"scenario": of.name, **asked.identity()},
        "network": {"label": by.label, "name": name, "parameters": changed, "version": code, "seed": seed},
    }
    how = {"batch_size": batch_size, **dict(zip(("device", "threads", "product"), found, strict=True))}
    how["versions"] = {library: version(library) for library in ("albench", "torch", "torchvision")}
    return Extraction(Path(path), asked, by, seed, batch_size, *found, what, how)


def features(
    scenario: str | Scenario,
    network: str | Network,
    path: str | Path,
    *,
    seeds: Seeds | None = None,
    batch_size: int = BATCH,
    device: str | None = None,
    threads: int | None = None,
    data: str | Path | None = None,
    offline: bool = False,
    on_rows: OnRows | None = None,
) -> Path:
    """Write what a network that stays as it is makes of a scenario's images into an ``.npz`` file; return its path.

    It is the file of `features[path=FILE]`: `features`, `labels`, `class_names`, and where the scenario has them
    `is_test` and `paths`; `source` says of which data and by which network, with the SHA-256 of its weights. All images
    of the data set, or those that the splits of `seeds` use. Computed in blocks beside the file, so that the same call
    goes on where one was stopped; memory holds a block. `on_rows` is told (rows done, rows in all). Raises RequestError
    when the request is wrong, or where the file or its blocks hold something else.
    """
    with data_settings(data, offline):
        planned = extraction(
            scenario, network, path, seeds=seeds, batch_size=batch_size, device=device, threads=threads, data=data
        )
        return planned.perform(on_rows)


def _silent(done: int, total: int) -> None:
    """Tell nobody."""


def _about(path: Path) -> dict[str, Any]:
    """Return what a file of features says of its source; empty where it says nothing."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            found = json.loads(str(stored["source"]))
    except Exception:  # noqa: BLE001 - a damaged file raises whatever its readers like
        return {}
    return found if isinstance(found, dict) else {}
