"""First-party scenarios of albench."""

from __future__ import annotations

from collections.abc import Mapping

import albench


@albench.hookimpl
def albench_scenarios() -> Mapping[str, str]:
    """Return the scenarios."""
    return {
        "digits": "albench_datasets.digits:Digits",
        "cifar10": "albench_datasets.published:Cifar10",
        "cifar100": "albench_datasets.published:Cifar100",
        "svhn": "albench_datasets.published:Svhn",
        "mnist": "albench_datasets.published:Mnist",
        "fashion-mnist": "albench_datasets.published:FashionMnist",
        "stl10": "albench_datasets.published:Stl10",
        "tiny-imagenet": "albench_datasets.tiny_imagenet:TinyImagenet",
        "medmnist": "albench_datasets.medmnist:MedMnist",
        "images": "albench_datasets.images:Images",
        "parquet": "albench_datasets.tables:Tables",
        "features": "albench_datasets.features:Features",
    }
