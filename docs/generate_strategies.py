"""Writes docs/strategies: a page for each strategy from its class, and a table that compares them.

python docs/generate_strategies.py            write the pages
python docs/generate_strategies.py --check    exit 1 when one is not current
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from albench.cli.describe import described
from albench.plugins import parameters
from albench.plugins.entries import Entry
from albench.plugins.host import host

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from docs import adapters_page  # noqa: E402
from docs import pages as written  # noqa: E402 - the checkout need not be installed

FOLDER = ROOT / "docs" / "strategies"
MEASURED = FOLDER / "measured.json"  # written by benchmarks/test_strategies.py
PARTS = ("Formula", "Sets", "Cost", "Source")
LIMIT = 10.0  # forward passes

INTRODUCTION = """\
# Strategies

Each is a class of a few lines under `strategies/albench_strategies/`; `albench show NAME` prints what these pages
say. They are written by `python docs/generate_strategies.py` from the classes, and a test fails when they are not
current. What scikit-activeml and baal compute is on a [page of its own](adapters.md).

## How a strategy values a candidate set

The paper's protocol asks for one of M candidate sets of K images, all of one class that is not shown. A set's value
must not depend on the other sets: their overlap would give classes away. `albench check` tests that.

1. **A strategy of single examples** (posterior, dropout, energy, gradient length, ...) values a set by the mean
   over its examples.
2. **A strategy of batches** values a set by its own objective, with the set's members as the batch, given the
   labelled images and the pool:
   - where the objective is a function of a batch, that function: joint mutual information (`batchbald`), the fall
     of the trace (`bait`), the newly covered share of the pool (`probcover`, `max-herding`, `uherding`), minus the
     cost of the pool with the members as centres (`kmeans`, `clue`, `dropquery`);
   - where it is a greedy rule, the mean gain of that rule when it may pick only the set's members, all of them
     (`coreset`, `badge`, `falcun`, `noise-stability`, and by rank `typiclust` and `cluster-margin`).
3. **An example alone is worth what the set is worth that holds only it.** So `score(query)` follows from the same
   rule, and `select(query, k)`, for protocols without candidate sets, runs the published algorithm on the whole
   pool. (`typiclust` clusters by the number it may ask for; `random` and `oracle-novel` draw one number for a set,
   so that no set is favoured for its average.)

Single-class sets reward diversity within a class, which is what such a strategy can still contribute when classes
cannot be mixed.

## What is not here, and why

Loss prediction changes how the common network is trained, and then strategies are no longer judged on the same one.
VAAL, LfOSA and MQNet train networks of their own from round to round. What a strategy keeps between rounds is in its
memory (`query.remember`), a part of the checkpoint, so that a cell can stop, resume, and be repeated from its last
round; `prediction-flips` uses it. `qbc` trains heads on the labelled features within a round, which needs none.

## Comparison

N' pool images, N pool and labelled images, C classes, d features, K images a set, k images selected, T samples, P
weights. Measured: processor time of valuing 1,000 sets of 25 from 2,000 images of 3 x 32 x 32 with 20 classes and
1,000 labelled images, in forward passes over the pool, which it includes; one thread, `cifar10-quick`.

How they fare on digits, 3 seeds: the beginning of the report of `albench run --seeds 3 --rounds 4 --strategies ...`
with all of them and `random[stream=1]`. Three seeds on small images separate hardly any of them, and the report says
so.

![The report of all strategies on digits](../images/strategies.png)

| strategy | asks for | cost | measured | its test |
|---|---|---|---|---|
"""


def entries() -> list[Entry]:
    """Return the first-party strategies in the order in which their package lists them, adapters aside."""
    from albench_strategies import OWN

    return [host().entry("strategies", name) for name in OWN]


def sections(description: str) -> dict[str, str]:
    """Split a class's docstring into its idea and its labelled parts."""
    found: dict[str, list[str]] = {"Idea": []}
    current = "Idea"
    for line in description.splitlines():
        label = re.match(rf"({'|'.join(PARTS)}): (.*)", line)
        if label:
            current = label[1]
            found[current] = [label[2]]
        else:
            found[current].append(line.strip())
    return {name: _joined(lines) for name, lines in found.items()}


def tests_of(name: str) -> list[str]:
    """Return the tests whose names begin with the strategy's, as file::function."""
    start = "test_" + name.replace("-", "_") + "_"
    files = [*sorted((ROOT / "tests" / "strategies").glob("test_*.py")), ROOT / "tests/emoc/test_emoc_scores.py"]
    return [
        f"{path.relative_to(ROOT).as_posix()}::{function}"
        for path in files
        for function in re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        if function.startswith(start) and not _belongs_to_longer(function, name)
    ]


def page(entry: Entry, measured: Mapping[str, float]) -> str:
    """Return a strategy's page."""
    content = described(entry)
    parts = sections(content["description"])
    rows = "\n".join(f"| `{p['name']}` | {_cell(p['type'])} | {_cell(p['default'])} |" for p in content["parameters"])
    tests = "\n".join(f"- `{test}`" for test in tests_of(entry.name))
    return f"""\
# `{entry.name}`

{parts["Idea"]}

**Score** (higher is wanted more)

```text
{parts["Formula"]}
```

**A candidate set's value:** {parts["Sets"]}.

**Cost:** {parts["Cost"]}. {_measured_sentence(measured.get(entry.name))}

**Source:** {parts["Source"]}.

| parameter | type | default |
|---|---|---|
{rows}

`stream` chooses another stream of random numbers. Class: `{entry.target}`.

Tested by

{tests}
"""


def index(measured: Mapping[str, float]) -> str:
    """Return the page that compares all strategies."""
    lines = []
    for entry in entries():
        parts = sections(described(entry)["description"])
        idea = parameters.one_line_summary(host().component_class("strategies", entry.name))
        ratio = f"{measured[entry.name]:.1f}" if entry.name in measured else ""
        test = tests_of(entry.name)[0].rpartition("::")[2]
        cost = parts["Cost"].split(":")[0]
        lines.append(f"| [`{entry.name}`]({entry.name}.md) | {_cell(idea)} | {_cell(cost)} | {ratio} | `{test}` |")
    return INTRODUCTION + "\n".join(lines) + "\n"


def pages() -> dict[Path, str]:
    """Return what every page should hold."""
    measured = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {}
    found = {FOLDER / f"{entry.name}.md": page(entry, measured) for entry in entries()}
    return {FOLDER / "README.md": index(measured), FOLDER / "adapters.md": adapters_page.page(), **found}


def stale() -> list[str]:
    """Return the names of the pages that are not current."""
    return written.stale(pages(), FOLDER)


def main() -> None:
    """Write the pages, or check them."""
    written.write_or_check(pages(), FOLDER)


def _joined(lines: list[str]) -> str:
    """Join the lines of each paragraph."""
    paragraphs = "\n".join(lines).strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _belongs_to_longer(function: str, name: str) -> bool:
    longer = [entry.name for entry in entries() if entry.name.startswith(f"{name}-")]
    return any(function.startswith("test_" + other.replace("-", "_") + "_") for other in longer)


def _measured_sentence(ratio: float | None) -> str:
    if ratio is None:
        return ""
    more = ", more than ten, for the reason given" if ratio > LIMIT else ""
    return f"Measured: {ratio:.1f} forward passes (see the [comparison](README.md#comparison)){more}."


def _cell(value: Any) -> str:
    return str(value).replace("|", "\\|")


if __name__ == "__main__":
    main()
