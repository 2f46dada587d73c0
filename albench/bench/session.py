"""The pytest plugin of `albench bench`: which strategies to measure on which query, and what failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from albench.bench.size import FORWARD, Size


class Session:
    """Parametrises the suite, hands it the size, and collects one-line errors by strategy."""

    def __init__(self, strategies: Sequence[str], size: Size, on_result: Callable[[str], None] | None) -> None:
        self.strategies = list(strategies)
        self._size = size
        self.errors: dict[str, str] = {}
        self._on_result = on_result

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Ask the suite about every strategy."""
        if "strategy" in metafunc.fixturenames:
            metafunc.parametrize("strategy", self.strategies, ids=self.strategies)

    @pytest.fixture(scope="session")
    def size(self) -> Size:
        """Return what every strategy is asked."""
        return self._size

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[Any]) -> Any:
        """Keep why a strategy failed, and tell that it is done."""
        yield
        parameters = getattr(item, "callspec", None)
        name = parameters.params["strategy"] if parameters else FORWARD
        if call.excinfo is not None:
            from albench.errors import reason

            self.errors[name] = reason(call.excinfo.value)
        if call.when == "call" and self._on_result:
            self._on_result(name)
