"""The images whose features are asked for: all of a data set, or those that some seeds use."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from albench.contracts.discovery_scenario import DiscoveryScenario
from albench.contracts.scenario import Indices, Inputs
from albench.errors import AlbenchError, DataError, RequestError, reason
from albench.study.choice import Choice

MOST_SEEN = 1000  # images that a network's preparation sees where no seed says which


@dataclass(frozen=True)
class Asked:
    """Rows of a data set, in the order of their features, and what is known of them."""

    images: Inputs  # of the whole data set, uint8 (N, C, H, W)
    rows: Indices  # (n,), rows of `images`, ascending
    initial: Indices  # rows that the network's preparation may look at
    labels: Indices  # (N,)
    class_names: Sequence[str]
    is_test: NDArray[np.bool_] | None  # (N,); None where the data have no test part
    files: Sequence[str] | None  # (N,)
    fingerprint: str  # of the whole data set

    def per_row(self) -> dict[str, NDArray[Any]]:
        """Return what a file of features holds of each row besides them."""
        found: dict[str, NDArray[Any]] = {"labels": self.labels[self.rows].astype(np.int64)}
        if self.is_test is not None:
            found["is_test"] = self.is_test[self.rows]
        if self.files is not None:
            found["paths"] = np.asarray([self.files[row] for row in self.rows.tolist()])
        return found

    def identity(self) -> dict[str, str]:
        """Return what tells these images from others."""
        order = hashlib.sha256(np.ascontiguousarray(self.rows).tobytes()).hexdigest()
        return {"fingerprint": self.fingerprint, "rows": order}


def asked_images(scenario: Choice, seeds: Sequence[int]) -> Asked:
    """Return all images of a scenario's data set, or those that the splits of some seeds use.

    A scenario that derives from no `DiscoveryScenario` has its splits alone: without seeds that of seed 0, and no test
    part. Whatever a third party's scenario raises becomes a DataError that names it; RequestError for features.
    """
    try:
        found = _asked(scenario.build(), seeds)
    except AlbenchError:
        raise
    except Exception as error:
        raise DataError(f"scenario {scenario.label!r} of {scenario.owner()} gives no data: {reason(error)}") from error
    if found.images.ndim != 4:
        raise RequestError(f"{scenario.label} gives features already; choose a scenario of images with --scenario")
    return found


def _asked(scenario: Any, seeds: Sequence[int]) -> Asked:
    is_whole = isinstance(scenario, DiscoveryScenario)
    splits = [scenario.split(seed).check() for seed in (seeds or ([] if is_whole else [0]))]
    data = scenario.data() if isinstance(scenario, DiscoveryScenario) else splits[0]
    n = len(data.images)
    is_test = getattr(data, "is_test", None)
    if splits:
        used = np.unique(np.concatenate([part for one in splits for part in (one.initial, one.pool, one.test)]))
        rows, initial = used[used < n], splits[0].initial  # a pool may repeat images below the data's own
    else:
        rows = np.arange(n)
        seen = rows if is_test is None else np.flatnonzero(~is_test)
        initial = seen[:: max(1, len(seen) // MOST_SEEN)]
    return Asked(
        data.images,
        rows.astype(np.int64),
        initial,
        np.asarray(data.labels),
        data.class_names,
        is_test,
        data.files,
        scenario.fingerprint(seeds[0] if seeds else 0),
    )
