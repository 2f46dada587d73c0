"""One deliberately bad strategy for each clause of the contract."""

from __future__ import annotations

import gc
import random
import sys
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

import albench
from albench.contracts.scenario import Split

MEMORY: list[int] = []


@dataclass(frozen=True)
class Good(albench.Strategy):
    def score(self, query: albench.Query) -> Tensor:
        return -query.probabilities.amax(dim=1)


class Matrix(Good):
    def score(self, query: albench.Query) -> Tensor:
        return query.probabilities


class SetsOnly(albench.Strategy):
    def score_sets(self, query: albench.Query) -> Tensor:
        return query.probabilities.amax(dim=1)[query.sets].sum(dim=1)


class Repeats(Good):
    def select(self, query: albench.Query, k: int) -> Tensor:
        return torch.zeros(k, dtype=torch.int64)


class NotANumber(Good):
    def score(self, query: albench.Query) -> Tensor:
        return torch.log(query.logits[:, 0])


class Counts(Good):
    def score(self, query: albench.Query) -> Tensor:
        MEMORY.append(1)
        return query.logits[:, len(MEMORY) % query.n_classes]


class GlobalTorch(Good):
    def score_sets(self, query: albench.Query) -> Tensor:
        return torch.rand(len(query.sets))


class GlobalNumpy(Good):
    def score_sets(self, query: albench.Query) -> Tensor:
        return torch.from_numpy(np.random.rand(len(query.sets)))


class GlobalPython(Good):
    def select(self, query: albench.Query, k: int) -> Tensor:
        return torch.tensor(random.sample(range(len(query.pool)), min(k, len(query.pool))))


class Seeds(Good):
    def score(self, query: albench.Query) -> Tensor:
        torch.manual_seed(0)
        return torch.rand(len(query.pool))


class ChangesWeights(Good):
    def score(self, query: albench.Query) -> Tensor:
        with torch.no_grad():
            query.network.head.weight.mul_(1.01)
        return query.logits[:, 0]


class LeavesTraining(Good):
    def score(self, query: albench.Query) -> Tensor:
        query.network.train()
        return query.logits[:, 0]


class ChangesPool(Good):
    def score(self, query: albench.Query) -> Tensor:
        query.pool.sub_(query.pool.mean())
        return query.logits[:, 0]


class ChangesPoolUnseen(Good):
    def score(self, query: albench.Query) -> Tensor:
        query.pool.numpy()[0] += 1
        return query.logits[:, 0]


class ChangesLogits(Good):
    def score(self, query: albench.Query) -> Tensor:
        return query.logits.sub_(1)[:, 0]


class ReadsCallers(Good):
    def score_sets(self, query: albench.Query) -> Tensor:
        frame = sys._getframe()
        while frame is not None:
            split = frame.f_locals.get("split")
            if isinstance(split, Split):
                return torch.from_numpy(split.labels[split.pool])[query.sets].double().mean(dim=1)
            frame = frame.f_back
        return torch.zeros(len(query.sets))


class ReadsLiveObjects(Good):
    def score(self, query: albench.Query) -> Tensor:
        gc.collect()  # splits that earlier tests left in cycles
        found = [item for item in gc.get_objects() if type(item) is Split and len(item.pool) == len(query.pool)]
        return torch.from_numpy(found[-1].labels[found[-1].pool]).double() if found else query.logits[:, 0]


class SplitsAgain(Good):
    def score(self, query: albench.Query) -> Tensor:
        albench.scenario("digits").split(0)
        return query.logits[:, 0]


class RepeatsStreams(Good):
    def score(self, query: albench.Query) -> Tensor:
        return torch.from_numpy(albench.stream(0, "candidate sets", 1).random(len(query.pool)))


class AsksForLabels(Good):
    def score(self, query: albench.Query) -> Tensor:
        return query.pool_labels.double()


class Position(Good):
    def score(self, query: albench.Query) -> Tensor:
        return torch.arange(len(query.pool)).double()


class NoisyPosition(Good):
    def score(self, query: albench.Query) -> Tensor:
        noise = torch.rand(len(query.pool), generator=query.generator)
        return torch.arange(len(query.pool)) / len(query.pool) + noise


class FirstOfTies(Good):
    def select(self, query: albench.Query, k: int) -> Tensor:
        return torch.arange(len(query.pool))[:k]


class BatchStatistics(Good):
    def score(self, query: albench.Query) -> Tensor:
        parts = query.logits[:, 0].split(query.batch_size)
        return torch.cat([part - part.mean() for part in parts])


class RanksSets(Good):
    def score_sets(self, query: albench.Query) -> Tensor:
        return super().score_sets(query).argsort().argsort().double()


class Overlap(Good):
    def score_sets(self, query: albench.Query) -> Tensor:
        counts = torch.bincount(query.sets.flatten(), minlength=len(query.pool)).double()
        return counts[query.sets].mean(dim=1)


class NeedsTwoCandidates(Good):
    def score(self, query: albench.Query) -> Tensor:
        return query.logits.std(dim=0)[0].expand(len(query.pool))


class NeedsTwoClasses(Good):
    def score(self, query: albench.Query) -> Tensor:
        best = query.probabilities.topk(2, dim=1).values
        return best[:, 1] - best[:, 0]


class NeedsKCandidates(Good):
    def select(self, query: albench.Query, k: int) -> Tensor:
        return self.score(query).topk(k).indices


class DividesBySpread(Good):
    def score(self, query: albench.Query) -> Tensor:
        features = query.features
        return ((features - features.mean(dim=0)) / features.std(dim=0)).norm(dim=1)


@dataclass(frozen=True)
class Unwritable(Good):
    scale: list[float] = field(default_factory=lambda: [1.0])


@dataclass(frozen=True)
class Rewrites(Good):
    scale: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", self.scale + 1)


class Loops(Good):
    def score(self, query: albench.Query) -> Tensor:
        return torch.stack([sum(p * p for p in row) for row in query.probabilities])


class Hoards(Good):
    def score(self, query: albench.Query) -> Tensor:
        return query.logits[:, 0] + torch.ones(60_000_000).sum() * 0


BY_ROUND: dict[int, Tensor] = {}


class KeepsInModule(Good):
    """Looks right when rounds come in order, since it keeps one thing a round; a resumed run starts without any."""

    def score(self, query: albench.Query) -> Tensor:
        before = BY_ROUND.get(query.round - 1)
        BY_ROUND[query.round] = torch.zeros(100).index_put((query.pool_ids,), query.logits[:, 0])
        return query.logits[:, 0] - (0 if before is None else before[query.pool_ids])


@dataclass(frozen=True)
class KeepsInInstance(Good):
    kept: list[float] = field(default_factory=list, init=False, compare=False)

    def score(self, query: albench.Query) -> Tensor:
        self.kept.append(float(query.logits.mean()))
        return query.logits[:, 0] * (1 + len(query.history) - len(query.labels)) + self.kept[0] * query.logits[:, -1]


class RemembersMore(Good):
    """Scores are right, and what it remembers depends on what was asked before."""

    def score(self, query: albench.Query) -> Tensor:
        MEMORY.append(1)
        query.remember("count", len(MEMORY))
        return query.logits[:, 0]


class OrdersByIds(Good):
    def score(self, query: albench.Query) -> Tensor:
        return query.pool_ids.float()


class NeedsSets(Good):
    def score(self, query: albench.Query) -> Tensor:
        return query.logits[:, 0] * len(query.sets)


class SelectsOnly(albench.Strategy):
    """Selects and ranks no sets: no clause is broken."""

    def select(self, query: albench.Query, k: int) -> Tensor:
        return query.probabilities.amax(dim=1).argsort(stable=True)[:k]


class CountsRight(Good):
    """Keeps what it needs in its memory: no clause is broken."""

    def score(self, query: albench.Query) -> Tensor:
        size = int(query.pool_ids.max()) + 1
        total = query.memory.get("total", torch.zeros(size)).clone()
        total[query.pool_ids] += query.probabilities.amax(dim=1)
        query.remember("total", total)
        return -total[query.pool_ids]
