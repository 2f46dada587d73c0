"""Writing a ready plugin distribution: what ``albench new`` does."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from albench.errors import RequestError
from albench.hookspecs import KINDS
from albench.plugins import parameters
from albench.plugins.host import host

_PYPROJECT = """\
[build-system]
requires = ["setuptools>=77"]  # PyTorch and albench need it too: with --no-build-isolation nothing is downloaded
build-backend = "setuptools.build_meta"

[project]
name = "albench-{name}"
version = "0.1.0"
description = "The {kind} {name} for albench"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["albench"]

[project.optional-dependencies]
dev = ["pytest>=8.2"]

# albench finds the plugin by this line; name it after the package, since two of one name shut each other out.
[project.entry-points.albench]
{package} = "{package}"

[tool.setuptools]
packages = ["{package}"]
package-data = {{ {package} = ["py.typed"] }}
"""

_GITIGNORE = """\
*.egg-info/
__pycache__/
build/
dist/
runs/
"""

_PLUGIN = '''\
"""The {kind} {name}, as a plugin of albench."""

from __future__ import annotations

from collections.abc import Mapping

import albench


@albench.hookimpl
def albench_{plural}() -> Mapping[str, str]:
    """Return the {plural} of this package: name -> where its class is."""
    return {{"{name}": "{package}.{kind}:{cls}"}}
'''

_STRATEGY = '''\
"""The strategy {name}."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import albench
import torch
from annotated_types import Gt


@dataclass(frozen=True)
class {cls}(albench.Strategy):
    """Query where the posterior is flattest: minus its p-norm. Replace this by your idea and its source.

    Fields are parameters: ``albench run --strategies "{name}[power=3]"``.
    """

    power: Annotated[float, Gt(1)] = 2.0

    def score(self, query: albench.Query) -> torch.Tensor:
        """Return one number a pool example, (n_pool,); higher is wanted more."""
        return -query.probabilities.norm(p=self.power, dim=1)
'''

_TEST = '''\
"""{cls} keeps albench's contract, and computes what its formula says."""

from __future__ import annotations

import albench
import pytest
from albench.testing import StrategyContract, make_query

from {package}.strategy import {cls}


class Test{cls}(StrategyContract):
    @pytest.fixture
    def strategy(self) -> {cls}:
        return {cls}()


def test_{package}_equals_its_formula_example_by_example() -> None:
    query = make_query(n_pool=20)
    scores = {cls}(power=3).score(query)
    for score, posterior in zip(scores.tolist(), query.probabilities.double(), strict=True):
        assert score == pytest.approx(-sum(p**3 for p in posterior.tolist()) ** (1 / 3), rel=1e-5)


def test_{package}_can_be_named_on_the_command_line() -> None:
    assert albench.strategy("{name}[power=3]") == {cls}(power=3)
'''

_SCENARIO = '''\
"""The scenario {name}."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated, ClassVar

import albench
import numpy as np
from annotated_types import Ge

N_CLASSES, PER_CLASS, SIDE = 6, 60, 8


@dataclass(frozen=True)
class {cls}(albench.DiscoveryScenario):
    """Noisy images with a bright square in one of six places. Replace this by your data, their source and licence.

    Fields are parameters: ``albench run --scenarios "{name}[novel=2]"``. Set `reads_data = True` where the folder of
    ``--data`` means something: look for files in `albench.data_directory()`, and raise albench.DataError with a
    sentence that says what to put where when they are not there; define `data_found` for ``albench doctor``.
    """

    reads_data: ClassVar[bool] = False

    known: Annotated[int, Ge(1)] = 3
    novel: Annotated[int, Ge(0)] = 3
    initial_per_class: Annotated[int, Ge(1)] = 10
    pool_per_class: Annotated[int, Ge(1)] = 30
    test_per_class: Annotated[int, Ge(1)] = 20

    def data(self) -> albench.LabeledImages:
        """Return all images; it is asked for once a cell, so keep them, or map them from disk."""
        return _data()


@cache
def _data() -> albench.LabeledImages:
    draws = albench.stream(0, "{name}")
    labels = np.repeat(np.arange(N_CLASSES), PER_CLASS)
    images = draws.integers(0, 100, size=(len(labels), 1, SIDE, SIDE)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        top, left = 4 * (label // 3), 2 * (label % 3)
        image[0, top : top + 4, left : left + 4] += 120
    return albench.LabeledImages.in_canonical_order(images, labels, [f"place {{place}}" for place in range(N_CLASSES)])
'''

_SCENARIO_TEST = '''\
"""{cls} keeps albench's contract, and gives the counts that it promises."""

from __future__ import annotations

import albench
import pytest
from albench.testing import ScenarioContract

from {package}.scenario import {cls}


class Test{cls}(ScenarioContract):
    @pytest.fixture
    def scenario(self) -> {cls}:
        return {cls}()


def test_{package}_has_the_counts_that_it_promises() -> None:
    split = {cls}(known=2, novel=1).split(0)
    assert len(split.known) == 2
    assert len(split.novel) == 1
    assert len(split.pool) == 3 * 30


def test_{package}_can_be_named_on_the_command_line() -> None:
    assert albench.scenario("{name}[novel=2]") == {cls}(novel=2)
'''

_README = """\
# albench-{name}

The {kind} `{name}` for [albench](https://pypi.org/project/albench/): say here in two sentences what it is, and cite the
source.

    pip install albench-{name}
    albench run --{plural} {name}

To work on it, in an environment that has albench:

    pip install --no-deps --no-build-isolation -e .
    albench check {package}
    pip install pytest
    pytest
"""

_TEMPLATES = {  # by kind: the module and its test
    "strategies": (_STRATEGY, _TEST),
    "scenarios": (_SCENARIO, _SCENARIO_TEST),
}


def new_distribution(kind: str, name: str, parent: Path) -> Path:
    """Write the distribution ``albench-NAME`` with a strategy or a scenario under `parent` and return its folder.

    It holds metadata with the entry point, the component, the test of its contract and a README, and passes
    ``albench check albench_NAME`` once it is installed. Raises RequestError for a name that cannot be used, one that
    an installed plugin has, or a folder that exists.
    """
    _check_name(kind, name)
    folder = parent / f"albench-{name}"
    if folder.exists():
        raise RequestError(f"{folder} exists already; choose another name, or remove it")
    words = {
        "name": name,
        "kind": KINDS[kind].singular,
        "plural": kind,
        "package": "albench_" + re.sub(r"[-.]", "_", name),
        "cls": _class_name(name),
    }
    package = words["package"]
    component, test = _TEMPLATES[kind]
    files = {
        "pyproject.toml": _PYPROJECT,
        "README.md": _README,
        ".gitignore": _GITIGNORE,
        f"{package}/__init__.py": _PLUGIN,
        f"{package}/{words['kind']}.py": component,
        f"{package}/py.typed": "",
        f"tests/test_{package}.py": test,
    }
    try:
        for path, text in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text.format(**words), encoding="utf-8")
    except OSError as error:
        raise RequestError(f"{folder} cannot be written ({error}); go to a folder that you may write to") from None
    return folder


def _class_name(name: str) -> str:
    return "".join(part.capitalize() for part in re.split(r"[-._]", name))


def _check_name(kind: str, name: str) -> None:
    cls, singular = _class_name(name), KINDS[kind].singular
    if not parameters.NAME.fullmatch(name) or not cls.isidentifier() or keyword.iskeyword(cls):
        raise RequestError(
            f"{name!r} cannot name a {singular} and its class; start with a letter, and use lower-case letters, "
            "digits, '.', '_' and '-'"
        )
    taken = host().entries[kind].get(name, [])
    if taken:
        raise RequestError(f"the {singular} {name!r} exists already, of {taken[0].plugin}; choose another name")
