"""Writing a ready plugin distribution: what ``albench new`` does."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

from albench import components
from albench.errors import RequestError
from albench.plugins import host

_PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.26"]
build-backend = "hatchling.build"

[project]
name = "albench-{name}"
version = "0.1.0"
description = "The query strategy {name} for albench"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["albench"]

[project.optional-dependencies]
dev = ["pytest>=8.2"]

# albench finds the plugin by this line; name it after the package, since two of one name shut each other out.
[project.entry-points.albench]
{package} = "{package}"

[tool.hatch.build.targets.wheel]
packages = ["{package}"]
"""

_PLUGIN = '''\
"""The query strategy {name}, as a plugin of albench."""

from __future__ import annotations

from collections.abc import Mapping

import albench


@albench.hookimpl
def albench_strategies() -> Mapping[str, str]:
    """Return the strategies of this package: name -> where its class is."""
    return {{"{name}": "{package}.strategy:{cls}"}}
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

_README = """\
# albench-{name}

The query strategy `{name}` for [albench](https://pypi.org/project/albench/): say here in two sentences what it queries
and why, and cite the paper.

    pip install albench-{name}
    albench run --strategies {name},random

To work on it:

    pip install --no-deps --no-build-isolation -e .
    albench check {package}
    pytest
"""


def new_strategy(name: str, parent: Path) -> Path:
    """Write the distribution ``albench-NAME`` under `parent` and return its folder.

    It holds metadata with the entry point, a strategy, the test of its contract and a README, and passes
    ``albench check albench_NAME`` once it is installed. Raises RequestError for a name that cannot be used, one that
    an installed plugin has, or a folder that exists.
    """
    _check_name(name)
    folder = parent / f"albench-{name}"
    if folder.exists():
        raise RequestError(f"{folder} exists already; choose another name, or remove it")
    package = "albench_" + re.sub(r"[-.]", "_", name)
    cls = "".join(part.capitalize() for part in re.split(r"[-._]", name))
    files = {
        "pyproject.toml": _PYPROJECT,
        "README.md": _README,
        f"{package}/__init__.py": _PLUGIN,
        f"{package}/strategy.py": _STRATEGY,
        f"{package}/py.typed": "",
        f"tests/test_{package}.py": _TEST,
    }
    try:
        for path, text in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text.format(name=name, package=package, cls=cls), encoding="utf-8")
    except OSError as error:
        raise RequestError(f"{folder} cannot be written ({error}); go to a folder that you may write to") from None
    return folder


def _check_name(name: str) -> None:
    cls = "".join(part.capitalize() for part in re.split(r"[-._]", name))
    if not components.NAME.fullmatch(name) or not cls.isidentifier() or keyword.iskeyword(cls):
        raise RequestError(
            f"{name!r} cannot name a strategy and its class; start with a letter, and use lower-case letters, digits, "
            "'.', '_' and '-'"
        )
    taken = host().entries["strategies"].get(name, [])
    if taken:
        raise RequestError(f"the strategy {name!r} exists already, of {taken[0].plugin}; choose another name")
