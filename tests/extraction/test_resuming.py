"""`albench features` that was stopped goes on; what it finds there is proved to be its own."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import albench
from albench.extraction.blocks import Blocks
from tests.conftest import Cli, run_and_kill
from tests.extraction.conftest import MODEL, write_weights

BLOCK = 16 * 5  # rows, at a batch size of 5


def words(network: str, path: Path, batch_size: int = 5) -> list[str]:
    return [
        "features", "--scenario", "digits", "--network", network, "--threads", "1", "--batch-size", str(batch_size),
        "--output", str(path),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory, network: str) -> Path:
    """The folder in which a run was killed on its way."""
    path = tmp_path_factory.mktemp("killed") / "f.npz"
    run_and_kill([sys.executable, "-u", "-m", "albench", *words(network, path)], "features: ")
    assert not path.exists()
    assert 2 <= len(blocks(path)) < 1797 // BLOCK
    return path.parent


@pytest.fixture
def killed(left: Path, tmp_path: Path) -> Path:
    """The path of a file whose run was killed on its way."""
    shutil.copytree(left, tmp_path, dirs_exist_ok=True)
    return tmp_path / "f.npz"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, network: str) -> Path:
    """A file whose run nobody stopped."""
    path = tmp_path_factory.mktemp("whole") / "f.npz"
    albench.features("digits", network, path, threads=1, batch_size=5)
    return path


def blocks(path: Path) -> list[Path]:
    return sorted(path.with_name(f"{path.name}.partial").glob("rows-*.npz"))


def test_a_killed_run_goes_on_and_ends_with_the_bytes_of_one_that_was_not(
    killed: Path, whole: Path, tmp_path: Path, cli: Cli, network: str
) -> None:
    (killed.with_name("f.npz.partial") / ".rows-000001600.npz.0a.part").write_bytes(b"what it was writing")
    assert cli(*words(network, killed)).code == 0
    assert killed.read_bytes() == whole.read_bytes()
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == ["f.npz"]


def test_an_interrupted_run_says_that_it_goes_on(tmp_path: Path, network: str) -> None:
    command = [sys.executable, "-u", "-m", "albench", *words(network, tmp_path / "f.npz")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        assert any("features: " in line for line in run.stdout)
        run.send_signal(signal.SIGINT)
        _, told = run.communicate(timeout=60)
    assert run.returncode == 130
    assert told == "interrupted; what was computed is kept, and the same command goes on from there\n"
    assert blocks(tmp_path / "f.npz")


def test_blocks_that_are_there_are_not_computed_again_and_damaged_ones_are(
    killed: Path, whole: Path, cli: Cli, network: str
) -> None:
    first, second = blocks(killed)[:2]
    np.savez(first.with_name(f"rows-{2 * BLOCK:09d}.npz"), features=np.zeros((BLOCK - 1, 1024), dtype=np.float32))
    np.savez(first, features=np.full((BLOCK, 1024), 7, dtype=np.float32))
    content = bytearray(second.read_bytes())
    content[len(content) // 2] ^= 1
    second.write_bytes(content)
    assert cli(*words(network, killed)).code == 0
    found, due = np.load(killed)["features"], np.load(whole)["features"]
    assert (found[:BLOCK] == 7).all()
    assert np.array_equal(found[BLOCK:], due[BLOCK:])


def test_blocks_of_another_network_of_other_data_and_of_other_batches_are_refused(
    killed: Path, tmp_path: Path, cli: Cli, network: str
) -> None:
    before = {path: path.read_bytes() for path in blocks(killed)}
    other = f'torchvision[name={MODEL},side=32,weights="{write_weights(tmp_path / "o.pth", 1)}"]'
    for changed, what in (
        (words(other, killed), "another network label ('torchvision[name=shufflenet_v2_x0_5,side=32,weights="),
        (words(network, killed, batch_size=6), "another batch_size (5, and now 6)"),
        ([*words(network, killed), "--seeds", "1"], "another data rows ('"),
    ):
        ran = cli(*changed)
        assert ran.code == 2
        assert f"f.npz.partial holds features that were begun with {what}" in ran.err
        assert "remove it to start anew, or name another file with --output" in ran.err
    assert before == {path: path.read_bytes() for path in blocks(killed)}


def test_blocks_whose_description_is_damaged_are_refused(killed: Path, cli: Cli, network: str) -> None:
    about = killed.with_name("f.npz.partial") / "about.json"
    about.write_bytes(about.read_bytes().replace(b"digits", b"digit5"))
    ran = cli(*words(network, killed))
    assert ran.code == 2
    assert "about.json cannot be read (its checksum does not hold); remove" in ran.err


def test_a_file_that_is_there_stays_and_another_one_is_not_overwritten(
    whole: Path, tmp_path: Path, cli: Cli, network: str
) -> None:
    path = shutil.copy(whole, tmp_path / "f.npz")
    before = (path.stat().st_mtime_ns, path.read_bytes())
    again = cli(*words(network, path, batch_size=9))
    assert (again.code, again.out) == (0, f"{path} is there already, with these features\n")
    other = cli(*words(network.replace("side=32", "side=40"), path))
    assert other.code == 2
    assert "f.npz is there already, with another network label ('torchvision[" in other.err
    with pytest.raises(albench.RequestError, match="is there already, with another network label"):
        albench.features("digits", network.replace("side=32", "side=40"), path)
    assert before == (path.stat().st_mtime_ns, path.read_bytes())
    np.savez(path, features=np.zeros((2, 2)))
    mine = path.read_bytes()
    refused = cli(*words(network, path))
    assert (refused.code, "is there already, with nothing that says so" in refused.err) == (2, True)
    assert path.read_bytes() == mine


def test_memory_holds_a_block_and_not_the_whole(tmp_path: Path) -> None:
    rows, width, n_blocks = 64, 1024, 64
    found = Blocks(tmp_path / "f.npz", {"what": "a test"}, rows * n_blocks, rows)
    found.open()
    block = np.ones((rows, width), dtype=np.float32)
    for start in found.starts:
        found.write(start, block)
    tracemalloc.start()
    found.finish(tmp_path / "f.npz", {})
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (tmp_path / "f.npz").stat().st_size > n_blocks * block.nbytes
    assert peak < 8 * block.nbytes
