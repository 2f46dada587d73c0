"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DataOption = Annotated[
    Path | None, typer.Option("--data", help="Folder of data sets. [default: $ALBENCH_DATA, else the user's cache]")
]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Refuse to download data.")]
DeviceOption = Annotated[str | None, typer.Option("--device", help="cpu or cuda. [default: cuda where there is one]")]
