"""What a reader can choose from."""

from __future__ import annotations

from albench.contracts.report import Results

MOST_REFERENCES = 10  # each has tables and figures of its own


def references(results: Results) -> list[str]:
    """Return the strategies that can be compared with: all, or of many the study's reference and the first ones."""
    if len(results.strategies) <= MOST_REFERENCES:
        return results.strategies
    others = [name for name in results.strategies if name != results.reference]
    offered = {results.reference, *others[: MOST_REFERENCES - 1]}
    return [name for name in results.strategies if name in offered]
