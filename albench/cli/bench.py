"""``albench bench``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from albench.cli.completing import several_of
from albench.cli.options import DeviceOption
from albench.cli.output import Format, FormatOption, show_rows, warn_of_plugins
from albench.errors import AlbenchError


def bench(
    strategies: Annotated[
        str | None,
        typer.Option(
            help="Strategies as in 'run': A,B[x=1]; default: all that are installed.",
            autocompletion=several_of("strategies"),
        ),
    ] = None,
    pool: Annotated[int, typer.Option(help="Images in the pool.")] = 2000,
    labeled: Annotated[int, typer.Option(help="Labelled images.")] = 1000,
    classes: Annotated[int, typer.Option(help="Outputs of the network.")] = 20,
    sets: Annotated[int, typer.Option(help="Candidate sets.")] = 1000,
    set_size: Annotated[int, typer.Option(help="Images in a candidate set.")] = 25,
    rounds: Annotated[int, typer.Option(help="Times each is measured (once if it takes over 20 seconds).")] = 3,
    device: DeviceOption = None,
    threads: Annotated[int, typer.Option(help="Threads of the CPU, as in 'run'.")] = 1,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Where to write the measurement, in pytest-benchmark's format.")
    ] = None,
    output: FormatOption = Format.table,
) -> None:
    """Measure what strategies cost: seconds and peak memory of scoring all candidate sets of one query."""
    from albench import bench as benchmarks
    from albench.running.device import check_device

    warn_of_plugins()
    size = benchmarks.Size(pool, labeled, classes, sets, set_size, check_device(device), threads, rounds)
    rows = benchmarks.bench(strategies, size, json_file, lambda name: typer.echo(f"measured {name}", err=True))
    shown = rows if output is Format.json else [_readable(row) for row in rows]
    show_rows(shown, output, ["strategy", "distribution", "seconds", "x forward pass", "peak memory, MB", "notes"])
    if json_file is not None:
        typer.echo(
            f"{json_file}: compare with 'pytest-benchmark compare', show with 'albench report --benchmarks'", err=True
        )
    failed = [f"{row['strategy']} ({row['error']})" for row in rows if row["error"]]
    if failed:
        raise AlbenchError(f"could not be measured: {'; '.join(failed)}")


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    def number(value: float | None, form: str) -> str:
        return "-" if value is None else format(value, form)

    memory = row["peak_memory_bytes"]
    return {
        "strategy": row["strategy"],
        "distribution": row["distribution"],
        "seconds": number(row["seconds"], ".4g"),
        "x forward pass": number(row["forward_passes"], ".2f"),
        "peak memory, MB": number(None if memory is None else memory / 1e6, ".0f"),
        "notes": ", ".join(
            f"{name}={value:.3g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in row["notes"].items()
        ),
    }
