"""One SLURM for all tests of a session, and what the studies give on one machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.executors import slurm
from tests.executors.studies import rounds_on_one_machine


@pytest.fixture(scope="session")
def slurm_env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment in which SLURM answers. Where ALBENCH_REQUIRE_CLUSTERS is set, as in CI, nothing is skipped."""
    reason = slurm.missing()
    if reason and not os.environ.get("ALBENCH_REQUIRE_CLUSTERS"):
        pytest.skip(f"needs SLURM ({reason})")
    assert not reason, reason
    with slurm.slurm_cluster(tmp_path_factory.mktemp("slurm")) as env:
        yield env


@pytest.fixture(scope="session")
def on_one_machine(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """The rounds of the small study, run in this process: what `local` gives, too (see test_resume)."""
    return rounds_on_one_machine(tmp_path_factory.mktemp("here") / "s")
