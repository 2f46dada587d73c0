"""``albench new``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Write a ready plugin distribution.", no_args_is_help=True, rich_markup_mode=None)

_Parent = Annotated[Path, typer.Option("--in", help="The folder to write it into.")]


@app.command("strategy")
def strategy(
    name: Annotated[str, typer.Argument(help="The strategy's name, such as mine.")], parent: _Parent = Path()
) -> None:
    """Write ./albench-NAME: metadata, a strategy, the test of its contract and a README."""
    _write("strategies", name, parent, f"albench run --strategies {name},random --seeds 1 --rounds 2")


@app.command("scenario")
def scenario(
    name: Annotated[str, typer.Argument(help="The scenario's name, such as photos.")], parent: _Parent = Path()
) -> None:
    """Write ./albench-NAME: metadata, a scenario, the test of its contract and a README."""
    _write("scenarios", name, parent, f"albench run --scenarios {name} --strategies min,random --seeds 1 --rounds 2")


def _write(kind: str, name: str, parent: Path, run: str) -> None:
    from albench.plugins.scaffold import new_distribution

    folder = new_distribution(kind, name, parent)
    package = next(path.parent.name for path in folder.glob("*/py.typed"))
    typer.echo(f"wrote {folder}; next:")
    typer.echo(f"  pip install --no-deps --no-build-isolation -e {_as_a_word(folder)}")
    typer.echo(f"  albench check {package}")
    typer.echo(f"  {run}")


def _as_a_word(folder: Path) -> str:
    """Return a folder as a shell and pip read it: a path and no name of a distribution."""
    return shlex.quote(str(folder) if folder.is_absolute() else f"./{folder}")
