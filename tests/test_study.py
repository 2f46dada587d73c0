from __future__ import annotations

from pathlib import Path

import pytest

from albench.errors import RequestError
from albench.protocol import Protocol
from albench.study import Request, presets, read_preset, read_study


def study(text: str, tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_defaults_of_the_protocol_are_the_papers() -> None:
    assert Protocol() == Protocol(2000, 1000, 64, 1e-4, 0.9, 5e-4, 0.9, 1000, 25, None)
    paper = read_study(Request(preset="paper"))
    assert paper.protocol == Protocol()
    assert paper.seeds == tuple(range(9))
    assert [choice.label for choice in paper.strategies] == ["emoc[tolerance=0]", "min", "1vs2", "max", "random"]


def test_without_any_word_the_quickstart_runs_on_digits() -> None:
    plain = read_study(Request())
    assert (plain.name, plain.preset) == ("quickstart", "quickstart")
    assert [choice.label for choice in plain.scenarios] == ["digits"]
    assert [choice.label for choice in plain.strategies] == ["emoc", "min", "1vs2", "max", "random"]
    assert len(plain.seeds) == 3
    assert plain.protocol.rounds is not None
    assert plain.protocol.rounds >= 8


@pytest.mark.parametrize("name", presets())
def test_every_preset_is_a_valid_study_and_says_what_it_is(name: str) -> None:
    assert read_study(Request(preset=name)).preset == name
    assert read_preset(name)["description"]


def test_the_command_line_wins_over_the_file_and_the_file_over_the_preset(tmp_path: Path) -> None:
    path = study(
        'preset = "lite"\nseeds = [4, 2]\n[strategies.emoc]\nexpectation = 7\nlabel = "example"\n[strategies.random]\n'
        "[protocol]\nrounds = 3\nn_sets = 9\n",
        tmp_path,
    )
    found = read_study(Request(path))
    assert found.name == "mine"
    assert [choice.label for choice in found.strategies] == ["emoc[label=example,expectation=7]", "random"]
    assert found.seeds == (4, 2)
    assert (found.protocol.rounds, found.protocol.n_sets, found.protocol.update_iterations) == (3, 9, 150)
    won = read_study(Request(path, strategies="max,emoc[expectation=8]", seeds="1", protocol={"rounds": 5}))
    assert [choice.label for choice in won.strategies] == ["max", "emoc[label=example,expectation=8]"]
    assert (won.seeds, won.protocol.rounds) == ((0,), 5)


def test_seeds_are_a_count_or_a_list() -> None:
    given = {2: (0, 1), "2": (0, 1), "0,3,7": (0, 3, 7), "3,": (3,), (5, 5, 1): (5, 1)}
    for seeds, expected in given.items():
        assert read_study(Request(seeds=seeds)).seeds == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("strategys = ['min']\n", "there is no key 'strategys'; did you mean 'strategies'?"),
        ("seeds = 'three'\n", "seeds"),
        ("[strategies.emoc]\nexpectatoin = 3\n", "strategy 'emoc': there is no parameter 'expectatoin'; did you mean"),
        ("[protocol]\nround = 3\n", "protocol: there is no parameter 'round'; did you mean 'rounds'?"),
        ("[protocol]\nn_sets = 0\n", "protocol: n_sets: input should be greater than or equal to 1 (it is 0)"),
        ("strategies = ['emco']\n", "there is no strategy 'emco'; did you mean 'emoc'?"),
        ("preset = 'papper'\n", "there is no preset 'papper'; did you mean 'paper'?"),
        ("seeds = \n", "is no readable TOML file"),
        ("seeds = [-1]\n", "seeds"),
        ("strategies = []\n[scenarios]\n", None),
    ],
)
def test_a_wrong_study_file_is_an_error_that_says_where(text: str, message: str | None, tmp_path: Path) -> None:
    path = study(text, tmp_path)
    if message is None:
        assert read_study(Request(path)).strategies, "empty lists say nothing"
        return
    with pytest.raises(RequestError) as caught:
        read_study(Request(path))
    assert message in str(caught.value)


def test_the_key_of_a_cell_depends_on_what_its_result_depends_on_and_on_nothing_else() -> None:
    def key(**words: object) -> str:
        protocol = {"rounds": 3, **words.pop("protocol", {})}  # type: ignore[dict-item]
        return read_study(Request(protocol=protocol, **{"strategies": "min", "seeds": "0,", **words})).cells()[0].key  # type: ignore[arg-type]

    base = key()
    assert base == key(strategies="min,max") == key(seeds=2) == key(protocol={"rounds": 8})
    others = [
        key(strategies="max"),
        key(strategies="min[stream=1]"),
        key(seeds="1,"),
        key(scenarios="digits[novel=4]"),
        key(protocol={"n_sets": 7}),
        key(network="cifar10-quick[bias_rate=1]"),
    ]
    assert len({base, *others}) == 7


def test_a_raised_results_version_gives_another_key_and_a_new_release_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    from albench_strategies.posterior import LeastConfident

    request = Request(strategies="min", seeds=1)
    before = read_study(request).cells()[0].key
    monkeypatch.setattr("albench.provenance.version", lambda _: "99.0")
    assert read_study(request).cells()[0].key == before
    monkeypatch.setattr(LeastConfident, "results_version", 2)
    assert read_study(request).cells()[0].key != before


def test_a_specification_survives_the_way_through_json() -> None:
    import json

    from albench.spec import CellSpec

    cell = read_study(Request(strategies="emoc[expectation=5]", seeds=1)).cells()[0]
    again = CellSpec.from_json(json.loads(json.dumps(cell.to_json())))
    assert (again, again.key, again.initial_key) == (cell, cell.key, cell.initial_key)
    assert again.strategy.build() == cell.strategy.build()
