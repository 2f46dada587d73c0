"""What a component computes on small fixed data: numbers that hold on every processor, to a tolerance.

Networks and images of queries are float64, so that processors which add up in another order pick alike.
"""

from __future__ import annotations

import hashlib
import pickle
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F

import albench
from albench.contracts.learner import Examples, Learner
from albench.contracts.network import Network
from albench.contracts.protocol import Labeled, Protocol
from albench.contracts.query import Query
from albench.contracts.scenario import Scenario
from albench.contracts.strategy import Strategy, has_score, ranks_sets, selects
from albench.plugins.parameters import path_parameters
from albench.testing import Probe, ProbeNetwork, make_probe, make_query
from albench.training.model import Model
from albench_strategies.dropout import DropoutStrategy
from albench_strategies.emoc import worth
from albench_strategies.emoc.strategy import Emoc
from tests.datasets.rewritten import in_parquet

Results = dict[str, Any]  # what was computed -> a number, a text, or a list of these


def small_results(kind: str, component: Any) -> Results:
    """Return what a component of a kind computes, as JSON knows values."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in a cell
    try:
        return {name: _plain(value) for name, value in _OF_KIND[kind](component).items()}
    finally:
        torch.set_num_threads(threads)


def _strategy(strategy: Strategy) -> Results:
    probe = _probe()
    found = _answers(strategy, probe)
    query = probe.query()
    (strategy.score_sets if ranks_sets(strategy) else lambda asked: strategy.select(asked, 5))(query)
    if query.memory:
        later = replace(probe, network=_probe(seed=1).network, round=2, memory=query.stored_memory())
        found |= {f"{name}, round 2": value for name, value in _answers(strategy, later).items()}
    if isinstance(strategy, DropoutStrategy):
        dropping = replace(probe, network=_with_dropout(probe.network))
        found |= {f"{name}, dropout layers": value for name, value in _answers(strategy, dropping).items()}
    if strategy == Emoc():
        found["score_sets, low rank"] = _low_rank_scores(strategy)
    return found


def _answers(strategy: Strategy, probe: Probe) -> Results:
    found: Results = {}
    if has_score(strategy):
        found["score"] = strategy.score(probe.query())
    if ranks_sets(strategy):
        found["score_sets"] = strategy.score_sets(probe.query())
    if selects(strategy):
        found["select"] = strategy.select(probe.query(), 5)
    return found


def _probe(seed: int = 0) -> Probe:
    """Return a round of 36 pool examples, 14 labelled ones and 8 sets of 4, with posteriors that differ."""
    probe = make_probe(n_labeled=14, n_sets=8, set_size=4, image_shape=(1, 8, 8), seed=seed)
    network: Any = probe.network.double()
    with torch.no_grad():
        network.head.weight.mul_(2)
    return replace(probe, pool=probe.pool.double(), labeled=probe.labeled.double(), permitted=True)


def _with_dropout(network: Any) -> Any:
    dropping = type(network)((1, 8, 8), network.head.out_features)
    dropping.load_state_dict(network.state_dict())
    dropping.convolution = nn.Sequential(dropping.convolution, nn.Dropout2d(0.3))
    dropping.linear = nn.Sequential(dropping.linear, nn.Dropout(0.3))
    return dropping.double().eval()


def _low_rank_scores(strategy: Strategy) -> Tensor:
    """Return scores on smooth images, whose gradients have a low rank, with that path taken whatever it costs."""
    shape = {"n_pool": 100, "n_labeled": 10, "n_classes": 4, "n_sets": 20, "set_size": 8}
    query = make_query(**shape, image_shape=(3, 12, 12), network=ProbeNetwork())
    coarse = torch.from_numpy(100 * albench.stream(0, "golden images").standard_normal((110, 3, 3, 3)))
    images = F.interpolate(coarse, size=(12, 12), mode="bilinear")
    smooth = Query(query.network.double(), images[:100], images[100:], query.labels, query.sets, query.generator)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worth, "WORTH_IT", 10.0)
        scores = strategy.score_sets(smooth)
    assert smooth.notes["emoc_rank"] in worth.RANKS, dict(smooth.notes)
    return scores


def _scenario(scenario: Scenario) -> Results:
    found: Results = {}
    with _data() as root:
        paths = {key: str(root / Path(getattr(scenario, key)).name) for key in path_parameters(type(scenario))}
        scenario = replace(scenario, **paths)
        for seed in (0, 1):
            split = scenario.split(seed).check()
            found[f"fingerprint, seed {seed}"] = scenario.fingerprint(seed)
            found[f"known, seed {seed}"] = list(split.known)
            for part in ("initial", "pool", "test"):
                found[f"{part}, seed {seed}"] = _sha256(getattr(split, part))
            if split.answers is not None:
                found[f"answers, seed {seed}"] = _sha256(split.answers)
    return found


@contextmanager
def _data() -> Iterator[Path]:
    """Give scenarios a folder with a small CIFAR-100 in torchvision's layout and images, and an empty cache."""
    with tempfile.TemporaryDirectory() as root, pytest.MonkeyPatch.context() as patch:
        folder = Path(root) / "cifar-100-python"
        folder.mkdir()
        for part, per_class in {"train": 5, "test": 2}.items():
            images = albench.stream(0, f"golden {part}").integers(0, 256, size=(100 * per_class, 3 * 32 * 32))
            content = {"data": images.astype(np.uint8), "fine_labels": list(range(100)) * per_class}
            (folder / part).write_bytes(pickle.dumps(content, protocol=2))
        (folder / "meta").write_bytes(pickle.dumps({"fine_label_names": [f"class {label}" for label in range(100)]}))
        patch.setenv("ALBENCH_DATA", root)
        patch.setenv("ALBENCH_OFFLINE", "1")
        patch.setenv("XDG_CACHE_HOME", f"{root}/cache")
        _write_images(Path(root) / "photos")
        _write_tables(Path(root))
        vectors = albench.stream(0, "golden features").normal(size=(21, 5))
        np.savez(Path(root) / "features.npz", features=vectors, labels=np.arange(21) % 3)
        yield Path(root)


def _write_tables(root: Path) -> None:
    """Write small data sets of ten classes, of noise, as Parquet files."""
    shapes = {"cifar10": 3, "svhn": 3, "mnist": 1, "fashion_mnist": 1, "stl10": 3}
    for name, channels in shapes.items():
        draws = albench.stream(0, f"golden {name}")
        parts = {
            part: (draws.integers(0, 256, size=(10 * n, channels, 8, 8)).astype(np.uint8), np.arange(10 * n) % 10)
            for part, n in {"train": 4, "test": 2}.items()
        }
        in_parquet(root / name, parts, "img" if name == "cifar10" else "image", "label")
    in_parquet(root / "tiny-imagenet", parts, "image", "label", [f"n{label}" for label in range(10)])
    noise = albench.stream(0, "golden octmnist").integers(0, 256, size=(3, 24, 8, 8)).astype(np.uint8)
    arrays = {f"{part}_images": images for part, images in zip(("train", "val", "test"), noise, strict=True)}
    labels = dict.fromkeys(("train_labels", "val_labels", "test_labels"), np.arange(24)[:, None] % 4)
    np.savez(root / "octmnist.npz", **arrays, **labels)


def _write_images(root: Path) -> None:
    """Write three classes of images whose size is the wanted one, which no other version of Pillow scales otherwise."""
    for name in ("ant", "bee", "cat"):
        (root / name).mkdir(parents=True)
        for number, image in enumerate(albench.stream(0, f"golden {name}").integers(0, 256, size=(7, 8, 8, 3))):
            Image.fromarray(image.astype(np.uint8)).save(root / name / f"{number}.png")


@dataclass(frozen=True)
class _Wanting(Strategy):
    """Wants examples in an order that depends on nothing but their ids."""

    def score(self, query: Query) -> Tensor:
        return torch.sin(1.7 * query.pool_ids.double())


def _protocol(protocol: Protocol) -> Results:
    """Run three rounds on a pool of six classes, of which two are known."""
    probe, left, found = make_probe(n_pool=60), np.arange(60), Results()
    hidden = probe.hidden.numpy()
    for number in (1, 2, 3):
        rows = torch.from_numpy(left)
        sets = protocol.sets(hidden[left], albench.stream(0, "golden sets", number))
        case = replace(
            probe, pool=probe.pool[rows], pool_ids=rows, sets=None if sets is None else torch.from_numpy(sets)
        )
        chosen = protocol.choose(_Wanting(), case.query())
        asked = hidden[left[chosen]]
        names = [f"class {label}" for label in range(6)]
        recorded = protocol.record(Labeled(asked, [0, 1], [0, 1, 5, 3, 2, 4], names))
        found |= {f"{column}, round {number}": value for column, value in recorded.items()}
        found[f"rounds left, round {number}"] = protocol.rounds(hidden[left])
        found[f"sets, round {number}"] = None if sets is None else sets.ravel()
        found[f"chosen, round {number}"] = left[chosen]
        left = np.delete(left, chosen)
    return found


def _learner(learner: Learner) -> Results:
    """Train on 30 digits of three classes, then on 6 of a fourth; say how far each tensor moved."""
    bunch = load_digits()
    places = np.concatenate([np.flatnonzero(bunch.target == label)[:10] for label in (3, 1, 7)])
    places = np.concatenate([places, np.flatnonzero(bunch.target == 5)[:6]])
    images = (bunch.images[places] * 15).astype(np.uint8)[:, None]
    labels = bunch.target[places].astype(np.int64)
    model = Model(ProbeNetwork(), 0, [3, 1, 7], images[:30], "cpu")
    before = {name: value.clone() for name, value in model.weights().items()}
    learner.fit(model, Examples(images[:30], labels[:30]))
    found = {f"{name}, fit": value for name, value in _changes(before, model.weights()).items()}
    model.grow(5)
    before = {name: value.clone() for name, value in model.weights().items()}
    learner.update(model, Examples(images, labels), 6, 1)
    found["classes"] = model.classes
    return found | {f"{name}, update": value for name, value in _changes(before, model.weights()).items()}


def _changes(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> Results:
    """Return for each tensor how its length changed, and the change along a fixed direction."""
    found: Results = {}
    for name, value in after.items():
        moved = (value - before[name]).double().flatten()
        along = torch.sin(torch.arange(len(moved), dtype=torch.float64))
        found[name] = [float(moved.norm()), float(moved @ along)]
    return found


def _network(network: Network) -> Results:
    found: Results = {}
    for shape in _shapes(network):
        module: Any = network.build(shape, 4, albench.stream(0, "golden network"))
        weights = {name: value.numpy() for name, value in module.state_dict().items()}
        found |= {f"{name}, {shape}": f"{list(value.shape)} {_sha256(value)}" for name, value in weights.items()}
        draws = albench.stream(0, "golden images")
        images: Any = draws.integers(0, 256, size=(5, *shape)).astype(np.uint8)
        if len(shape) == 1:
            images = draws.normal(size=(5, *shape)).astype(np.float32)
        prepared = network.preparation(images[:3])(images)
        found[f"prepared, {shape}"] = prepared[3, ..., 0] if len(shape) > 1 else prepared[3]
        with torch.no_grad():
            found[f"logits, {shape}"] = module.double().eval()(prepared.double())
    found["head row"] = _sha256(network.head_row(7, albench.stream(0, "golden row")))
    return found


def _shapes(network: Network) -> list[tuple[int, ...]]:
    """Return shapes of inputs that a network takes: images, else features."""
    try:
        network.check_input((1, 8, 8))
    except albench.RequestError:
        return [(12,)]
    return [(1, 8, 8), (3, 32, 32)]


_OF_KIND: dict[str, Callable[[Any], Results]] = {
    "strategies": _strategy,
    "scenarios": _scenario,
    "protocols": _protocol,
    "learners": _learner,
    "networks": _network,
}


def _sha256(array: Any) -> str:
    """Return the SHA-256 of an array's numbers, little-endian."""
    values = np.ascontiguousarray(array)
    return hashlib.sha256(values.astype(values.dtype.newbyteorder("<")).tobytes()).hexdigest()


def _plain(value: Any) -> Any:
    """Return a value as JSON knows it, floats with nine digits."""
    if isinstance(value, (Tensor, np.ndarray)):
        value = value.ravel().tolist()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value
