"""Every test of data sets has a cache of its own and no network."""

from __future__ import annotations

from pathlib import Path

import pytest

from albench_datasets.sources import published


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("ALBENCH_OFFLINE", "1")
    published._published.cache_clear()
