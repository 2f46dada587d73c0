"""What to run, as JSON: a setting, a cell, and the keys under which results are kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import quote

from albench.study.choice import Choice

SCHEMA = 2  # of the store's files
HARNESS_RESULTS_VERSION = 1  # raised when the harness computes something else than before

DEFAULTS = {"protocol": "discovery", "learner": "finetune", "network": "cifar10-quick"}  # what a label leaves out
PARTS = ("scenario", *DEFAULTS)
KIND_OF = {"scenario": "scenarios", "protocol": "protocols", "learner": "learners", "network": "networks"}


@dataclass(frozen=True)
class Setting:
    """What strategies are compared under: scenario, protocol, learner and network together."""

    scenario: Choice
    protocol: Choice
    learner: Choice
    network: Choice

    @cached_property
    def label(self) -> str:
        """The labels of its parts, default components left out, the scenario always there."""
        return " / ".join(choice.label for part, choice in self.parts().items() if choice.label != DEFAULTS.get(part))

    def parts(self) -> dict[str, Choice]:
        """Return its components by what they are."""
        return {part: getattr(self, part) for part in PARTS}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Setting:
        """Return the setting of a mapping that holds its parts as plain values."""
        return cls(**{part: Choice(**value[part]) for part in PARTS})


@dataclass(frozen=True)
class CellSpec:
    """One (setting, strategy, seed): the unit of work, storage, failure and resume."""

    setting: Setting
    strategy: Choice
    seed: int
    fingerprint: str  # of the data

    def to_json(self) -> dict[str, Any]:
        """Return the whole specification as plain values: the setting's parts, strategy, seed and fingerprint."""
        parts = {**self.setting.parts(), "strategy": self.strategy}
        plain = {part: asdict(choice) for part, choice in parts.items()}
        return {**plain, "seed": self.seed, "fingerprint": self.fingerprint}

    def stored(self) -> dict[str, Any]:
        """Return it as a store keeps it; see `Choice.stored`."""
        parts = {**self.setting.parts(), "strategy": self.strategy}
        return {**self.to_json(), **{part: choice.stored() for part, choice in parts.items()}}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> CellSpec:
        """Return the specification that `to_json` wrote."""
        return cls(Setting.from_json(value), Choice(**value["strategy"]), value["seed"], value["fingerprint"])

    def __str__(self) -> str:
        return f"{self.setting.label} / {self.strategy.label} / seed {self.seed}"

    @property
    def name(self) -> dict[str, Any]:
        """What names the cell in events, statuses and frames."""
        return {
            "setting": self.setting.label,
            **{part: choice.label for part, choice in self.setting.parts().items()},
            "strategy": self.strategy.label,
            "seed": self.seed,
        }

    @cached_property
    def key(self) -> str:
        """The SHA-256 under which the cell's results are kept: all that they depend on.

        Parameters at their defaults are left out, so that a new one with a default moves no key. How many rounds are
        run is no part of it.
        """
        return self.key_under(HARNESS_RESULTS_VERSION)

    def key_under(self, harness: int) -> str:
        """Return the key that the cell has when the harness computes as under that results version."""
        parts = {part: choice.identity() for part, choice in self.setting.parts().items()}
        return self._hash("cell", {**parts, "strategy": self.strategy.identity()}, harness)

    @property
    def initial_key(self) -> str:
        """The SHA-256 under which the initial network is kept, which every strategy and protocol of a seed shares."""
        learner = self.setting.learner
        identities = {
            "scenario": self.setting.scenario.identity(),
            "network": self.setting.network.identity(),
            "learner": learner.identity(without=type(learner.build()).update_only),
        }
        return self._hash("initial", identities)

    def _hash(self, purpose: str, identities: Mapping[str, Any], harness: int = HARNESS_RESULTS_VERSION) -> str:
        content = {
            "purpose": purpose,
            "harness": harness,
            "seed": self.seed,
            "fingerprint": self.fingerprint,
            **identities,
        }
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=4096)  # a study of many seeds asks for few names
def folder_name(label: str) -> str:
    """Return a label as the name of one folder on any disk."""
    name = quote(label, safe="[]=,.+ ", errors="replace")[:120]
    return name if name.strip(".") else name.replace(".", "%2E")  # dots alone lead upwards
