"""Everything that a query needs, read and checked before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from albench.contracts.partly_labeled import PartlyLabeled
from albench.contracts.strategy import Strategy
from albench.errors import AlbenchError, DataError, RequestError, reason
from albench.querying.history import Timeline, read_answer, timeline
from albench.querying.leader import Leader, leading
from albench.querying.pool import Pool
from albench.querying.request import Parts, QueryRequest, check_strategy, read_parts, read_strategy
from albench.study.choice import Choice
from albench.study.survey import refusing


@dataclass(frozen=True)
class Asked:
    """A request, its components, and the data that it is about."""

    request: QueryRequest
    parts: Parts
    choice: Choice
    strategy: Strategy
    leader: Leader | None
    data: PartlyLabeled
    pool: Pool
    timeline: Timeline


def read(request: QueryRequest, device: str) -> Asked:
    """Read and check what a request names; RequestError."""
    leader = None if request.strategy_from is None else leading(request.strategy_from, request.setting)
    choice = leader.strategy if leader else read_strategy(request.strategy)
    strategy, parts = check_strategy(choice), read_parts(request)
    parts.learner.build().check_device(device)
    for path in request.history:
        read_answer(Path(path))
    data = _data(parts.scenario, request)
    for part in (parts.network, parts.learner):
        with refusing(part, parts.scenario):
            part.build().check_input(tuple(data.unlabeled.shape[1:]))
    pool = Pool.of(data, request.seed)
    if request.k > len(pool.rows):
        raise RequestError(f"-k {request.k}: {len(pool.rows)} examples are left to label; ask for at most so many")
    return Asked(request, parts, choice, strategy, leader, data, pool, timeline(request.history, data, pool))


def _data(scenario: Choice, request: QueryRequest) -> PartlyLabeled:
    try:
        folder = Path(request.unlabeled) if request.unlabeled is not None else None
        data: PartlyLabeled = scenario.build().partly_labeled(folder)
        return data.check()
    except AlbenchError:
        raise
    except Exception as error:
        raise DataError(f"scenario {scenario.label!r} of {scenario.owner()} cannot be read: {reason(error)}") from error
