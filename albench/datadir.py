"""Where data sets are looked for, and whether they may be downloaded.

Both are environment variables (ALBENCH_DATA, ALBENCH_OFFLINE), so that workers of every executor inherit them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_cache_path

DATA = "ALBENCH_DATA"
OFFLINE = "ALBENCH_OFFLINE"


def data_directory() -> Path:
    """Return the folder that holds data sets: $ALBENCH_DATA, else the user's cache."""
    return Path(os.environ.get(DATA) or user_cache_path("albench") / "data")


def decoded_directory() -> Path:
    """Return the folder for decoded copies of data sets, which can be deleted at any time."""
    return user_cache_path("albench") / "decoded"


def is_offline() -> bool:
    """Return whether downloads are refused."""
    return os.environ.get(OFFLINE, "").lower() in {"1", "true", "yes", "on"}


@contextmanager
def offline() -> Iterator[None]:
    """Refuse downloads for the length of a block."""
    before = os.environ.get(OFFLINE)
    os.environ[OFFLINE] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[OFFLINE]
        else:
            os.environ[OFFLINE] = before
