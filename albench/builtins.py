"""What the harness itself offers, through the door that every plugin uses."""

from __future__ import annotations

from collections.abc import Mapping

from albench.hookspecs import hookimpl


@hookimpl
def albench_protocols() -> Mapping[str, str]:
    """Return the paper's protocol and the usual one."""
    return {"discovery": "albench.protocols.discovery:Discovery", "top-k": "albench.protocols.topk:TopK"}


@hookimpl
def albench_learners() -> Mapping[str, str]:
    """Return the paper's continuous fine-tuning, and training from scratch each round."""
    return {"finetune": "albench.training.finetune:Finetune", "retrain": "albench.training.retrain:Retrain"}


@hookimpl
def albench_networks() -> Mapping[str, str]:
    """Return the common network, those of papers, those on features, and torchvision's classifiers."""
    return {
        "cifar10-quick": "albench.networks.cifar10_quick:Cifar10Quick",
        "linear": "albench.networks.on_features:Linear",
        "mlp": "albench.networks.on_features:Mlp",
        "resnet8": "albench.networks.resnet:ResNet8",
        "resnet18": "albench.networks.resnet:ResNet18",
        "wide-resnet": "albench.networks.wide_resnet:WideResNet",
        "vgg16": "albench.networks.vgg16:Vgg16",
        "torchvision": "albench.networks.torchvision_classifier:TorchvisionClassifier",
    }


@hookimpl
def albench_executors() -> Mapping[str, str]:
    """Return the executor of this machine, and those of clusters."""
    return {
        "local": "albench.executors.local:Local",
        "dask": "albench.executors.dask:Dask",
        "slurm": "albench.executors.slurm:Slurm",
    }
