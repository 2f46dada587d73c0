"""How many classes there are to find."""

from __future__ import annotations

from albench import Results


def n_novel(results: Results) -> dict[str, int]:
    """Return the number of novel classes of each setting: as its networks were tested, else as it was asked for."""
    found = {
        name: int(setting["scenario"]["parameters"].get("novel") or 0)
        for name, setting in results.study["settings"].items()
    }
    for outcome in results.outcomes:
        found[outcome["setting"]] = len(outcome["classes"]) - outcome["n_known"]
    return found


def n_classes(results: Results) -> dict[str, int]:
    """Return the number of classes of each setting in which a network was tested."""
    return {outcome["setting"]: len(outcome["classes"]) for outcome in results.outcomes}
