"""``albench cancel``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def cancel(store: Annotated[Path, typer.Argument(help="A folder that 'albench run' writes.", readable=False)]) -> None:
    """Stop the study of a store, wherever it runs; what was finished is kept, and the same run goes on from there."""
    from albench import api

    left = len(api.cancel(store))
    if not left:
        typer.echo(f"every cell in {store} is done; there is nothing to cancel")
        return
    cells = "1 cell is not done" if left == 1 else f"{left} cells are not done"
    typer.echo(f"cancelled: {cells} in {store}; workers end within seconds, and the same run goes on from there")
