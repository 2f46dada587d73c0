"""`pytest benchmarks` measures, where `pytest` on the tests skips what measures; a table ends the run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from benchmarks import table


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.option.benchmark_skip = False  # which the project's settings ask for, for the sake of the tests


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for title, lines in table.rendered():
        terminalreporter.section(title)
        for line in lines:
            terminalreporter.write_line(line)
