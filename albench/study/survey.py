"""What planning and running learn from a scenario's data, looked at once: the split, proved to be the planned one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from albench.errors import AlbenchError, DataError, RequestError, reason
from albench.study.choice import Choice
from albench.study.spec import Setting

if TYPE_CHECKING:
    from albench.contracts.learner import Learner
    from albench.contracts.network import Network
    from albench.contracts.protocol import Protocol
    from albench.contracts.scenario import Scenario, Split


@dataclass(frozen=True)
class Survey:
    """What is known of a scenario's data for one seed."""

    fingerprint: str
    rounds: dict[str, int]  # by the setting's label: the most rounds that the pool allows


def survey(scenario: Choice, seed: int, settings: Sequence[Setting]) -> Survey:
    """Look at a scenario's data for a seed, having checked that each setting can be run on them.

    Whatever a third party's scenario raises becomes a DataError that names it.
    """
    try:
        split, fingerprint = look(scenario, seed)
    except AlbenchError:
        raise
    except Exception as error:
        raise DataError(
            f"scenario {scenario.label!r} of {scenario.owner()} cannot be split for seed {seed}: {reason(error)}"
        ) from error
    return Survey(fingerprint, {setting.label: _most_rounds(setting, split) for setting in settings})


def look(scenario: Choice, seed: int) -> tuple[Split, str]:
    """Return the split of a scenario for a seed, checked, and the fingerprint of its data."""
    built: Scenario = scenario.build()
    return built.split(seed).check(), built.fingerprint(seed)


def proved_split(scenario: Choice, seed: int, fingerprints: set[str], due: str) -> Split:
    """Return the split of a scenario whose data have this one fingerprint; DataError when they are not those due."""
    split, found = look(scenario, seed)
    if fingerprints != {found}:
        raise DataError(f"the data of {scenario.label} that are here are not those that {due}")
    return split


def _most_rounds(setting: Setting, split: Split) -> int:
    protocol: Protocol = setting.protocol.build()
    network: Network = setting.network.build()
    learner: Learner = setting.learner.build()
    shape = tuple(split.images.shape[1:])
    labels = split.labels[split.pool]
    with _refusing(setting.network, setting.scenario):
        network.check_input(shape)
    with _refusing(setting.learner, setting.scenario):
        learner.check_input(shape)
    with _refusing(setting.protocol, setting.scenario):
        protocol.check_pool(labels)
        return int(protocol.rounds(labels))


@contextmanager
def _refusing(choice: Choice, scenario: Choice) -> Iterator[None]:
    """Say what cannot be used with what where a check refuses it."""
    try:
        yield
    except Exception as error:
        raise RequestError(f"{choice.label} cannot be used with {scenario.label}: {reason(error)}") from error
