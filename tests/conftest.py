"""Real plugins in temporary folders, the real command line, small real studies."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from albench import api
from albench.executors.here import Here
from albench.executors.local import Local
from albench.plugins.host import host
from albench.store.sealed import seal, unseal
from albench.study.study import Request

SMALL = {"initial_iterations": 4, "update_iterations": 2, "n_sets": 6, "set_size": 5, "rounds": 2, "batch_size": 8}


@pytest.fixture(autouse=True)
def fresh_host() -> Iterator[None]:
    """Plugins are looked up anew in every test."""
    host.cache_clear()
    yield
    host.cache_clear()


class PluginFolder:
    """A folder on the path of this process and its workers, where a test installs distributions from source text."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def install(self, name: str, source: str, version: str = "1.0", entry: str | None = None) -> None:
        (self.root / f"{name}.py").write_text(source, encoding="utf-8")
        info = self.root / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[albench]\n{entry or name} = {name}\n", encoding="utf-8")
        host.cache_clear()

    def install_strategy(self, name: str, body: str) -> None:
        """Install a distribution with one strategy of that name, whose class body is given."""
        lines = [
            "from dataclasses import dataclass",
            "import albench",
            "@albench.hookimpl",
            "def albench_strategies():",
            f"    return {{'{name}': 'plugin_{name}:Plugin'}}",
            "@dataclass(frozen=True)",
            "class Plugin(albench.Strategy):",
            "    '''A strategy of a test.'''",
            *(f"    {line}" for line in body.strip("\n").splitlines()),
        ]
        self.install(f"plugin_{name}", "\n".join(lines) + "\n")


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PluginFolder]:
    root = tmp_path / "site"
    root.mkdir()
    monkeypatch.syspath_prepend(root)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])]))
    before = set(sys.modules)
    yield PluginFolder(root)
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(root)):
            del sys.modules[name]


@dataclass
class Ran:
    code: int
    out: str
    err: str


Cli = Callable[..., Ran]
OF_WORKERS = {"--jobs", "--cell-timeout", "--memory"}


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run the real command line in this process, and its cells too unless it names `--jobs` or what limits a worker.

    A worker takes seconds to start; that results are the same is a test of `tests/running/test_resume.py`.
    """

    def run(*words: object) -> Ran:
        from albench.cli.main import main

        monkeypatch.setattr(sys, "argv", ["albench", *map(str, words)])
        capsys.readouterr()
        try:
            with monkeypatch.context() as patch:
                if not OF_WORKERS & set(words):
                    patch.setattr(Local, "run", Here.run)
                main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(bool(end.code))
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


def small_run(
    store: Path, strategies: str = "random", seeds: object = 1, retry: bool = False, **values: object
) -> api.Outcome:
    """Run a small study on digits in this process."""
    request = Request(strategies=strategies, seeds=seeds, values={**SMALL, **values})  # type: ignore[arg-type]
    planned = api.plan(request, store, retry)
    return api.perform(planned, Here(), "cpu", 1, ["albench", "run"], report=False)


def edit_json(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Change a stored JSON file as its writer could have: its checksum holds."""
    value = unseal(path.read_bytes())
    edit(value)
    path.write_bytes(seal(value, indent=1))


def edit_rows(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Change stored rows as their writer could have: their checksums hold."""
    rows = [unseal(line) for line in path.read_bytes().splitlines(keepends=True)]
    for row in rows:
        edit(row)
    path.write_bytes(b"".join(map(seal, rows)))


def run_and_kill(command: Sequence[str], sign: str) -> None:
    """Start a command and end it by SIGKILL as soon as it prints a line with a sign."""
    run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    with run.stdout as lines:
        assert any(sign in line for line in lines), f"it never printed {sign!r}"
        run.kill()
        run.wait()


def small_options(**values: object) -> list[str]:
    """The options of the command line for a small study."""
    return [word for key, value in {**SMALL, **values}.items() for word in ("--set", f"{key}={value}")]
