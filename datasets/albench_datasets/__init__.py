"""First-party scenarios of albench."""

from __future__ import annotations

from collections.abc import Mapping

import albench


@albench.hookimpl
def albench_scenarios() -> Mapping[str, str]:
    """Return the scenarios."""
    return {
        "digits": "albench_datasets.digits:Digits",
        "cifar100": "albench_datasets.cifar100:Cifar100",
        "images": "albench_datasets.images:Images",
        "features": "albench_datasets.features:Features",
    }
