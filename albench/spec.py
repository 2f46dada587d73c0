"""What to run, as JSON: a configured component, a cell, and the keys under which results are kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote

from albench import components
from albench.plugins import host
from albench.protocol import Protocol

SCHEMA = 1  # of the store's files
HARNESS_RESULTS_VERSION = 1  # raised when the harness computes something else than before

_INITIAL_SCHEDULE = ("initial_iterations", "batch_size", "learning_rate", "momentum", "weight_decay")


@dataclass(frozen=True)
class Choice:
    """A component with all its parameters, as plain values, and the label that results carry."""

    kind: str
    name: str
    parameters: Mapping[str, Any]
    label: str
    results_version: int

    @classmethod
    def of(cls, kind: str, text: str, defaults: Mapping[str, Any] | None = None) -> Choice:
        """Configure a component from its text; see `PluginHost.configure`. The label names what is not default."""
        component = host().configure(kind, text, defaults)
        name, _ = components.parse(text)
        label = components.write(name, components.changed(component))
        return cls(kind, name, components.values(component), label, component.results_version)

    def build(self) -> Any:
        """Return the configured object."""
        return host().build(self.kind, self.name, self.parameters)


@dataclass(frozen=True)
class CellSpec:
    """One (scenario, strategy, seed) under a protocol: the unit of work, storage, failure and resume."""

    scenario: Choice
    strategy: Choice
    network: Choice
    protocol: Protocol
    seed: int
    fingerprint: str  # of the data

    def to_json(self) -> dict[str, Any]:
        """Return the whole specification as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> CellSpec:
        """Return the specification that `to_json` wrote."""
        parts = {part: Choice(**value[part]) for part in ("scenario", "strategy", "network")}
        return cls(
            **parts,
            protocol=Protocol(**value["protocol"]),
            seed=value["seed"],
            fingerprint=value["fingerprint"],
        )

    def __str__(self) -> str:
        return f"{self.scenario.label} / {self.strategy.label} / seed {self.seed}"

    @property
    def key(self) -> str:
        """The SHA-256 under which the cell's results are kept: all that they depend on, and `rounds` left out."""
        protocol = {name: value for name, value in asdict(self.protocol).items() if name != "rounds"}
        return self._hash("cell", ("scenario", "strategy", "network"), protocol)

    @property
    def initial_key(self) -> str:
        """The SHA-256 under which the initial network is kept, which every strategy of a seed shares."""
        protocol = {name: getattr(self.protocol, name) for name in _INITIAL_SCHEDULE}
        return self._hash("initial", ("scenario", "network"), protocol)

    def _hash(self, purpose: str, kinds: tuple[str, ...], protocol: Mapping[str, Any]) -> str:
        content = {
            "purpose": purpose,
            "schema": SCHEMA,
            "harness": HARNESS_RESULTS_VERSION,
            "seed": self.seed,
            "fingerprint": self.fingerprint,
            "protocol": protocol,
        }
        for kind in kinds:
            choice: Choice = getattr(self, kind)
            content[kind] = [choice.name, dict(choice.parameters), choice.results_version]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()


def folder_name(label: str) -> str:
    """Return a label as the name of one folder on any disk."""
    return quote(label, safe="[]=,.+ ")[:120]
