"""Where data sets are looked for, and whether they may be downloaded.

Both are environment variables (ALBENCH_DATA, ALBENCH_OFFLINE), so that workers of every executor inherit them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from platformdirs import user_cache_path

DATA = "ALBENCH_DATA"
OFFLINE = "ALBENCH_OFFLINE"


def data_directory() -> Path:
    """Return the folder that holds data sets: $ALBENCH_DATA, else the user's cache."""
    return given_data() or user_cache_path("albench") / "data"


def given_data() -> Path | None:
    """Return the folder or file that --data or $ALBENCH_DATA names, None where they name none."""
    named = os.environ.get(DATA)
    return Path(named) if named else None


def decoded_directory() -> Path:
    """Return the folder for decoded copies of data sets, which can be deleted at any time."""
    return user_cache_path("albench") / "decoded"


def is_offline() -> bool:
    """Return whether downloads are refused."""
    return os.environ.get(OFFLINE, "").lower() in {"1", "true", "yes", "on"}


@contextmanager
def data_settings(data: str | Path | None, offline: bool) -> Iterator[None]:
    """Set where data are looked for, for this process and its workers, for the length of a block."""
    wanted = {
        DATA: str(Path(data).resolve()) if data is not None else None,
        OFFLINE: "1" if offline else None,
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update({name: value for name, value in wanted.items() if value is not None})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def offline() -> AbstractContextManager[None]:
    """Refuse downloads for the length of a block."""
    return data_settings(None, offline=True)
