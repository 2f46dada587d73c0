"""A plugin of pytest with two uses: note which test reaches which line, or run chosen tests in a chosen order.

With MUTANTS_RECORD under `coverage run`, each test, and each fixture that lives longer than a test, is a context of the
coverage data, and the file that the variable names gets each test's processor seconds and fixtures. With MUTANTS_ORDER,
a file of test functions, those alone are run, in its order.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

RECORD, ORDER = "MUTANTS_RECORD", "MUTANTS_ORDER"


def function_of(nodeid: str) -> str:
    """Return the test function of a test with parameters, whose values a mutant may change."""
    return nodeid.partition("[")[0]


def pytest_configure(config: pytest.Config) -> None:
    """Record where it is asked for."""
    if RECORD in os.environ:
        config.pluginmanager.register(_Recorder(Path(os.environ[RECORD])))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of MUTANTS_ORDER."""
    if ORDER in os.environ:
        place = {name: number for number, name in enumerate(json.loads(Path(os.environ[ORDER]).read_text()))}
        kept = [item for item in items if function_of(item.nodeid) in place]
        items[:] = sorted(kept, key=lambda item: place[function_of(item.nodeid)])


class _Recorder:
    def __init__(self, path: Path) -> None:
        import coverage

        running = coverage.Coverage.current()
        assert running is not None, "recording wants `coverage run`"
        self.path, self.coverage, self.test = path, running, ""
        self.tests: dict[str, dict[str, Any]] = {}

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self.test = function_of(item.nodeid)
        self.coverage.switch_context(self.test)
        before = sum(os.times()[:4])
        yield
        known = self.tests.setdefault(self.test, {"seconds": 0.0, "fixtures": []})
        known["seconds"] += sum(os.times()[:4]) - before
        known["fixtures"] = sorted({*known["fixtures"], *getattr(item, "fixturenames", [])})
        self.coverage.switch_context("")

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[None]:
        shared = fixturedef.scope != "function"
        if shared:
            self.coverage.switch_context(f"fixture {fixturedef.argname}")
        yield
        if shared:
            self.coverage.switch_context(self.test)

    def pytest_sessionfinish(self) -> None:
        self.path.write_text(json.dumps(self.tests))
