"""``albench new``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Write a ready plugin distribution.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _new() -> None:
    """Keep `strategy` a command of its own, so that other kinds can join it."""


@app.command("strategy")
def strategy(
    name: Annotated[str, typer.Argument(help="The strategy's name, such as mine.")],
    parent: Annotated[Path, typer.Option("--in", help="The folder to write it into.")] = Path(),
) -> None:
    """Write ./albench-NAME: metadata, a strategy, the test of its contract and a README."""
    from albench.scaffold import new_strategy

    folder = new_strategy(name, parent)
    package = next(path.parent.name for path in folder.glob("*/strategy.py"))
    typer.echo(f"wrote {folder}; next:")
    typer.echo(f"  pip install --no-deps --no-build-isolation -e ./{folder}")
    typer.echo(f"  albench check {package}")
    typer.echo(f"  albench run --strategies {name},random")
