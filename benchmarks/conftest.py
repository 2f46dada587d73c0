"""`pytest benchmarks` measures, where `pytest` on the tests skips what measures; a table ends the run.

With `--remember`, as `make bench` has it, the rows are also written under benchmarks/results.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from benchmarks import record, table


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--remember", action="store_true", help="write the rows under benchmarks/results")


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
    if terminalreporter.config.getoption("--remember") and table.records():
        path = record.write(record.machine(), table.records())
        terminalreporter.write_line(f"written: {path}")
