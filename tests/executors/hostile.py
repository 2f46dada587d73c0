"""Strategies that do to their process what no plugin should; a file as anybody gives it to ``--strategies``."""

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import torch

import albench


def pipes() -> list[int]:
    """The descriptors that nobody gave to this file, claims and logs aside."""
    numbers = [int(path.name) for path in Path("/proc/self/fd").iterdir()]
    return [
        number
        for number in numbers
        if number > 2 and Path(f"/proc/self/fd/{number}").exists() and stat.S_ISFIFO(os.fstat(number).st_mode)
    ]


class Scoring(albench.Strategy):
    def score(self, query):
        self.misbehave(query)
        return query.logits[:, 0]

    def misbehave(self, query):
        """Nothing."""


class Asks(Scoring):
    def misbehave(self, query):
        input("go on? ")


class Breaks(Scoring):
    def misbehave(self, query):
        breakpoint()


class Debugs(Scoring):
    def misbehave(self, query):
        import pdb

        pdb.set_trace()


class Leaves(Scoring):
    def misbehave(self, query):
        sys.exit("bye")


class Exits(Scoring):
    def misbehave(self, query):
        print("no licence for the solver", file=sys.stderr)
        os._exit(3)


class Killed(Scoring):
    def misbehave(self, query):
        os.kill(os.getpid(), signal.SIGKILL)


class Forges(Scoring):
    """Half an event, and no end of the line."""

    def misbehave(self, query):
        for number in pipes():
            try:
                os.write(number, b'{"event": "rou')
            except OSError:
                continue
        time.sleep(600)


class Lies(Scoring):
    """A whole event that never happened."""

    def misbehave(self, query):
        for number in pipes():
            try:
                os.write(number, b'{"event": "idle", "left": []}\n')
            except OSError:
                continue
        time.sleep(600)


class Closes(Scoring):
    def misbehave(self, query):
        os.closerange(3, 256)
        time.sleep(600)


class Forks(Scoring):
    def misbehave(self, query):
        os.fork()


class Detached(Scoring):
    """A child in a session of its own, which holds every descriptor, and death."""

    def misbehave(self, query):
        if os.fork() == 0:
            os.setsid()
            time.sleep(600)
            os._exit(0)
        os._exit(4)


class Hangs(Scoring):
    def misbehave(self, query):
        while True:
            with suppress(BaseException):  # as hasty code has it
                time.sleep(0.05)


class Eats(Scoring):
    def misbehave(self, query):
        kept = []
        while True:
            kept.append(torch.ones(2_000_000))


class EatsInChild(Scoring):
    def misbehave(self, query):
        subprocess.run([sys.executable, "-c", "kept = []\nwhile True: kept.append(b'x' * 10**7)"])


class Overwrites(Scoring):
    def misbehave(self, query):
        query.pool.numpy()[:] = 0


class OverwritesOne(Scoring):
    def misbehave(self, query):
        query.labels.numpy()[0] += 1


class Shuffles(Scoring):
    def misbehave(self, query):
        query.pool.data.copy_(query.pool.flip(0))


class Patches(Scoring):
    def misbehave(self, query):
        torch.nn.functional.relu = lambda x, inplace=False: x
        torch.Tensor.mul = torch.Tensor.add
        os.chdir("/")
        os.umask(0o77)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        os.environ["OF_PATCHES"] = "1"
        threading.Thread(target=time.sleep, args=(600,), name="refresher", daemon=True).start()
        subprocess.Popen(["sleep", "600"])


class Prints(Scoring):
    def misbehave(self, query):
        for number in range(60_000):
            print("a line that nobody will read, number", number)


class Shouts(Scoring):
    def misbehave(self, query):
        raise ValueError("x" * 20_000_000 + " and the end of it")


class UnspeakableError(Exception):
    def __str__(self):
        raise RuntimeError("no words")


class Mumbles(Scoring):
    def misbehave(self, query):
        raise UnspeakableError
