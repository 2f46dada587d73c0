"""What a report is of, in one line at its top."""

from __future__ import annotations

from collections.abc import Iterable

from albench import Results
from albench.analysis import words
from albench_reports.wording import count, seeds_in_words, span

MOST = 4  # names of one kind before the rest is counted
_PARTS = {"data": "scenario", "protocol": "protocol", "learner": "learner", "network": "network"}


def title(results: Results) -> str:
    """Return the study's name, or what it compares where nobody named it but the preset."""
    if results.name != results.study.get("preset"):
        return results.name
    names = list(dict.fromkeys(results.cells["strategy"]))
    return f"{count(len(names), 'strategy', 'strategies')} on {_labels(results, 'scenario')}"


def facts(results: Results) -> dict[str, str]:
    """Return data, protocol, learner, network, rounds, seeds, date and version by name, without what is not known."""
    found = {name: _labels(results, part) for name, part in _PARTS.items()}
    rounds = sorted({int(one["rounds"]) for one in results.study["settings"].values() if "rounds" in one})
    found["rounds"] = span(str(rounds[0]), str(rounds[-1])) if rounds else ""
    seeds = sorted({int(seed) for seed in results.cells["seed"]})
    found["seeds"] = f"{len(seeds)} ({seeds_in_words(seeds)})" if seeds else ""
    dates = sorted(str(one["start"])[:10] for one in results.provenance if one.get("start"))
    found["run"] = span(dates[0], dates[-1]) if dates else ""
    versions = sorted({str(one.get("versions", {}).get("albench", "")) for one in results.provenance} - {""})
    found["albench"] = _few(versions)
    return {name: value for name, value in found.items() if value}


def _labels(results: Results, part: str) -> str:
    return _few(dict.fromkeys(str(one[part]["label"]) for one in results.study["settings"].values()))


def _few(names: Iterable[str]) -> str:
    return words(list(names), limit=MOST)
