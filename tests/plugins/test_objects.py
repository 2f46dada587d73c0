"""Components that nobody installed, as configured objects of Python."""

from __future__ import annotations

import linecache
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

import albench
from albench.errors import RequestError
from albench.store.store import Store
from albench.study.choice import HERE, Choice
from albench.study.study import Request, read_study
from tests.conftest import SMALL, PluginFolder


@dataclass(frozen=True)
class OfThisTest(albench.Strategy):
    """Least confident, as a configured object."""

    power: float = 1.0

    def score(self, query: albench.Query) -> torch.Tensor:
        return -(query.probabilities.amax(dim=1) ** self.power)


QUICK = {name: value for name, value in SMALL.items() if not name.endswith("_iterations")}


def run(store: Path, **words: Any) -> Any:
    learner = albench.learner("retrain[iterations=3]")
    return albench.run(seeds=1, set=QUICK, store=store, report=False, learner=learner, **words)


def test_configured_objects_run_beside_names(tmp_path: Path) -> None:
    outcome = run(tmp_path, strategies=["random,max", OfThisTest(), OfThisTest(power=2)])
    assert outcome.exit_code == 0
    assert set(outcome.rounds().strategy) == {"random", "max", "OfThisTest", "OfThisTest[power=2]"}
    assert set(outcome.rounds().learner) == {"retrain[batch_size=8,iterations=3]"}, (
        "values reach objects as they do names"
    )


def test_an_object_of_an_installed_class_is_that_component(tmp_path: Path) -> None:
    choice = Choice.of("strategies", albench.strategy("emoc[expectation=5]"))
    assert (choice.name, choice.label, choice.source) == ("emoc", "emoc[expectation=5]", "")
    assert choice == Choice.of("strategies", "emoc[expectation=5]")


def test_a_class_of_a_packages_module_runs_in_this_process_alone(tmp_path: Path) -> None:
    choice = Choice.of("strategies", OfThisTest())
    assert choice.source == HERE
    with pytest.raises(RequestError, match="OfThisTest is known to this process alone, so its cells run here"):
        run(tmp_path, strategies=[OfThisTest()], jobs=2)
    assert run(tmp_path, strategies=[OfThisTest()], jobs=1).exit_code == 0


NOTEBOOK = """
import linecache, sys
cell = '''
import albench
from dataclasses import dataclass
@dataclass(frozen=True)
class Mine(albench.Strategy):
    "A cell of a notebook."
    def score(self, query):
        return {sign}query.logits[:, 0]
'''
name = "<cell 1>"
linecache.cache[name] = (len(cell), None, cell.splitlines(True), name)
exec(compile(cell, name, "exec"))
outcome = albench.run(strategies=["random", Mine()], seeds=1, set={small!r}, store={store!r})
print(outcome.exit_code, sorted(set(outcome.rounds().strategy)), len(outcome.statuses))
print(albench.report({store!r}, {store!r} + "/page.md", format="md"))
print([status.status for status in albench.api.plan(albench.api.Request(strategies=[Mine()], seeds=[0], values={small!r}), {store!r}).statuses])
"""


def test_a_class_of_a_notebook_runs_and_an_edited_cell_is_another(tmp_path: Path) -> None:
    """`python -c` has what a notebook has: classes of `__main__`, whose source is in linecache alone."""
    outputs = []
    for sign in ("", "", "-"):
        code = NOTEBOOK.format(sign=sign, small=SMALL, store=str(tmp_path / "s")).replace("import linecache", "import albench, albench.api, linecache")  # fmt: skip
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout)
    assert outputs[0].startswith("0 ['Mine', 'random'] 2\n")
    assert outputs[0] == outputs[1]
    keys = {cell["key"] for cell in Store(tmp_path / "s").cells() if cell["strategy"] == "Mine"}
    assert len(list((tmp_path / "s").glob("cells/digits/Mine/*"))) == 2, "the old cells stay"
    assert len(keys) == 1
    assert (tmp_path / "s" / "page.md").read_text().startswith("# quickstart")


def test_two_classes_of_one_name_in_a_process_are_each_run_as_what_they_are() -> None:
    def make(sign: str) -> type[albench.Strategy]:
        scope: dict[str, Any] = {"__name__": __name__}
        text = (
            "import albench\nfrom dataclasses import dataclass\n@dataclass(frozen=True)\nclass Mine(albench.Strategy):\n"
            f"    power: float = 1.0\n    def score(self, query):\n        return {sign}query.logits[:, 0]\n"
        )
        name = f"<cell {sign}>"
        linecache.cache[name] = (len(text), None, text.splitlines(True), name)
        exec(compile(text, name, "exec"), scope)
        return scope["Mine"]

    one, other = make("+"), make("-")
    choices = [Choice.of("strategies", one(power=2.0)), Choice.of("strategies", other(power=3.0))]  # type: ignore[call-arg]
    assert [type(choice.build()) for choice in choices] == [one, other]
    assert choices[0].version != choices[1].version


def test_a_class_made_in_a_function_is_refused_unless_it_names_its_version() -> None:
    def make(shift: int, **members: Any) -> albench.Strategy:
        @dataclass(frozen=True)
        class Shifted(albench.Strategy):
            def score(self, query: albench.Query) -> torch.Tensor:
                return query.logits[:, 0] + shift

        for name, value in members.items():
            setattr(Shifted, name, value)
        return Shifted()

    with pytest.raises(RequestError, match="is made inside a function, so that its code does not tell what it does"):
        Choice.of("strategies", make(1))
    assert Choice.of("strategies", make(1, results_version=3)).version == 3


def test_an_object_takes_the_name_whose_defaults_it_has(tmp_path: Path, plugins: PluginFolder) -> None:
    plugins.install(
        "wide",
        "import albench\nfrom dataclasses import dataclass\n@albench.hookimpl\ndef albench_strategies():\n"
        "    return {'a-two': 'wide:Wide[width=2]', 'b-one': 'wide:Wide', 'c-three': 'wide:Wide[width=3]'}\n"
        "@dataclass(frozen=True)\nclass Wide(albench.Strategy):\n    width: int = 1\n",
    )
    for text, label in (("b-one", "b-one"), ("a-two", "a-two"), ("c-three", "c-three"), ("b-one[width=3]", "c-three")):
        assert Choice.of("strategies", albench.strategy(text)).label == label


DECORATED = """
import albench, torch, linecache, sys
from dataclasses import dataclass

@dataclass(frozen=True)
class Mine(albench.Strategy):
    @torch.no_grad()
    def score(self, query):
        return {sign}query.probabilities.amax(dim=1)

from albench.study.choice import Choice
print(Choice.of("strategies", Mine()).version)
"""


def test_a_decorated_method_of_a_script_is_told_by_its_own_code(tmp_path: Path) -> None:
    versions = []
    for sign in ("", "", "-"):
        script = tmp_path / "script.py"
        script.write_text(DECORATED.format(sign=sign), encoding="utf-8")
        done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        versions.append(done.stdout)
    assert versions[0] == versions[1] != versions[2]


EDITED = """
import pathlib
text = pathlib.Path(__file__).read_text()
pathlib.Path(__file__).write_text(text.replace("return query", "return 2 * query"))
try:
    Choice.of("strategies", Mine())
except albench.RequestError as error:
    print(error)
"""


def test_a_script_that_is_edited_while_it_runs_does_not_go_on_under_the_key_of_its_new_code(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(DECORATED.format(sign="") + EDITED, encoding="utf-8")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True)
    assert "the code of __main__:Mine has changed since this process imported it; start a new process" in done.stdout


GUARDED = """
import albench
WEIGHT = 1.0

class Mine(albench.Strategy):
    def score(self, query):
        return WEIGHT * query.logits[:, 0]

if __name__ == "__main__":
    WEIGHT = {weight}
    from albench.study.choice import Choice
    print(Choice.of("strategies", Mine()).version)
"""


def test_what_a_scripts_guard_sets_is_part_of_its_code(tmp_path: Path) -> None:
    versions = []
    for weight in (1, 1, -1):
        script = tmp_path / "script.py"
        script.write_text(GUARDED.format(weight=weight), encoding="utf-8")
        done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        versions.append(done.stdout)
    assert versions[0] == versions[1] != versions[2]


def test_an_object_of_another_kind_is_refused_by_name() -> None:
    with pytest.raises(RequestError, match=r"the strategy Retrain is no class derived from albench\.Strategy"):
        read_study(Request(strategies=[albench.learner("retrain")]))
    with pytest.raises(RequestError, match=r"the network Retrain is no class derived from albench\.Network"):
        read_study(Request(network=albench.learner("retrain")))
