"""Scoring cost as a feature: pytest-benchmark over installed strategies, by way of the plugin host."""

from __future__ import annotations

import io
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from albench.bench.size import FORWARD, Size
from albench.errors import AlbenchError, MissingLibraryError, RequestError
from albench.plugins.host import host
from albench.plugins.parameters import as_choices, parse

if TYPE_CHECKING:
    from albench.bench.session import Session


def bench(
    strategies: str | Sequence[str] | None = None,
    size: Size | None = None,
    json_file: str | Path | None = None,
    on_result: Callable[[str], None] | None = None,
) -> list[dict[str, Any]]:
    """Measure `score_sets` of strategies (by default of all that are installed); return a row each, fastest first.

    A row holds strategy, distribution, seconds (the smallest of the rounds), mean_seconds, forward_passes (seconds
    relative to a forward pass over the pool), peak_memory_bytes and error. The complete measurement goes to
    `json_file` in pytest-benchmark's format. A strategy that fails has an error and no measurement. Raises
    RequestError for an unknown strategy or device, and where pytest-benchmark is not installed.
    """
    chosen = as_choices(strategies) if strategies is not None else _installed()
    for text in chosen:
        host().configure("strategies", text)
    if not chosen:
        raise RequestError("no strategy is installed; 'albench list strategies' names what there is")
    asked = (size or Size()).check()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(json_file) if json_file is not None else Path(folder) / "benchmark.json"
        if not path.parent.is_dir():
            raise RequestError(f"there is no folder {path.parent} for {path.name}; make it, or give another path")
        session = _run(chosen, asked, path, Path(folder), on_result)
        found = json.loads(path.read_text(encoding="utf-8"))["benchmarks"] if path.is_file() else []
    return _rows(chosen, found, session.errors)


def _installed() -> list[str]:
    """Return the strategies whose libraries are there."""
    found = []
    for name in host().names("strategies"):
        with suppress(MissingLibraryError):
            host().configure("strategies", name)
            found.append(name)
    return found


def _run(
    chosen: Sequence[str], size: Size, path: Path, folder: Path, on_result: Callable[[str], None] | None
) -> Session:
    try:
        import pytest
        import pytest_benchmark  # noqa: F401 - pytest finds it by itself
    except ImportError:
        raise RequestError("pytest-benchmark is not installed; pip install 'albench[bench]'") from None
    from albench.bench import suite
    from albench.bench.session import Session
    from albench.running.device import check_device

    check_device(size.device)
    settings = folder / "pytest.ini"  # of our own: the settings of a project that is being worked in mean other tests
    settings.write_text("[pytest]\n", encoding="utf-8")
    options = ["-c", str(settings), "-p", "no:cacheprovider", "-q"]
    options += ["--benchmark-only", "--benchmark-quiet", f"--benchmark-json={path}"]
    session, output = Session(chosen, size, on_result), io.StringIO()
    with redirect_stdout(output):
        code = pytest.main([*options, str(suite.__file__)], plugins=[session])
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        sys.stderr.write(output.getvalue())
        raise AlbenchError(f"pytest ended with {code!s}; its output is above")
    return session


def _rows(chosen: Sequence[str], found: Sequence[dict[str, Any]], errors: dict[str, str]) -> list[dict[str, Any]]:
    by_name = {one["extra_info"]["strategy"]: one for one in found}
    forward = by_name[FORWARD]["stats"]["min"] if FORWARD in by_name else None
    rows = [_row(name, by_name.get(name), errors.get(name), forward) for name in [FORWARD, *chosen]]
    return sorted(rows, key=lambda row: (row["seconds"] is None, row["seconds"] or 0.0))


def _row(name: str, one: dict[str, Any] | None, error: str | None, forward: float | None) -> dict[str, Any]:
    entries = host().entries["strategies"].get(parse(name)[0], []) if name != FORWARD else []
    distribution = f"{entries[0].plugin.distribution} {entries[0].plugin.version}" if entries else "albench"
    seconds = one["stats"]["min"] if one else None
    return {
        "strategy": name,
        "distribution": distribution,
        "seconds": seconds,
        "mean_seconds": one["stats"]["mean"] if one else None,
        "forward_passes": seconds / forward if seconds is not None and forward else None,
        "peak_memory_bytes": one["extra_info"]["peak_memory_bytes"] if one else None,
        "notes": one["extra_info"]["notes"] if one else {},
        "error": error,
    }
