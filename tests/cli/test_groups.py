"""A store that a group shares: real users, told apart by their numbers. It takes root, and Linux."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import albench
from tests.conftest import small_options

OWNER, MEMBER, STRANGER, GROUP = 64101, 64102, 64103, 64100
HOME = Path(sys.base_prefix)  # of the interpreter: often in the home of root, where nobody else may enter
REACHABLE = """
private=$1; kept=$(mktemp -d); shift
hidden=; above=$private
while above=$(dirname "$above"); [ "$above" != / ]; do
  case $(stat -c %A "$above") in *[xt]) ;; *) hidden=$above ;; esac
done
[ -z "$hidden" ] || {
  mount --bind "$private" "$kept"
  mount -t tmpfs -o mode=755 none "$hidden"
  mkdir -p "$private"
  mount --move "$kept" "$private"
}
exec "$@"
"""
TOOLS = [name for name in ("setpriv", "unshare", "mount") if shutil.which(name) is None]
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or bool(TOOLS), reason="it takes root, and Linux with setpriv"
)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder of OWNER that everybody reaches, in which GROUP may write."""
    with tempfile.TemporaryDirectory(prefix="albench-group-") as folder:
        root = Path(folder)
        os.chown(root, OWNER, GROUP)
        root.chmod(0o2775)
        tried = albench_as(MEMBER, GROUP, 0o002, "--version")
        if tried.returncode != 0:
            pytest.skip(f"another user cannot run what is installed here: {tried.stderr.strip()}")
        yield root


def albench_as(user: int, group: int, umask: int, *words: object) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user of a group alone."""
    who = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"]
    command = ["unshare", "--mount", "bash", "-c", REACHABLE, "bash", str(HOME), *who, sys.executable, "-m", "albench"]
    with tempfile.TemporaryDirectory() as home:
        os.chown(home, user, group)
        environment = {**os.environ, "HOME": home, "XDG_CACHE_HOME": home}
        return subprocess.run(
            [*command, *map(str, words)], capture_output=True, text=True, umask=umask, env=environment, check=False
        )


def study(store: Path, strategies: str, rounds: int) -> list[object]:
    """The words of a run of a small study."""
    options = [*small_options(rounds=rounds), "--jobs", "1", "--seeds", "1"]
    return ["run", "--strategies", strategies, *options, "--store", store]


def test_a_group_shares_a_store_and_others_are_told_whose_it_is(shared: Path) -> None:
    store = shared / "s"
    first = albench_as(OWNER, GROUP, 0o002, *study(store, "random", 1))
    assert first.returncode == 0, first.stderr
    assert {path for path in store.rglob("*") if not path.stat().st_mode & 0o020} == set(), "the umask decides"

    more = albench_as(MEMBER, GROUP, 0o002, *study(store, "random,min", 2))
    assert more.returncode == 0, more.stderr
    rounds = albench.load(store).groupby("strategy")["round"].max()
    assert rounds.to_dict() == {"random": 2, "min": 2}
    assert {path.stat().st_gid for path in store.rglob("*")} == {GROUP}

    seen = albench_as(STRANGER, STRANGER, 0o022, "status", store)
    assert (seen.returncode, "2 of 2 cells done" in seen.stdout) == (0, True)
    refused = albench_as(STRANGER, STRANGER, 0o022, *study(store, "random,min", 3))
    assert refused.returncode != 0
    assert refused.stderr.count("\n") == 1
    assert f"{store} belongs to user {OWNER}, and permission is denied; ask its owner" in refused.stderr

    store.chmod(0o2770)
    hidden = albench_as(STRANGER, STRANGER, 0o022, "status", store)
    assert (hidden.returncode, hidden.stderr.count("\n")) == (2, 1)
    assert f"{store} belongs to user {OWNER}, and permission is denied; ask its owner" in hidden.stderr
