"""What the harness itself offers, through the door that every plugin uses."""

from __future__ import annotations

from collections.abc import Mapping

from albench.hookspecs import hookimpl


@hookimpl
def albench_networks() -> Mapping[str, str]:
    """Return the common network."""
    return {"cifar10-quick": "albench.networks:Cifar10Quick"}


@hookimpl
def albench_executors() -> Mapping[str, str]:
    """Return the executor of this machine."""
    return {"local": "albench.executors.local:Local"}
