"""What a cell prints is in its log, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

from albench.executors.log import KEPT_BYTES, Log
from tests.conftest import Cli, PluginFolder, small_options

SAYS = """
def score(self, query):
    import os, subprocess, sys
    print("printed")
    print("warned", file=sys.stderr)
    subprocess.run(["echo", "by another process"])
    os.write(2, b"by the system\\n")
    return query.logits[:, 0]
"""


def test_what_a_cell_prints_is_in_its_log_and_in_no_other(tmp_path: Path, plugins: PluginFolder, cli: Cli) -> None:
    plugins.install_strategy("says", SAYS)
    store = tmp_path / "s"
    ran = cli("run", "--strategies", "says,random", *("--seeds", 1, "--jobs", 1, "--store", store), *small_options())
    assert (ran.code, ran.err) == (0, "")
    assert "printed" not in ran.out
    says, random = (next(store.glob(f"cells/digits/{name}/*/log.txt")).read_text() for name in ("says", "random"))
    assert sorted(says.splitlines()) == sorted(2 * ["printed", "warned", "by another process", "by the system"])
    assert random == ""


def test_a_log_that_was_cut_and_grows_again_counts_all_that_is_left_out(tmp_path: Path) -> None:
    path, written = tmp_path / "log.txt", b""
    for session in range(3):
        log = Log(path)
        for number in range(9):
            data = b"%d %d\n" % (session, number) * 20_000
            log.write(data)
            written += data
        log.close()
    kept = path.read_bytes()
    marks = list(re.finditer(rb"\n\[\.\.\. (\d+) bytes are left out here \.\.\.\]\n", kept))
    assert len(marks) == 1
    assert len(kept) - len(marks[0][0]) + int(marks[0][1]) == len(written)
    assert kept[: marks[0].start()] == written[:KEPT_BYTES]
    assert written.endswith(kept[marks[0].end() :])


def test_a_log_follows_no_link_and_its_last_words_are_known_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("precious")
    (tmp_path / "log.txt").symlink_to(tmp_path / "theirs")
    log = Log(tmp_path / "log.txt")
    log.write(b"first\nsecond\nthird\nfourth\n")
    log.close()
    assert (tmp_path / "theirs").read_text() == "precious"
    assert log.last_words() == "second third fourth"
