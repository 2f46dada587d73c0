"""What people write: components, --set values, seeds, study files, earlier answers, results of pytest-benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from albench.cli.output import assignments
from albench.executors.pack import ended
from albench.plugins import parameters
from albench.plugins.host import host
from albench.protocols.discovery import Discovery
from albench.querying.history import read_answer
from albench.store.results import _benchmarks
from albench.study.layers import read_file
from albench.study.seeds import read_seeds
from albench.study.study import Request, read_study
from tests.fuzz.mutation import mutated_json, mutated_lines
from tests.fuzz.target import Target, reading

COMPONENTS = (
    b"random",
    b"emoc[output=softmax,tolerance=0.1]",
    b'random[stream="1"],1vs2 , badge[]',
    b"./my.py:Mine[x=2]",
    b'min[a="x,]\\"[y",b=none]',
    b"a" + b"[" * 3000,
    b"emoc[expectation=" + b"9" * 5000 + b"]",
    b'x[a="' + b"\\" * 5000 + b'"]',
)
VALUES = (
    b"rounds=3",
    b"n_sets = 0x10",
    b'set_size="5"',
    b"set_size=1e999",
    b"n_sets=" + b"[" * 3000,
    b"a=" + b"1" * 5000,
)
SEEDS = (b"3", b"0,3,7", b"0-4", b"3,", b"1-9223372036854775807", b"9" * 5000, b"\xd9\xa3")
ANSWERS = (
    b"rank,file,score,predicted_class,probability\n1,a/b.png,0.5,cat,0.9\n2,./-c.png,,dog,\n",
    b"\xef\xbb\xbffile,rank\r\nx,1\r\n",
    b"rank,file\n" + b"9" * 5000 + b",x\n",
    b'rank,file\n1,"' + b"x" * 200_000 + b'"\n',
)
BENCHMARKS = (b'{"benchmarks": [{"name": "a", "group": null, "stats": {"mean": 1.0, "stddev": 0, "rounds": 3}}]}',)
ENDS = (b'{"task": "a", "event": {"event": "done"}}\n{"task": "b", "event": {"event": "failed", "error": "x"}}\n',)


def _component(data: bytes) -> object:
    """Read a list of components, and configure those of plugins; what is read is written and read again."""
    found = []
    for text in parameters.split_list(_text(data)):
        parameters.placed(text, Path("/nowhere"))
        name, given = parameters.parse(text)
        assert parameters.parse(parameters.write(name, given)) == (name, given)
        if parameters.file_and_class(name) is None:  # a file's code would be run: it was named to be
            found.append(host().configure("strategies", text))
    return found


def _set(data: bytes) -> object:
    values = assignments([_text(data)])
    return parameters.build(Discovery, values, "the protocol")


def _study(path: Path) -> object:
    read_file(path)
    return read_study(Request(file=path))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _studies() -> Sequence[bytes]:
    presets = files("albench.study") / "presets"
    paper = (presets / "quickstart.toml").read_bytes()
    return (
        b"\n".join(line for line in paper.splitlines() if not line.startswith((b"asks", b"needs", b"cost"))),
        b'name = "x"\nscenarios = "digits[novel=2]"\nseeds = [0, 3]\nrounds = 2\n[strategies.emoc]\ntolerance = 0.1\n[strategies.random]\n',
        b'strategies = ["random", "min"]\n[[settings]]\nscenarios = "digits"\nprotocol = "top-k[query_size=5]"\n[[settings]]\nscenarios = "digits"\n',
        b'strategies = "random"\nnetwork = "torchvision[weights=\\"/dev/zero\\"]"\n',
        b'strategies = "random"\nseeds = "0-999999999999"\n',
        b"x = " + b"[" * 3000,
        b"a" + b".a" * 3000 + b" = 1",
        b"seeds = " + b"1" * 5000,
        b"strategies = 'random'\n" + b"".join(b"[[settings]]\nscenarios='digits'\n" for _ in range(100)),
    )


TARGETS = {
    "component": Target(_component, lambda: COMPONENTS),
    "--set": Target(_set, lambda: VALUES),
    "seeds": Target(lambda data: read_seeds(_text(data), "--seeds"), lambda: SEEDS),
    "study file": Target(reading("study.toml", _study), _studies),
    "answer of a query": Target(reading("next.csv", read_answer), lambda: ANSWERS),
    "benchmarks": Target(reading("benchmarks.json", _benchmarks), lambda: BENCHMARKS, mutated_json),
    "ends of a pack": Target(reading("ended.jsonl", ended), lambda: ENDS, mutated_lines),
}
