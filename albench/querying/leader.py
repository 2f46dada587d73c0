"""The strategy that leads in a store, and how sure that is."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from albench.analysis import leaderboard, words
from albench.contracts.report import Results
from albench.errors import RequestError, did_you_mean, printable
from albench.plugins.parameters import NAME
from albench.study.choice import Choice


@dataclass(frozen=True)
class Leader:
    """A store's leading strategy, in words how sure its lead is, and what that was measured on."""

    strategy: Choice
    sentences: Sequence[str]
    setting: str
    labels: dict[str, str]  # of the setting's scenario, network and learner
    fingerprints: frozenset[str]  # of the data

    def others(self, fingerprint: str, labels: dict[str, str]) -> list[str]:
        """Return what is different here from where the results come from, a sentence each."""
        found = []
        if self.fingerprints != {fingerprint}:
            found.append(
                f"Those results are of other data ({self.labels['scenario']}) than what is labelled here, or of fewer "
                "of these: another strategy may lead by now."
            )
        named = {part: (self.labels[part], own) for part, own in labels.items()}
        apart = [f"the {part} {theirs}, here {own}" for part, (theirs, own) in named.items() if theirs != own]
        if apart:
            found.append(f"They were made with {words(apart)}.")
        return found


def leading(store: str | Path, setting: str | None) -> Leader:
    """Return the strategy with the highest mean area under the accuracy curve; RequestError where nothing is compared.

    Reference lines do not compete. What stands in the store is neither imported nor followed as a path.
    """
    from albench.store.results import collect

    results = collect(store)
    name = _setting(results, setting, store)
    rounds = results.rounds[results.rounds["setting"] == name]
    strategies = list(dict.fromkeys(rounds["strategy"]))
    if len(strategies) < 2:
        raise RequestError(
            f"{store} has finished cells of {printable(strategies[0])} alone under {printable(name)}, so that none "
            "leads; run another strategy beside it, or name one with --strategy"
        )
    best = str(leaderboard(rounds, strategies[0])["strategy"].iloc[0])
    board = leaderboard(rounds, best)
    if not (board["n_pairs"].fillna(0) > 0).any():
        raise RequestError(
            f"{store} has no seed at which {printable(best)} and another strategy have both finished, so that nothing "
            "can be compared; run what is missing, or name a strategy with --strategy"
        )
    stored = results.study["settings"][name]
    cells = results.cells[results.cells["setting"] == name]
    return Leader(
        _choice(results.study["strategies"][best], store),
        _how_sure(board, best, printable(name), store),
        name,
        {part: printable(stored[part]["label"]) for part in ("scenario", "network", "learner")},
        frozenset(set(cells["fingerprint"]) - {""}),
    )


def _setting(results: Results, wanted: str | None, store: str | Path) -> str:
    names = results.settings
    if not names:
        raise RequestError(f"{store} has no finished cell; let its run end, or name a strategy with --strategy")
    if wanted in names or (wanted is None and len(names) == 1):
        return wanted or names[0]
    shown = ", ".join(repr(printable(name)) for name in names)
    if wanted is None:
        raise RequestError(f"{store} has {len(names)} settings: {shown}; name one with --setting")
    raise RequestError(f"{store} has no setting {wanted!r}{did_you_mean(wanted, names)}; it has {shown}")


def _choice(stored: dict[str, Any], store: str | Path) -> Choice:
    """Return a stored strategy, configured; RequestError where no plugin offers it."""
    if stored["source"] or not NAME.fullmatch(stored["name"]):
        raise RequestError(
            f"{printable(stored['label'])}, which leads in {store}, is a class of a file, and nothing runs code that a "
            "store names; name it with --strategy ./file.py:Class"
        )
    return Choice.of("strategies", stored["name"], stored["parameters"])


def _how_sure(board: pd.DataFrame, best: str, setting: str, store: str | Path) -> list[str]:
    """Return who leads and who cannot be told from it, and what difference the seeds would have found."""
    ranked = board[board["n_seeds"] > 0]
    own = ranked[ranked["strategy"] == best].iloc[0]
    leading_group = _letters(own["group"])[0]
    tied = [
        printable(row["strategy"])
        for row in ranked.to_dict("records")
        if leading_group in _letters(row["group"]) and row["strategy"] != best
    ]
    seeds = f"{own['n_seeds']} seed{'' if own['n_seeds'] == 1 else 's'}"
    said = [
        f"{printable(best)} leads in {store} under {setting}: accuracy {100 * own['accuracy_area']:.1f} %, the mean "
        f"over labels and {seeds}."
    ]
    if tied:
        said.append(
            f"That is not sure: it shares the leading group with {words(tied)}; {seeds} cannot tell them apart."
        )
    else:
        others = "the other strategy" if len(ranked) == 2 else f"the {len(ranked) - 1} other strategies"
        said.append(f"It alone is the leading group: {seeds} tell it from {others}, with 95 % confidence in all.")
    second = ranked[ranked["strategy"] != best].iloc[0]
    if math.isnan(second["detectable"]):
        return [*said, "There are too few pairs of seeds for an interval: run more with --seeds."]
    behind = -100 * second["accuracy_difference"]
    said.append(
        f"{printable(second['strategy'])} follows {behind:.2f} points behind; {second['n_pairs']} pairs of cells find "
        f"a true difference of {100 * second['detectable']:.2f} points with a power of about .8."
    )
    return said


def _letters(group: str) -> list[str]:
    return re.findall(r"[a-z]\d*", group)
