"""Writes docs/networks: a page for each network from its class, and a table of all.

python docs/generate_networks.py            write the pages
python docs/generate_networks.py --check    exit 1 when one is not current
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from albench.errors import RequestError
from albench.plugins import parameters
from albench.plugins.entries import Entry
from albench.plugins.host import host

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from docs import pages as written  # noqa: E402 - the checkout need not be installed

FOLDER = ROOT / "docs" / "networks"
IMAGE, FEATURES, CLASSES = (3, 32, 32), (1280,), 10  # of which the tables count weights: CIFAR's, and MobileNetV2's
SEEN = {len(IMAGE): "colour images of 32 x 32 pixels", len(FEATURES): "1,280 features"}

INTRODUCTION = """\
# Networks

Each is a recipe, `--network NAME`; `albench show NAME` prints what these pages say. They are written by
`python docs/generate_networks.py` from the classes, and a test fails when they are not current. What networks with
batch normalisation do in trainings and queries is in [protocol.md](../protocol.md#networks-with-batch-normalisation), a
training for each and what it reaches with all labels in [settings.md](../settings.md).

| name | what | takes | weights at 10 classes |
|---|---|---|---|
"""


def entries() -> list[Entry]:
    """Return albench's own networks, by name."""
    return [entry for entry in host().all_entries(["networks"]) if entry.plugin.distribution == "albench"]


def size(entry: Entry) -> tuple[str, int]:
    """Return in words what a network takes, images rather than features, and how many weights it then has."""
    recipe = host().build("networks", entry.name, {})
    for shape in (IMAGE, FEATURES):
        try:
            recipe.check_input(shape)
        except RequestError:
            continue
        module = recipe.build(shape, CLASSES, np.random.default_rng(0))
        return SEEN[len(shape)], sum(each.numel() for each in module.parameters())
    raise AssertionError(f"{entry.name} takes neither")


def page(entry: Entry) -> str:
    """Return a network's page."""
    takes, weights = size(entry)
    return written.component_page(entry, f"As it stands it has {weights:,} weights for {takes} and 10 classes.")


def index() -> str:
    """Return the page that lists all networks."""
    lines = []
    for entry in entries():
        takes, weights = size(entry)
        summary = written.cell(parameters.one_line_summary(host().component_class("networks", entry.name)))
        lines.append(f"| [`{entry.name}`]({entry.name}.md) | {summary} | {takes} | {weights:,} |")
    return INTRODUCTION + "\n".join(lines) + "\n"


def pages() -> dict[Path, str]:
    """Return what every page should hold."""
    return {FOLDER / "README.md": index(), **{FOLDER / f"{entry.name}.md": page(entry) for entry in entries()}}


def stale() -> list[str]:
    """Return the names of the pages that are not current."""
    return written.stale(pages(), FOLDER)


def main() -> None:
    """Write the pages, or check them."""
    written.write_or_check(pages(), FOLDER)


if __name__ == "__main__":
    main()
