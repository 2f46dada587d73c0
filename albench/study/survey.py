"""What planning and running learn from a scenario's data, looked at once: the split, proved to be the planned one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
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


def surveys(scenario: Choice, seeds: Iterable[int], settings: Sequence[Setting]) -> Iterator[tuple[int, Survey]]:
    """Look at a scenario's data for each seed, having checked that each setting can be run on them.

    Whatever a third party's scenario raises becomes a DataError that names it.
    """
    parts = {setting.label: _Parts(setting) for setting in settings}
    built: Scenario | None = None
    for seed in seeds:
        try:
            built = built or scenario.build()
            split, fingerprint = look(built, seed)
        except AlbenchError:
            raise
        except Exception as error:
            raise DataError(
                f"scenario {scenario.label!r} of {scenario.owner()} cannot be split for seed {seed}: {reason(error)}"
            ) from error
        yield seed, Survey(fingerprint, {label: own.most_rounds(split) for label, own in parts.items()})


def look(scenario: Scenario, seed: int) -> tuple[Split, str]:
    """Return the split of a scenario for a seed, checked, and the fingerprint of its data."""
    return scenario.split(seed).check(), scenario.fingerprint(seed)


def proved_split(scenario: Choice, seed: int, fingerprints: set[str], due: str) -> Split:
    """Return the split of a scenario whose data have this one fingerprint; DataError when they are not those due."""
    split, found = look(scenario.build(), seed)
    if fingerprints != {found}:
        raise DataError(f"the data of {scenario.label} that are here are not those that {due}")
    return split


def check_data(scenarios: Mapping[str, Choice], data: str | Path | None) -> None:
    """Raise RequestError for a folder of data that no chosen scenario, by label, reads."""
    if data is None or any(scenario.build().reads_data for scenario in scenarios.values()):
        return
    raise RequestError(
        f"--data {data}: {', '.join(scenarios)} reads no folder of data; choose a scenario that does "
        "('albench list scenarios'), or leave out --data"
    )


class _Parts:
    """What a setting runs, built once for all seeds, each of which draws its own split."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.protocol: Protocol = setting.protocol.build()
        self.network: Network = setting.network.build()
        self.learner: Learner = setting.learner.build()
        self.checked: set[tuple[int, ...]] = set()  # shapes of images that network and learner take

    def most_rounds(self, split: Split) -> int:
        """Return the most rounds that a pool allows; RequestError where a part cannot be used with the scenario."""
        setting, shape = self.setting, tuple(split.images.shape[1:])
        if shape not in self.checked:
            for part, choice in ((self.network, setting.network), (self.learner, setting.learner)):
                with refusing(choice, setting.scenario):
                    part.check_input(shape)
            self.checked.add(shape)
        labels = split.labels[split.pool]
        with refusing(setting.protocol, setting.scenario):
            self.protocol.check_pool(labels)
            return int(self.protocol.rounds(labels))


@contextmanager
def refusing(choice: Choice, scenario: Choice) -> Iterator[None]:
    """Say what cannot be used with what where a check refuses it."""
    try:
        yield
    except Exception as error:
        raise RequestError(f"{choice.label} cannot be used with {scenario.label}: {reason(error)}") from error
